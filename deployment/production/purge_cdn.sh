#!/usr/bin/env bash
#
# Empties the cache in front of the service, and proves it: the next request for each file is a miss, the one after a hit.
#
#   purge_cdn.sh [PREFIX]      PREFIX is /assets/ when none is given
#
# From the environment:
#   CHECKOUT_PURGE_URL, CHECKOUT_ADMIN_TOKEN   where to ask for it
#   CHECKOUT_URL, CHECKOUT_GATEWAY_ADDRESS, CHECKOUT_CA_FILE   where customers get the files

set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools/common.sh"

need CHECKOUT_PURGE_URL CHECKOUT_ADMIN_TOKEN CHECKOUT_URL
prefix="${1:-/assets/}"
[[ "$prefix" =~ ^/[A-Za-z0-9._/-]*$ ]] || fail "A prefix is a path such as /assets/."
all_steps=2
step "Purging $prefix"
echo "$(call POST "$CHECKOUT_PURGE_URL" --token CHECKOUT_ADMIN_TOKEN --json "{\"prefix\": \"$prefix\"}" --get purged) files forgotten"
step "Looking at what customers get"
python - "$here" <<'PYTHON'
import sys

sys.path.insert(0, sys.argv[1])
from tools.edge import edge, files_of

gateway = edge()
for path, _ in files_of(gateway.ask("GET", "/").body.decode()):
    first, second = gateway.ask("GET", path), gateway.ask("GET", path)
    print(f"{path}: {first.status} {first.headers.get('x-cache')}, then {second.headers.get('x-cache')}")
    if first.status != 200 or first.headers.get("x-cache") == "HIT" and int(first.headers.get("age", 0)) > 5:
        sys.exit(f"::error::{path} is still the old one.")
PYTHON
notice "The cache is empty of what was, and warm with what is."
