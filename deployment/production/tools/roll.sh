# shellcheck shell=bash
# How one member goes to another release without a customer noticing. Sourced by the deploy, rollback and scale scripts.

is_idle() { [[ "$(gateway GET /members --get "members[$1].in_flight")" == 0 ]]; }
is_healthy() { [[ "$(gateway GET /members --get "members[$1].healthy")" == true ]]; }
is_running() { [[ "$(on_host "$1" GET /state --get running)" == true ]]; }
seen_version() { call GET "${url[$1]}/version" --get version 2>/dev/null; }

# look: learn the members and their addresses. Those that take no requests come first in `members`: while they are put
# right, the others carry the load.
declare -A url=()
members=()
look() {
  local names able urls i ill=() well=()
  mapfile -t names < <(gateway GET /members --get members.name)
  mapfile -t urls < <(gateway GET /members --get members.url)
  mapfile -t able < <(gateway GET /members --get members.takes_requests)
  ((${#names[@]} > 0 && ${#names[@]} == ${#urls[@]} && ${#names[@]} == ${#able[@]})) || fail "The gateway does not tell its members."
  for i in "${!names[@]}"; do
    url["${names[i]}"]="${urls[i]}"
    if [[ "${able[i]}" == true ]]; then well+=("${names[i]}"); else ill+=("${names[i]}"); fi
  done
  # shellcheck disable=SC2034 # the scripts that source this use it
  members=("${ill[@]}" "${well[@]}")
}

# is_done MEMBER VERSION: nothing is left to do for it, so a script that is run again goes on where it stopped.
is_done() { [[ "$(gateway GET /members --get "members[$1].takes_requests")" == true && "$(seen_version "$1")" == "$2" ]]; }

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
  fail "$2 does not start on member $1 (exit code $(on_host "$1" GET /state --get exit_code)), which had been taken out of rotation before."
}

bring_up() {
  on_host "$1" POST "/start?version=$2" --get pid >/dev/null
  until_true "${CHECKOUT_HEALTHY_S:-20}" is_up "$1" "$2" || fail "$2 did not answer on $1 within ${CHECKOUT_HEALTHY_S:-20} s."
  until_true "${CHECKOUT_HEALTHY_S:-20}" is_healthy "$1" || fail "$2 answers on $1 but is not healthy after ${CHECKOUT_HEALTHY_S:-20} s."
}

put_back() { gateway POST "/members/$1/undrain" --get state >/dev/null; }

# keep_sane VERSION: whatever ended the script, a member that is well gets its requests again and an ill one gets none.
keep_sane() {
  # Whatever it was doing in that moment, a script that was told to stop ends as one that was.
  local code="${stopped:-$?}" version="$1"
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
