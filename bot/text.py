"""How do words, times and numbers become text that is safe and short enough for Slack?"""
