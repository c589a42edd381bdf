#!/usr/bin/env bash
#
# Adds a member on a spare host, with the version that the others run.
#
#   scale.sh [HOST]
#
# From the environment:
#   CHECKOUT_SPARE_HOST   the host, when no argument is given
#   CHECKOUT_REPOSITORY, CHECKOUT_ADMIN_URL, CHECKOUT_ADMIN_TOKEN, CHECKOUT_HOSTS, CHECKOUT_HOST_TOKEN   as in deploy_production.sh

set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools/common.sh"
# shellcheck source=tools/roll.sh
source "$here/tools/roll.sh"

need CHECKOUT_REPOSITORY CHECKOUT_ADMIN_URL CHECKOUT_ADMIN_TOKEN CHECKOUT_HOSTS CHECKOUT_HOST_TOKEN
spare="${1:-${CHECKOUT_SPARE_HOST:-}}"
[[ -n "$spare" ]] || fail "Say which host, as in: ${0##*/} c (or set CHECKOUT_SPARE_HOST)."
all_steps=3
look
if [[ -n "${url[$spare]:-}" ]] && is_healthy "$spare"; then
  notice "$spare is a member already: ${#members[@]} members."
  exit 0
fi

version="$(seen_version "${members[-1]}")" || fail "No member tells which version it runs."
step "Installing $version on $spare"
on_host "$spare" POST /stop --get running >/dev/null
install "$spare" "$version"
step "Starting $version on $spare"
url["$spare"]="$(on_host "$spare" GET /state --get url)"
on_host "$spare" POST "/start?version=$version" --get pid >/dev/null
until_true "${CHECKOUT_HEALTHY_S:-20}" is_up "$spare" "$version" || fail "$version did not answer on $spare."
step "Adding $spare to the gateway"
gateway POST /members --json "{\"name\": \"$spare\", \"url\": \"${url[$spare]}\"}" --get name >/dev/null
until_true "${CHECKOUT_HEALTHY_S:-20}" is_healthy "$spare" || fail "The gateway does not find $spare healthy."
notice "$(gateway GET /members --get taking_requests) members take requests."
