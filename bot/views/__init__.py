"""How does a record look in Slack? Pure functions from the record to Block Kit; nothing here waits or decides."""
