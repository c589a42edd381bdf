# shellcheck shell=bash
# How one member goes to another release without a customer noticing. Sourced by the deploy, rollback and scale scripts.

is_idle() { [[ "$(gateway GET /members --get "members[$1].in_flight")" == 0 ]]; }
is_healthy() { [[ "$(gateway GET /members --get "members[$1].healthy")" == true ]]; }
is_running() { [[ "$(on_host "$1" GET /state --get running)" == true ]]; }
seen_version() { call GET "$(on_host "$1" GET /state --get url)/version" --get version 2>/dev/null; }

# members_in_order: those that take no requests first; while they are put right, the others carry the load.
members_in_order() {
  local names able name ill=() well=()
  names="$(gateway GET /members --get members.name)"
  for name in $names; do
    able="$(gateway GET /members --get "members[$name].takes_requests")"
    if [[ "$able" == true ]]; then well+=("$name"); else ill+=("$name"); fi
  done
  echo "${ill[@]}" "${well[@]}"
}

# is_done MEMBER VERSION: nothing is left to do for it, so a script that is run again goes on where it stopped.
is_done() {
  [[ "$(gateway GET /members --get "members[$1].takes_requests")" == true && "$(seen_version "$1")" == "$2" ]]
}

take_out() {
  gateway POST "/members/$1/drain" --get state >/dev/null
  until_true "${CHECKOUT_DRAIN_S:-15}" is_idle "$1" || fail "$1 still has requests in flight after ${CHECKOUT_DRAIN_S:-15} s."
}

# install MEMBER VERSION: the tag's files, as git archives them, with the commit they came from.
install() {
  local commit file
  commit="$(git -C "$CHECKOUT_REPOSITORY" rev-parse --verify --quiet "v$2^{commit}")" || fail "There is no tag v$2 in $CHECKOUT_REPOSITORY."
  file="$(mktemp)"
  git -C "$CHECKOUT_REPOSITORY" archive --format=tar --output="$file" "v$2"
  on_host "$1" PUT "/release?version=$2&commit=$commit" --file "$file" --get url >/dev/null || { rm -f "$file"; return 1; }
  rm -f "$file"
}

# is_up MEMBER VERSION: the member itself answers with that version. One that has died will not come up by waiting.
is_up() {
  is_running "$1" || died "$1" "$2"
  [[ "$(seen_version "$1")" == "$2" ]]
}

died() {
  echo "::group::Last lines of the log on $1"
  on_host "$1" GET "/log?lines=12" --get lines || true
  echo "::endgroup::"
  fail "$2 does not start on $1 (exit code $(on_host "$1" GET /state --get exit_code)). $1 gets no requests."
}

bring_up() {
  on_host "$1" POST "/start?version=$2" --get pid >/dev/null
  until_true "${CHECKOUT_HEALTHY_S:-20}" is_up "$1" "$2" || fail "$2 did not answer on $1 within ${CHECKOUT_HEALTHY_S:-20} s."
  until_true "${CHECKOUT_HEALTHY_S:-20}" is_healthy "$1" || fail "$2 answers on $1 but is not healthy after ${CHECKOUT_HEALTHY_S:-20} s."
}

put_back() { gateway POST "/members/$1/undrain" --get state >/dev/null; }

# keep_sane: whatever ended the script, a member that is well gets its requests again and an ill one gets none.
keep_sane() {
  local code=$?
  trap - EXIT
  if ((code != 0)) && [[ -n "${in_work:-}" ]]; then
    if is_healthy "$in_work" && [[ "$(seen_version "$in_work")" == "$version" ]] && put_back "$in_work"; then
      warn "$in_work runs $version and is back in rotation."
    else
      warn "$in_work is out of rotation; the other members carry the load."
    fi
  fi
  exit "$code"
}
