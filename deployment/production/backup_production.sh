#!/usr/bin/env bash
#
# Backs up the database and the state of production, and proves the backup by restoring it into a scratch database.
#
#   backup_production.sh
#
# Writes CHECKOUT_BACKUPS/<time>-<deployment>/ with checkout.sqlite3, state.json (what runs where) and manifest.json
# (times, size, checksum, schema, rows of each table, the restore test); CHECKOUT_BACKUPS/latest.json is the newest manifest.
#
# From the environment:
#   CHECKOUT_DATABASE     the database file
#   CHECKOUT_BACKUPS      the folder of the backups
#   CHECKOUT_KEEP         how many backups are kept (20)
#   CHECKOUT_ADMIN_URL, CHECKOUT_ADMIN_TOKEN, CHECKOUT_HOSTS, CHECKOUT_HOST_TOKEN   to note what runs where
#   TMINUS_DEPLOYMENT     the deployment it is taken for

set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools/common.sh"

need CHECKOUT_DATABASE CHECKOUT_BACKUPS CHECKOUT_ADMIN_URL CHECKOUT_ADMIN_TOKEN CHECKOUT_HOSTS CHECKOUT_HOST_TOKEN
label="${TMINUS_DEPLOYMENT:-by-hand}"
[[ "$label" =~ ^[A-Za-z0-9._-]+$ ]] || fail "TMINUS_DEPLOYMENT may have letters, digits, dots and dashes only."
folder="$CHECKOUT_BACKUPS/$(date -u +%Y%m%dT%H%M%S.%3NZ)-$label"
all_steps=3

step "Noting what runs where"
mkdir -p "$folder"
# The nightly backup and that of a deployment may come at the same time: one after the other, and the later one is the newest.
exec 9>>"$CHECKOUT_BACKUPS/.lock"
flock --nonblock 9 || { echo "Another backup is running; this one waits for it."; flock 9; }
{
  printf '{"gateway": %s, "hosts": {' "$(gateway GET /members)"
  separator=""
  for pair in ${CHECKOUT_HOSTS//,/ }; do
    printf '%s"%s": %s' "$separator" "${pair%%=*}" "$(on_host "${pair%%=*}" GET /state)"
    separator=", "
  done
  printf '}}\n'
} >"$folder/state.json"

step "Copying the database and restoring the copy into a scratch file"
python "$here/tools/database.py" backup "$CHECKOUT_DATABASE" "$folder"

step "Making it the newest"
cp "$folder/manifest.json" "$CHECKOUT_BACKUPS/latest.json.new"
mv "$CHECKOUT_BACKUPS/latest.json.new" "$CHECKOUT_BACKUPS/latest.json"
find "$CHECKOUT_BACKUPS" -mindepth 1 -maxdepth 1 -type d -name '2*Z-*' | sort | head -n "-${CHECKOUT_KEEP:-20}" | while read -r old; do
  rm -r "$old"
done
notice "Backup ${folder##*/} is good."
