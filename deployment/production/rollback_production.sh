#!/usr/bin/env bash
#
# Goes back to the version before, member by member, without losing a request.
#
#   rollback_production.sh [VERSION]
#
# The release is still on the hosts; it is installed again from its tag where it is not. The database is not touched:
# when the schema has changed, the older release starts and takes no orders until restore_database.sh has been run.
#
# From the environment:
#   TMINUS_PREVIOUS_VERSION  the version to go back to, when no argument is given; without it, what each host ran before
#   CHECKOUT_REPOSITORY, CHECKOUT_ADMIN_URL, CHECKOUT_ADMIN_TOKEN, CHECKOUT_HOSTS, CHECKOUT_HOST_TOKEN,
#   CHECKOUT_DRAIN_S, CHECKOUT_HEALTHY_S   as in deploy_production.sh

set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools/common.sh"
# shellcheck source=tools/roll.sh
source "$here/tools/roll.sh"

need CHECKOUT_REPOSITORY CHECKOUT_ADMIN_URL CHECKOUT_ADMIN_TOKEN CHECKOUT_HOSTS CHECKOUT_HOST_TOKEN
look
version="${1:-${TMINUS_PREVIOUS_VERSION:-$(on_host "${members[0]}" GET /state --get previous)}}"
[[ "$version" =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "Say which version to go back to, as in: ${0##*/} 1.4.1 (or set TMINUS_PREVIOUS_VERSION)."

all_steps=$((1 + 3 * ${#members[@]}))
in_work=""
trap 'keep_sane "$version"' EXIT
trap 'stopped=143; exit 143' TERM
trap 'stopped=130; exit 130' INT

step "Going back to $version on ${#members[@]} members: ${members[*]}"
for member in "${members[@]}"; do
  echo "::group::Member $member"
  if is_done "$member" "$version"; then
    done_steps=$((done_steps + 2))
    step "$member runs $version already"
    echo "::endgroup::"
    continue
  fi
  step "Taking $member out of rotation"
  take_out "$member"
  in_work="$member"
  on_host "$member" POST /stop --get running >/dev/null
  installed="$(on_host "$member" GET /state --get installed)"
  if ! grep -qxF "$version" <<<"$installed"; then
    echo "$version is no longer on $member; installing it from its tag"
    install "$member" "$version"
  fi
  step "Starting $version on $member"
  bring_up "$member" "$version"
  step "Putting $member back"
  put_back "$member"
  in_work=""
  echo "::endgroup::"
done

health="$(call GET "${url[${members[0]}]}/healthz" --get status)"
if [[ "$health" == degraded ]]; then
  warn "The database has a newer schema than $version knows, so it takes no orders. Restore the database: restore_database.sh."
fi
notice "$version is on ${#members[@]} of ${#members[@]} members."
