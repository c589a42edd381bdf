"""T-Minus: a deployment director that lives in Slack."""

__version__ = "0.1.0"
