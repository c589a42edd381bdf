#!/usr/bin/env bash
#
# Freezes the code: pushes to the main branch are refused until unfreeze.sh is run.
#
#   freeze.sh
#
# A hook in the repository refuses them, so it holds for everybody. Branches and tags may still be pushed.
# refs/freeze/BRANCH stays where the branch stood, so that anybody can see whether it has moved since.
#
# From the environment:
#   CHECKOUT_REPOSITORY   the repository (bare) that people push to
#   CHECKOUT_BRANCH       the branch (main)
#   TMINUS_DEPLOYMENT     the deployment that freezes it
#   TMINUS_COMMIT         if set, and the branch is elsewhere, that is said

set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools/common.sh"

need CHECKOUT_REPOSITORY
branch="${CHECKOUT_BRANCH:-main}"
who="${TMINUS_DEPLOYMENT:-by-hand}"
hook="$CHECKOUT_REPOSITORY/hooks/update"
note="$CHECKOUT_REPOSITORY/code-freeze"
mark="refs/freeze/$branch"
code() { git -C "$CHECKOUT_REPOSITORY" "$@"; }
stands() { code rev-parse --verify --quiet "$1"; }
# A mark that is there stays: one that was set anew would hide what came in since.
leave_mark() { stands "$mark" >/dev/null || code update-ref "$mark" "refs/heads/$branch"; }
stands "refs/heads/$branch" >/dev/null || fail "There is no branch $branch in $CHECKOUT_REPOSITORY."

if [[ -f "$note" ]]; then
  owner="$(head -n 1 "$note")"
  [[ "$owner" == "$who" ]] || fail "$branch is frozen by $owner already; that one has to unfreeze it."
  leave_mark
  notice "$branch is frozen by $who already."
  exit 0
fi
[[ ! -e "$hook" ]] || grep -q 'installed by freeze.sh' "$hook" || fail "$hook belongs to somebody else; add the lines of freeze.sh to it by hand."

# Of a freeze that was ended by hand.
code update-ref -d "$mark"
mkdir -p "$(dirname "$hook")"
cat >"$hook.new" <<'HOOK'
#!/usr/bin/env bash
# installed by freeze.sh, removed by unfreeze.sh
note="$(git rev-parse --git-dir)/code-freeze"
if [[ -f "$note" && "$1" == "refs/heads/$(sed -n 2p "$note")" ]]; then
  echo "The code is frozen for the deployment $(head -n 1 "$note") since $(sed -n 3p "$note"). Push again when it is over." >&2
  exit 1
fi
HOOK
chmod 755 "$hook.new"
mv "$hook.new" "$hook"
printf '%s\n%s\n%s\n' "$who" "$branch" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$note.new"
mv "$note.new" "$note"
leave_mark
head="$(stands "$mark")"
if [[ -n "${TMINUS_COMMIT:-}" && "$TMINUS_COMMIT" != "$head" ]]; then
  ahead="$(code rev-list --count "$TMINUS_COMMIT..$head" 2>/dev/null || echo unknown)"
  echo "$branch is at ${head:0:7}, $ahead commits after the one that is deployed (${TMINUS_COMMIT:0:7})."
fi
notice "$branch is frozen at ${head:0:7} for $who: no push to it is accepted."
