"""*Why?* beside a line says what `checks explain` says, within what Slack takes."""

import html
import re

from world import World

from bot.check import plugins
from bot.explained import explained
from bot.text import LOOK_ALIKE
from bot.views import answers


def read(block: dict) -> str:
    return str(block.get("text", {}).get("text", ""))


async def test_a_measured_line_tells_its_rule_and_the_whole_of_its_check(w: World):
    await w.opened()
    await w.measured()

    await w.chooses("U000ANA", "Certificates valid", "Why, and how to clear it")

    blocks = w.view()["blocks"]
    assert "They expire." in str(blocks)
    assert "Renew them." in str(blocks)
    assert any("*Decided by* `tls`\\npass: `failed == 0`" in str(block) for block in blocks)
    shown = "\n".join(read(block) for block in blocks)
    assert explained("http").splitlines()[0] in shown
    assert "• `urls`  " in shown, "a parameter stands in a list, not in columns that a dialog would break"


def test_what_any_check_says_of_itself_fits_into_one_dialog():
    assert len(plugins()) > 30
    for name in plugins():
        blocks = list(answers._explained(explained(name)))
        assert _words("\n".join(read(block) for block in blocks)) == _words(explained(name)), "nothing is cut off"
        assert len(blocks) < 20, name


def _words(text: str) -> list[str]:
    for sign, look_alike in LOOK_ALIKE.items():
        text = text.replace(look_alike, sign)
    return re.findall(r"\w+", html.unescape(text))
