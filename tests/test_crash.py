"""A crash point is nothing at all unless the environment names it."""

import os
import signal

import pytest

from bot import crash


@pytest.fixture
def killed(monkeypatch):
    kills = []
    monkeypatch.setattr(crash, "_passed", {})
    monkeypatch.setattr(os, "kill", lambda pid, how: kills.append((pid, how)))
    return kills


def test_nothing_happens_by_default(killed, monkeypatch):
    monkeypatch.delenv(crash.VARIABLE, raising=False)
    crash.crash("outbox.posted")
    assert killed == []


def test_the_named_point_kills_as_kill_9_would(killed, monkeypatch):
    monkeypatch.setenv(crash.VARIABLE, "outbox.posted")
    crash.crash("outbox.sending")
    assert killed == []
    crash.crash("outbox.posted")
    assert killed == [(os.getpid(), signal.SIGKILL)]


def test_the_nth_pass_can_be_named(killed, monkeypatch):
    monkeypatch.setenv(crash.VARIABLE, "a, outbox.posted:3")
    counts = []
    for _ in range(4):
        crash.crash("outbox.posted")
        counts.append(len(killed))
    assert counts == [0, 0, 1, 1]
