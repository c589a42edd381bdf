#!/usr/bin/env bash
#
# Deploys one version of the service, member by member, without losing a request.
#
#   deploy_production.sh [VERSION]
#
# For each member: take it out of rotation, let it finish, install the release from its git tag, migrate the database if
# the release needs it (once), start, wait until the member itself answers with the new version, put it back, watch it.
# Stops at the first failure with an exit code other than 0; the members that are well go on serving.
# May be run again: members that have the version already are left alone.
#
# From the environment:
#   TMINUS_VERSION           the version, when no argument is given
#   TMINUS_COMMIT            if set, the tag has to be this commit
#   CHECKOUT_REPOSITORY      the git repository with the tags v1.2.3
#   CHECKOUT_ADMIN_URL       the gateway's admin side        CHECKOUT_ADMIN_TOKEN   opens it
#   CHECKOUT_HOSTS           "a=http://…,b=http://…", the agents on the hosts      CHECKOUT_HOST_TOKEN   opens them
#   CHECKOUT_DRAIN_S         how long a member may take to finish its requests (15)
#   CHECKOUT_HEALTHY_S       how long a release may take to become healthy (20)
#   TMINUS_PARAMETER_SETTLE  how long each member is watched after it came back, in seconds; else CHECKOUT_SETTLE_S (2)
#
# To adapt it: `install`, `bring_up`, `take_out` and `put_back` in tools/roll.sh are the four things that differ from
# one infrastructure to the next.

set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools/common.sh"
# shellcheck source=tools/roll.sh
source "$here/tools/roll.sh"

version="${1:-${TMINUS_VERSION:-}}"
[[ "$version" =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "Say which version, as in: ${0##*/} 1.4.2 (or set TMINUS_VERSION)."
need CHECKOUT_REPOSITORY CHECKOUT_ADMIN_URL CHECKOUT_ADMIN_TOKEN CHECKOUT_HOSTS CHECKOUT_HOST_TOKEN

commit="$(git -C "$CHECKOUT_REPOSITORY" rev-parse --verify --quiet "v$version^{commit}")" ||
  fail "There is no tag v$version in $CHECKOUT_REPOSITORY."
[[ -z "${TMINUS_COMMIT:-}" || "$TMINUS_COMMIT" == "$commit" ]] ||
  fail "The tag v$version is at ${commit:0:7}, but ${TMINUS_COMMIT:0:7} was approved. Nothing was changed."

look
all_steps=$((1 + 4 * ${#members[@]}))
in_work=""
trap 'keep_sane "$version"' EXIT
trap 'stopped=143; exit 143' TERM
trap 'stopped=130; exit 130' INT

step "Deploying $version (${commit:0:7}) to ${#members[@]} members: ${members[*]}"

# migrate_once MEMBER: before the first member starts, and only when the release wants a newer schema than there is.
migrate_once() {
  local wanted have
  [[ -z "${migrated:-}" ]] || return 0
  migrated=yes
  wanted="$(git -C "$CHECKOUT_REPOSITORY" show "v$version:release.json" | python -c 'import json, sys; print(json.load(sys.stdin)["schema"])')"
  have="$(python "$here/tools/database.py" schema "$CHECKOUT_DATABASE")"
  if ((wanted <= have)); then
    echo "The database is at schema $have; $version works with $wanted, so nothing is migrated."
    return
  fi
  echo "Migrating the database from schema $have to $wanted"
  local answer
  answer="$(on_host "$1" POST "/migrate?version=$version")"
  python -c 'import json, sys; print(json.loads(sys.argv[1])["output"])' "$answer"
  [[ "$(python -c 'import json, sys; print(json.loads(sys.argv[1])["exit_code"])' "$answer")" == 0 ]] ||
    fail "$version could not migrate the database, which stayed at schema $have. Member $1 had been taken out of rotation before."
  notice "The database is at schema $wanted. Going back to a release that does not know it needs the database of before."
}

settle_s="${TMINUS_PARAMETER_SETTLE:-${CHECKOUT_SETTLE_S:-2}}"
settle() {
  local until=$((SECONDS + settle_s))
  while ((SECONDS < until)); do
    is_healthy "$1" || fail "$1 fell ill within $settle_s s of coming back with $version."
    sleep 0.3
  done
}

for member in "${members[@]}"; do
  echo "::group::Member $member"
  if is_done "$member" "$version"; then
    done_steps=$((done_steps + 3))
    step "$member runs $version already"
    echo "::endgroup::"
    continue
  fi
  step "Taking $member out of rotation"
  take_out "$member"
  in_work="$member"
  echo "$member has finished its requests"
  step "Installing $version on $member"
  on_host "$member" POST /stop --get running >/dev/null
  install "$member" "$version"
  migrate_once "$member"
  step "Starting $version on $member"
  bring_up "$member" "$version"
  echo "$member answers with $version"
  step "Putting $member back and watching it"
  put_back "$member"
  settle "$member"
  in_work=""
  echo "::endgroup::"
done

notice "$version (${commit:0:7}) is on ${#members[@]} of ${#members[@]} members."
