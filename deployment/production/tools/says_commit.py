"""How does a JUnit report say which commit it is about? `pytest -p says_commit`, with the commit in TESTED_COMMIT."""

import os
from collections.abc import Callable

import pytest


@pytest.fixture(scope="session", autouse=True)
def says_its_commit(record_testsuite_property: Callable[[str, object], None]) -> None:
    record_testsuite_property("commit", os.environ["TESTED_COMMIT"])
