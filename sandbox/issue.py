"""How is one thing told that Slack would refuse?"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Issue:
    """What Slack would refuse, where it stands, and the constraint it breaks."""

    message: str
    pointer: str
    constraint: str = "invalid"
    expected: Any = None

    def line(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]"

    def as_data(self) -> dict[str, Any]:
        constraint = {"type": self.constraint} | ({} if self.expected is None else {"expected": self.expected})
        return {
            "code": "failed_constraint",
            "message": self.message,
            "pointer": self.pointer,
            "constraint": constraint,
        }


def too_long(most: int, pointer: str) -> Issue:
    return Issue(
        message=f"must be less than {most + 1} characters", pointer=pointer, constraint="max_length", expected=most
    )


def too_many(most: int, pointer: str, what: str = "items") -> Issue:
    return Issue(message=f"no more than {most} {what} allowed", pointer=pointer, constraint="max_items", expected=most)
