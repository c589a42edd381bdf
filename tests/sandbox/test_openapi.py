"""The control API holds to its own description: schemathesis reads it and tries what it allows, and what it does not."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.sandbox.conftest import start

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "unsupported_method",
)  # fmt: skip


def test_nothing_that_the_description_allows_or_forbids_is_a_server_error(tmp_path: Path):
    sandbox = start(tmp_path / "data")
    try:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"), "run", f"{sandbox.url}/control/openapi.json",
                "--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing", "--max-examples", "15",
                "--generation-deterministic", "--exclude-path", "/control/stream", "--no-color",
            ],
            cwd=tmp_path, env={**os.environ, "NO_PROXY": "*"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        sandbox.kill()
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    cases = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert cases, done.stdout[-2000:]
    assert cases[1] == cases[2]
    assert int(cases[1]) > 1000
