"""*Why?* beside a line says what `checks explain` says, within what Slack takes."""

from world import World

from bot.check import plugins
from bot.explained import explained
from bot.views import answers, kit


def read(block: dict) -> str:
    if block["type"] == "rich_text":
        return "".join(part["text"] for element in block["elements"] for part in element["elements"])
    return str(block.get("text") or block.get("elements"))


async def test_a_measured_line_tells_its_rule_and_the_whole_of_its_check(w: World):
    await w.opened()
    await w.measured()

    await w.chooses("U000ANA", "Certificates valid", "Why, and how to clear it")

    blocks = w.view()["blocks"]
    assert "They expire." in str(blocks)
    assert "Renew them." in str(blocks)
    assert any("*Decided by* `tls`\\npass: `failed == 0`" in str(block) for block in blocks)
    told = "\n".join(read(block) for block in blocks if block["type"] == "rich_text")
    assert told == explained("http")


def test_what_any_check_says_of_itself_fits_into_one_dialog():
    assert len(plugins()) > 30
    for name in plugins():
        pages = list(answers._pages(explained(name)))
        assert "\n".join(line for page in pages for line in page) == explained(name)
        assert len(pages) < 20
        assert all(len("\n".join(page)) <= kit.TEXT for page in pages), name
