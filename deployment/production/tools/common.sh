# shellcheck shell=bash
# What the scripts of this folder share: how they speak, and how they call an endpoint. Sourced, never run.

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# T-Minus and most CI systems understand these lines; a person reads them as they are.
step() { done_steps=$((${done_steps:-0} + 1)); echo "::progress ${done_steps}/${all_steps:-${done_steps}} $*"; }
notice() { echo "::notice::$*"; }
warn() { echo "::warning::$*"; }
fail() {
  echo "::error::$*" >&2
  exit 1
}

# need NAME…: each has to be set; says all that are missing at once.
need() {
  local missing=() name
  for name in "$@"; do [[ -n "${!name:-}" ]] || missing+=("$name"); done
  ((${#missing[@]} == 0)) || fail "Not set: ${missing[*]}. The head of ${0##*/} says what they mean."
}

# Without the machine's packages: nothing here needs them, and a script calls it often.
python() { "${CHECKOUT_PYTHON:-python3}" -I -S "$@"; }
call() { python "$here/tools/call.py" "$@"; }
gateway() { local method="$1" path="$2"; shift 2; call "$method" "$CHECKOUT_ADMIN_URL$path" --token CHECKOUT_ADMIN_TOKEN "$@"; }

# agent HOST: the address of the agent on that host, from CHECKOUT_HOSTS ("a=http://…,b=http://…").
agent() {
  local pair
  for pair in ${CHECKOUT_HOSTS//,/ }; do
    [[ "${pair%%=*}" == "$1" ]] && { echo "${pair#*=}"; return; }
  done
  fail "No host $1 in CHECKOUT_HOSTS."
}
on_host() { local host="$1" method="$2" path="$3" url; shift 3; url="$(agent "$host")" || return 1; call "$method" "$url$path" --token CHECKOUT_HOST_TOKEN "$@"; }

# until_true SECONDS COMMAND…: try again until it succeeds; fails when the time is up.
until_true() {
  local deadline=$((SECONDS + $1)); shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}
