#!/usr/bin/env bash
# Run the bot in a container, and end when it has ended and no script of a deployment is running any more: with its first
# process a container ends every other one, and a deploy script that is killed half-way is the worst there is.
set -u
bot="" stopping=""
# Before the bot begins: a container may be stopped in that very moment.
trap 'stopping=yes; kill -TERM "$bot" 2>/dev/null' TERM INT
python -m bot run "$@" &
bot=$!
[ -z "$stopping" ] || kill -TERM "$bot" 2>/dev/null

code=0
# A signal ends the waiting, not the bot.
while wait "$bot"; code=$?; kill -0 "$bot" 2>/dev/null; do :; done

# In brackets, so that the search does not find itself. With -q, one that is found counts even if another process has ended
# while the search was on its way to it.
running() { grep -qsa "$PWD/bot/scripts/[s]upervisor.py" /proc/[0-9]*/cmdline; }
if running; then echo "The bot has ended; waiting for the scripts that are still running." >&2; fi
while running; do sleep 1; done
exit "$code"
