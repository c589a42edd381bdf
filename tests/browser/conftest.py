"""How does a browser test get a sandbox, a slack-bolt app in it, and a person in front of the page?"""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright
from slack_bolt.app.async_app import AsyncApp

from tests.browser.pagebot import listen
from tests.sandbox.conftest import BOT_TOKEN, Person, Running, client_of, connected, start

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
#: The tests of a file share a browser, which lives in the event loop that it was started in.
one_loop = pytest_asyncio.fixture(loop_scope="module")
#: The one without windows takes a quarter less of the processor; the other does as well.
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or "/usr/bin/chromium"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp("workspace"))
    yield running
    running.process.terminate()
    assert running.process.wait(timeout=20) in (0, -15)


@one_loop
async def people(sandbox: Running) -> AsyncIterator[Person]:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        one = Person(sandbox.url, http)
        await one.do("/control/reset")
        await one.do("/control/limits", enabled=True)
        yield one


@one_loop
async def bot(sandbox: Running, people: Person) -> AsyncIterator[AsyncApp]:
    """A small slack-bolt app that uses every kind of block; its messages say what it was told."""
    app = AsyncApp(token=BOT_TOKEN, client=client_of(sandbox.url))
    listen(app)
    async with connected(app, people):
        yield app


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


class Desk:
    """Opens the page as somebody, and remembers what the browser complained about."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        self.url = url
        self.complaints: list[str] = []
        self.contexts: list[BrowserContext] = []

    async def leaves(self) -> None:
        for context in self.contexts:
            # An answer that a test held back for too long finds nobody any more, and that is nobody's fault.
            for page in context.pages:
                await page.unroute_all(behavior="ignoreErrors")
            await context.close()

    def _heard(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.complaints.append(said.text)

    async def sit(
        self, as_: str, place: str = "", *, theme: Any = "light", width: int = 1440, height: int = 900
    ) -> Page:
        context = await self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, accept_downloads=True
        )
        self.contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(20000)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)
        await page.goto(f"{self.url}/#/as/{as_}/{place}" if place else f"{self.url}/#/as/{as_}")
        return page


@one_loop
async def desk(browser: Browser, sandbox: Running) -> AsyncIterator[Desk]:
    desk = Desk(browser, sandbox.url)
    yield desk
    await desk.leaves()
    assert desk.complaints == []
