"""Which files does the edge keep, and for how long?"""

import gzip
import re
from collections import OrderedDict
from dataclasses import dataclass

MAX_AGE = re.compile(r"\bmax-age=(\d+)")
MOST = 256
WORTH_PACKING = 256


@dataclass(frozen=True, kw_only=True)
class Kept:
    body: bytes
    packed: bytes
    kind: str
    cache_control: str
    since: float
    max_age: int


class Cache:
    """Answers to GET requests for files, the least recently used forgotten first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def get(self, path: str, now: float) -> Kept | None:
        kept = self._kept.get(path)
        if kept is None:
            return None
        if now - kept.since >= kept.max_age:
            del self._kept[path]
            return None
        self._kept.move_to_end(path)
        return kept

    def put(self, path: str, body: bytes, kind: str, cache_control: str, now: float) -> Kept:
        told = MAX_AGE.search(cache_control)
        keep = told is not None and "no-store" not in cache_control and "private" not in cache_control
        kept = Kept(
            body=body,
            packed=gzip.compress(body, mtime=0) if len(body) >= WORTH_PACKING else b"",
            kind=kind,
            cache_control=cache_control,
            since=now,
            max_age=int(told.group(1)) if told and keep else 0,
        )
        if kept.max_age:
            self._kept[path] = kept
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return kept

    def purge(self, prefix: str) -> int:
        gone = [path for path in self._kept if path.startswith(prefix)]
        for path in gone:
            del self._kept[path]
        return len(gone)

    def paths(self) -> list[str]:
        return list(self._kept)
