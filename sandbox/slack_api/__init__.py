"""Slack's published method descriptions, as data; the licence is beside them."""
