"""Random kill -9 while people deploy and Slack is unkind: looked at from outside, nothing is lost and nothing doubled."""

import pytest

from tests.real.kills import survives
from tests.real.world import World

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(900)]


async def test_random_kills_while_people_deploy_and_slack_is_unkind(w: World):
    print("\n" + await survives(w, ["one"], kills=12, seed=20261123, grace_s=2.5))
