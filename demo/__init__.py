"""A small production on loopback, and the command that starts it together with the sandbox and the bot."""
