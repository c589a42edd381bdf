"""What stands in a report that something else wrote?"""

import glob
import re
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.errors import Cannot
from bot.net import words
from checks.pick import age, read

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
        return shown(self.path)


def shown(path: str) -> str:
    """Enough of the path to recognise it by, with commits in their short form."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{28,}", r"\1…", "/".join(Path(path).parts[-2:]))


def found(patterns: Iterable[str]) -> Iterator[str]:
    """The paths that patterns stand for; one that stands for nothing is a report that was not written."""
    for pattern in patterns:
        paths = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - patterns may be absolute
        if not paths:
            raise Cannot(f"There is no report {shown(pattern)}; has it been written for this commit?")
        yield from paths


def document(path: str) -> Document:
    where = Path(path)
    name = shown(path)
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


def check_about(commit: str, named: Collection[str], path: str) -> None:
    """Refuse a report of another commit, and one of nobody knows which. Without a commit any will do.

    Where its format has no place for it, the commit may stand in the path: `reports/9f3c2ab…/load_stats.csv`.
    """
    if not commit:
        return
    if named and not any(same_commit(commit, each) for each in named):
        raise Cannot(f"The report {shown(path)} is about commit {min(named)[:12]}, not {commit[:12]}.")
    if not named and not any(same_commit(commit, part) for part in re.findall(r"[0-9a-f]+", path)):
        raise Cannot(
            f"The report {shown(path)} names no commit, in itself or in its path; it has to be about {commit[:12]}."
        )


def same_commit(commit: str, other: str) -> bool:
    """Tools often write the short form."""
    return len(other) >= _SHORTEST and (commit.startswith(other) or other.startswith(commit))


def oldest(written_s: float, told: Iterable[object]) -> float:
    """Seconds since the oldest of what it tells; a file that was fetched today may be about a run of last month."""
    now = datetime.now(UTC)
    return max([written_s, *(one for moment in told if (one := age(moment, now)) is not None)])
