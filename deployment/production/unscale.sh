#!/usr/bin/env bash
#
# Takes the member on the spare host away again, without losing a request.
#
#   unscale.sh [HOST]
#
# From the environment: as in scale.sh

set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools/common.sh"
# shellcheck source=tools/roll.sh
source "$here/tools/roll.sh"

need CHECKOUT_ADMIN_URL CHECKOUT_ADMIN_TOKEN CHECKOUT_HOSTS CHECKOUT_HOST_TOKEN
spare="${1:-${CHECKOUT_SPARE_HOST:-}}"
[[ -n "$spare" ]] || fail "Say which host, as in: ${0##*/} c (or set CHECKOUT_SPARE_HOST)."
look
if [[ -z "${url[$spare]:-}" ]]; then
  notice "$spare is not a member."
  exit 0
fi
all_steps=2
step "Taking $spare out of rotation"
take_out "$spare"
call DELETE "$CHECKOUT_ADMIN_URL/members/$spare" --token CHECKOUT_ADMIN_TOKEN --get removed >/dev/null
step "Stopping $spare"
on_host "$spare" POST /stop --get running >/dev/null
notice "$(gateway GET /members --get taking_requests) members take requests."
