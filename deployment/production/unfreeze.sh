#!/usr/bin/env bash
#
# Ends the code freeze: pushes to the main branch are accepted again.
#
#   unfreeze.sh [--force]      --force also ends the freeze of another deployment
#
# From the environment: CHECKOUT_REPOSITORY, TMINUS_DEPLOYMENT   as in freeze.sh

set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools/common.sh"

need CHECKOUT_REPOSITORY
note="$CHECKOUT_REPOSITORY/code-freeze"
hook="$CHECKOUT_REPOSITORY/hooks/update"
if [[ ! -f "$note" ]]; then
  notice "The code is not frozen."
  exit 0
fi
owner="$(head -n 1 "$note")"
[[ "$owner" == "${TMINUS_DEPLOYMENT:-by-hand}" || "${1:-}" == --force ]] || fail "The code is frozen by $owner; say --force to end that one's freeze."
git -C "$CHECKOUT_REPOSITORY" update-ref -d "refs/freeze/$(sed -n 2p "$note")"
rm -f "$note"
if [[ -e "$hook" ]] && grep -q 'installed by freeze.sh' "$hook"; then rm -f "$hook"; fi
notice "The freeze of $owner is over: pushes are accepted again."
