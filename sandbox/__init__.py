"""A Slack workspace on this machine: what does a bot meet when there is no Slack?"""
