#!/usr/bin/env bash
#
# Runs the test suites of the version that is to be deployed, at exactly its commit, and writes JUnit reports.
#
#   final_tests.sh [VERSION]
#
# Tries the migrations of the version on a copy of staging's data, too, where CHECKOUT_STAGING_DATABASE says where that is.
#
# Reports: CHECKOUT_REPORTS/<commit>/unit.xml, integration.xml, e2e.xml, migrations.json, and done.json when all have run.
# Exit 0: all passed. 1: something failed, or a suite had no tests.
#
# From the environment:
#   TMINUS_COMMIT         the commit; without it, the tag of VERSION or TMINUS_VERSION
#   CHECKOUT_REPOSITORY   the git repository
#   CHECKOUT_REPORTS      the folder of the reports
#   CHECKOUT_PYTHON       a Python that has pytest (python3)
#   CHECKOUT_STAGING_DATABASE   staging's database, which is only read; without it the migrations are not tried

set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools/common.sh"

need CHECKOUT_REPOSITORY CHECKOUT_REPORTS
version="${1:-${TMINUS_VERSION:-}}"
wanted="${TMINUS_COMMIT:-v$version}"
commit="$(git -C "$CHECKOUT_REPOSITORY" rev-parse --verify --quiet "$wanted^{commit}")" || fail "$wanted is not a commit of $CHECKOUT_REPOSITORY."
reports="$CHECKOUT_REPORTS/$commit"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
suites=(unit integration e2e)
all_steps=$((2 + ${#suites[@]}))

step "Checking out ${commit:0:7}"
git clone --quiet --shared --no-checkout "$CHECKOUT_REPOSITORY" "$work/code"
git -C "$work/code" -c advice.detachedHead=false checkout --quiet "$commit"
mkdir -p "$reports"
rm -f "$reports/done.json"

failed=()
for suite in "${suites[@]}"; do
  step "Running the $suite tests"
  echo "::group::$suite"
  (
    cd "$work/code"
    # Only what the suites themselves ask for: plugins of the machine's Python have no say in a release's result.
    # The report says which commit it is about; one that does not could be of any.
    PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here/tools" TESTED_COMMIT="$commit" \
      "${CHECKOUT_PYTHON:-python3}" -m pytest "tests/$suite" -p says_commit --junitxml="$work/$suite.xml" -o junit_suite_name="checkout.$suite"
  ) || failed+=("$suite")
  echo "::endgroup::"
  if [[ -f "$work/$suite.xml" ]]; then mv "$work/$suite.xml" "$reports/$suite.xml"; else rm -f "$reports/$suite.xml"; fi
done

step "Trying the migrations on a copy of staging's data"
rm -f "$reports/migrations.json"
if [[ -n "${CHECKOUT_STAGING_DATABASE:-}" ]]; then
  python "$here/tools/database.py" try "$CHECKOUT_STAGING_DATABASE" "$work/code/migrations" "$work/migrations.json" "$commit" || failed+=("migrations")
  if [[ -f "$work/migrations.json" ]]; then mv "$work/migrations.json" "$reports/migrations.json"; fi
else
  notice "CHECKOUT_STAGING_DATABASE is not set, so the migrations were not tried."
fi

printf '{"commit": "%s", "version": "%s", "finished_at": "%s", "failed": "%s"}\n' \
  "$commit" "$version" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${failed[*]:-}" >"$reports/done.json"
((${#failed[@]} == 0)) || fail "Failed at ${commit:0:7}: ${failed[*]}. The reports are in $reports."
notice "All suites passed at ${commit:0:7}; the reports are in $reports."
