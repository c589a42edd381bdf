#!/usr/bin/env bash
#
# Puts the database back to the last backup that was taken before the deployment.
#
#   restore_database.sh [FOLDER OF A BACKUP]
#
# Without an argument: the newest backup of this deployment, otherwise the newest of all. The state before the restore is
# kept beside the backups, with the orders that the backup does not have. Refuses while a member runs a release that needs
# a newer schema than the backup has: roll back first.
#
# From the environment:
#   CHECKOUT_DATABASE, CHECKOUT_BACKUPS   the database file, the folder of the backups
#   CHECKOUT_ADMIN_URL, CHECKOUT_ADMIN_TOKEN   to ask the members how they are
#   TMINUS_DEPLOYMENT     the deployment whose backup is wanted

set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools/common.sh"

need CHECKOUT_DATABASE CHECKOUT_BACKUPS CHECKOUT_ADMIN_URL CHECKOUT_ADMIN_TOKEN
all_steps=3
folder="${1:-}"
find_backup() { find "$CHECKOUT_BACKUPS" -mindepth 2 -maxdepth 2 -name manifest.json -path "*/2*Z-$1/*" | sort | tail -n 1; }
if [[ -z "$folder" ]]; then
  manifest="$(find_backup "${TMINUS_DEPLOYMENT:-by-hand}")"
  if [[ -z "$manifest" ]]; then
    manifest="$(find_backup '*')"
    [[ -n "$manifest" ]] || fail "There is no backup in $CHECKOUT_BACKUPS."
    warn "No backup was taken for ${TMINUS_DEPLOYMENT:-this deployment}; using the newest of all."
  fi
  folder="$(dirname "$manifest")"
fi
[[ -f "$folder/manifest.json" ]] || fail "$folder is not a backup: it has no manifest.json."

manifest_value() { python -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$folder/manifest.json" "$1"; }
schema="$(manifest_value schema)"
step "Backup ${folder##*/}, taken $(manifest_value finished_at), schema $schema"
urls="$(gateway GET /members --get members.url)"
for url in $urls; do
  needed="$(call GET "$url/healthz" --get expected_schema 2>/dev/null)" || continue
  ((needed <= schema)) || fail "The member at $url runs a release that needs schema $needed, and the backup has $schema. Roll back first. Nothing was changed."
done

step "Restoring"
python "$here/tools/database.py" restore "$folder" "$CHECKOUT_DATABASE" "$CHECKOUT_BACKUPS/before-restore-$(date -u +%Y%m%dT%H%M%S.%3NZ)"

step "Asking the members"
is_well() { [[ "$(call GET "$1/healthz" --get status)" == ok ]]; }
for url in $urls; do
  until_true 10 is_well "$url" || fail "The member at $url is not well on the restored database."
done
notice "The database is back at schema $schema."
