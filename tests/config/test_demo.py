"""Does the configuration fit what stands around it: the plugins, the scripts, the workspace and the small production?"""

import hashlib
import re

import pytest
import yaml
from writing import ROOT, demo_environment

import checks
from bot import check
from bot.config import load
from bot.plan import Plan

SCRIPTS = ROOT / "deployment" / "production"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load(ROOT / "app.yaml", demo_environment()).plan("checkout", "production")


def test_every_plugin_takes_its_parameters_and_measures_what_the_rules_name():
    assert checks.MODULES
    load(ROOT / "app.yaml", demo_environment(), validate_check=check.validate)


def test_every_variable_is_one_that_the_small_production_writes():
    wiring = (ROOT / "demo" / "wiring.py").read_text(encoding="utf-8")
    written = set(re.findall(r'"(CHECKOUT_[A-Z_]+)":', wiring))
    assert set(demo_environment()) - written == set()


def test_every_script_is_there_and_may_be_run(plan):
    for script in plan.scripts.values():
        path = next(ROOT / one for one in script.argv if "/" in one)
        assert path.is_file(), script.key
        assert path.stat().st_mode & 0o111, script.key


def test_every_script_is_the_one_that_was_reviewed():
    """After a review, in deployment/production: `sha256sum .env.production *.sh *.py tools/*.* > reviewed.sha256`."""
    listed = dict(reversed(line.split("  ")) for line in (SCRIPTS / "reviewed.sha256").read_text().splitlines())
    there = {
        path.relative_to(SCRIPTS).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in SCRIPTS.rglob("*")
        if path.is_file() and path.suffix in {".sh", ".py", ".production"}
    }
    assert there == listed, "review what differs, then write the list anew as said above"


def test_every_script_may_see_what_it_says_it_needs(plan):
    for script in plan.scripts.values():
        path = next(ROOT / one for one in script.argv if "/" in one)
        needed = {
            name
            for line in re.findall(r"^need (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            for name in line.split()
        }
        assert needed - set(script.environment) == set(), script.key


def test_what_is_secret_is_hidden_in_the_output_of_every_script_that_sees_it(plan):
    for script in plan.scripts.values():
        told = {name for name in script.environment if re.search(r"TOKEN|KEY|PASSWORD|SECRET", name)}
        assert told <= set(script.secrets), script.key


def test_the_roster_and_the_channels_are_those_of_the_local_workspace(plan):
    world = yaml.safe_load((ROOT / "sandbox" / "acme.yaml").read_text(encoding="utf-8"))
    emails = {user.get("email", f"{user['name']}@{world['team']['domain']}.example") for user in world["users"]}
    with_the_bot = {channel["name"] for channel in world["channels"] if channel["bot"]}
    assert {one for role in plan.roles for one in (role.contact, role.backup)} <= emails
    assert {plan.channel, *plan.announce_to} <= with_the_bot


def test_every_step_that_runs_a_script_is_believed_when_it_is_measured(plan):
    """What puts back what the preparations changed is all that its exit code decides."""
    believed = {one.key for one in plan.steps if one.script and not (one.checks or one.sees)}
    assert {key for key in believed if not key.startswith(("unscale-", "unfreeze", "scale-back"))} == set()
    again = next(one for one in plan.steps if one.key == "monitor")
    assert "freeze" in again.checks, "the branch is looked at again once it is deployed"


def test_what_the_demo_watches_can_be_shown_within_the_deployment(plan):
    assert plan.watch is not None
    needed = int(next(one for one in plan.checks["zero-downtime"].require if one.startswith("probes")).split()[-1])
    assert needed / plan.watch.rate <= 10, "the deploy script takes about ten seconds"
