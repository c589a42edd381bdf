"""What stands inside of blocks: other blocks, elements, options, words?"""

from collections.abc import Iterator
from typing import Any

from sandbox import blocks as table

Block = dict[str, Any]

# Blocks that hold blocks, each of which has a block_id of its own.
HOLDING = {"container": "child_blocks", "carousel": "elements", "plan": "tasks"}
ELEMENTS_OF = {"actions": "elements", "context_actions": "elements", "card": "actions"}


def every_block(blocks: Any, pointer: str = "") -> Iterator[tuple[Block, str]]:
    """Each block and where it stands, the outer before the inner."""
    for number, block in enumerate(blocks if isinstance(blocks, list) else []):
        if isinstance(block, dict):
            here = f"{pointer}/{number}"
            yield block, here
            key = HOLDING.get(str(block.get("type")))
            if key is not None:
                yield from every_block(block.get(key), f"{here}/{key}")


def elements_of(block: Block, pointer: str = "") -> Iterator[tuple[dict[str, Any], str]]:
    """Each element that people press or fill in, of this block alone, and where it stands."""
    kind = str(block.get("type"))
    single = {"section": "accessory", "input": "element"}.get(kind)
    if single is not None and isinstance(block.get(single), dict):
        yield block[single], f"{pointer}/{single}"
    key = ELEMENTS_OF.get(kind, "")
    items = block.get(key)
    for number, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict):
            yield item, f"{pointer}/{key}/{number}"


def options_of(element: dict[str, Any]) -> list[dict[str, Any]]:
    """The options an element offers by itself, groups included."""
    groups = element.get("option_groups")
    lists = [element.get("options")] + [g.get("options") for g in groups or [] if isinstance(g, dict)]
    return [option for options in lists if isinstance(options, list) for option in options if isinstance(option, dict)]


def has_action(element: dict[str, Any]) -> bool:
    """Whether the element is one that the app hears of; an image is not."""
    return element.get("type") in table.ELEMENTS and element["type"] != "image"


def block_text(blocks: list[Any]) -> int:
    """How many characters of text these blocks hold, which Slack bounds as a whole."""
    return sum(len(words) for words in _words(blocks))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for item in value.values():
            if isinstance(item, dict | list):
                yield from _words(item)
