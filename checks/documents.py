"""What stands in a report that something else wrote?"""

import glob
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import Cannot
from bot.net import words
from checks.pick import read

#: No report that people look at is larger.
LARGEST = 100_000_000
#: The shortest form of a commit that tools write.
_SHORTEST = 7


@dataclass(frozen=True, kw_only=True)
class Document:
    """One report, read."""

    path: str
    text: str
    #: Seconds since it was written.
    age_s: float

    @property
    def name(self) -> str:
        """Enough of the path to recognise it by."""
        return "/".join(Path(self.path).parts[-2:])


def found(patterns: Iterable[str]) -> Iterator[str]:
    """The paths that patterns stand for; one that stands for nothing is a report that was not written."""
    for pattern in patterns:
        paths = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - patterns may be absolute
        if not paths:
            name = "/".join(Path(pattern).parts[-2:])
            raise Cannot(f"There is no report {name}; has it been written for this commit?")
        yield from paths


def document(path: str) -> Document:
    where = Path(path)
    name = "/".join(where.parts[-2:])
    try:
        known = where.stat()
        if known.st_size > LARGEST:
            raise Cannot(f"The report {name} is larger than {LARGEST // 1_000_000} MB.")
        text = where.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise Cannot(f"There is no report {name}; has it been written for this commit?") from error
    except UnicodeError as error:
        raise Cannot(f"The report {name} is not text.") from error
    except (OSError, ValueError) as error:
        raise Cannot(f"The report {name} could not be read: {words(error)}.") from error
    if not text.strip():
        raise Cannot(f"The report {name} is empty.")
    return Document(path=path, text=text, age_s=max(0.0, time.time() - known.st_mtime))


def parsed(one: Document) -> Any:
    content = read(one.text)
    if content is None:
        raise Cannot(f"The report {one.name} is no whole JSON.")
    return content


def same_commit(commit: str, other: str) -> bool:
    """Tools often write the short form."""
    return len(other) >= _SHORTEST and (commit.startswith(other) or other.startswith(commit))
