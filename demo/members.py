"""Which members of the service may get the next request?"""

import asyncio
import json
import logging
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

log = logging.getLogger(__name__)

HEALTH_PATH = "/healthz"
EVERY_S = 0.5
SOON_S = 0.1
WITHIN_S = 2.0
HEALTHY_AFTER = 2
UNHEALTHY_AFTER = 2


class RefusedError(Exception):
    """Its sentence goes back to whoever asked."""


@dataclass(kw_only=True)
class Member:
    """One process that answers, as the gateway sees it."""

    name: str
    url: str
    draining: bool = False
    healthy: bool = False
    seen_well: bool = False
    in_flight: int = 0
    requests: int = 0
    streak: int = 0
    detail: str = "not probed yet"
    seen: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def takes_requests(self) -> bool:
        return self.healthy and not self.draining

    def note(self, well: bool, detail: str) -> None:
        """Two probes in a row decide, so that one that got lost does not; the first good one decides alone."""
        self.detail = detail
        self.streak = self.streak + 1 if well != self.healthy else 0
        if (well and not self.seen_well) or self.streak >= (HEALTHY_AFTER if well else UNHEALTHY_AFTER):
            self.healthy, self.streak = well, 0
        self.seen_well = self.seen_well or well

    def shown(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "url": self.url,
            "state": "draining" if self.draining else "active",
            "healthy": self.healthy,
            "takes_requests": self.takes_requests,
            "in_flight": self.in_flight,
            "requests": self.requests,
            "detail": self.detail,
            "version": self.seen.get("version"),
        }


class Members:
    """The gateway's members; which of them are out of rotation survives a restart."""

    def __init__(self, client: httpx.AsyncClient, note: Path) -> None:
        self.client = client
        self.all: dict[str, Member] = {}
        self._note = note
        self._turn = 0

    def load(self, urls: dict[str, str], standard: tuple[str, ...]) -> None:
        kept = json.loads(self._note.read_text()) if self._note.exists() else dict.fromkeys(standard, False)
        for name, draining in kept.items():
            if name in urls:
                self.all[name] = Member(name=name, url=urls[name], draining=draining)

    def save(self) -> None:
        fresh = self._note.with_suffix(".new")
        fresh.write_text(json.dumps({name: member.draining for name, member in self.all.items()}))
        fresh.replace(self._note)

    def find(self, name: str) -> Member:
        if name not in self.all:
            raise RefusedError(f"There is no member {name!r}; the members are {', '.join(self.all) or 'none'}.")
        return self.all[name]

    def candidates(self) -> list[Member]:
        """Those that may get the next request, the one whose turn it is first."""
        able = [member for member in self.all.values() if member.takes_requests]
        if not able:
            return []
        self._turn = (self._turn + 1) % len(able)
        return able[self._turn :] + able[: self._turn]

    def drain(self, name: str) -> Member:
        member = self.find(name)
        others = [other for other in self.all.values() if other is not member and other.takes_requests]
        if not member.draining and not others:
            raise RefusedError(f"{name} is the last member that takes requests; bring another one back first.")
        member.draining = True
        self.save()
        return member

    def undrain(self, name: str) -> Member:
        member = self.find(name)
        if not member.healthy:
            raise RefusedError(f"{name} is not healthy ({member.detail}); it gets no requests until it is.")
        member.draining = False
        self.save()
        return member

    def add(self, name: str, url: str) -> Member:
        if name in self.all and self.all[name].url != url:
            raise RefusedError(f"There is a member {name!r} already, at {self.all[name].url}.")
        member = self.all.setdefault(name, Member(name=name, url=url))
        self.save()
        return member

    def remove(self, name: str) -> None:
        member = self.find(name)
        if not member.draining or member.in_flight:
            raise RefusedError(f"{name} still takes requests; drain it first.")
        del self.all[name]
        self.save()

    async def probe(self, member: Member) -> None:
        headers = {"User-Agent": "gateway-health"}
        try:
            answer = await self.client.get(member.url + HEALTH_PATH, headers=headers, timeout=WITHIN_S)
            body = answer.json()
            member.seen = body if isinstance(body, dict) else {}
            well = answer.status_code == HTTPStatus.OK and member.seen.get("status") in {"ok", "degraded"}
            detail = f"{answer.status_code} {member.seen.get('status', 'without a status')}"
        except (httpx.HTTPError, ValueError) as error:
            well, detail, member.seen = False, f"{type(error).__name__}: {error}".strip(": "), {}
        was = member.healthy
        member.note(well, detail)
        if member.healthy != was:
            log.info("member %s is %s: %s", member.name, "healthy" if member.healthy else "ill", detail)

    async def watch(self) -> None:
        while True:
            await asyncio.gather(*(self.probe(member) for member in list(self.all.values())))
            expected = any(not (member.seen_well or member.draining) for member in self.all.values())
            await asyncio.sleep(SOON_S if expected else EVERY_S)
