"""The whole demonstration as a newcomer starts it, and the people who sit in front of its page."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

ROOT = Path(__file__).resolve().parents[2]
PICTURES = Path(os.environ.get("PICTURES", ROOT / "var" / "pictures"))

#: Machines differ; what is waited for comes, or the test fails after this long.
PATIENT_S = 240
expect.set_options(timeout=PATIENT_S * 1000)

OWNERS = {
    "U0ANA": "DevOps Lead",
    "U0CHLOE": "Database Admin",
    "U0EUNJI": "Security Team",
    "U0GRACE": "Product Owner",
}


class Demo:
    """`python -m demo` in a folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.url = ""
        self.said: list[str] = []
        self.process: subprocess.Popen[str] | None = None

    def start(self, port: int = 0) -> None:
        environ = {**os.environ, "DEMO_HOME": str(self.home), "PORT": str(port)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demo"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.said = []
        for line in self.process.stdout:
            self.said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                self.url = found[0]
            if line.startswith("Ctrl-C"):
                self.goes_first()
                return
        raise AssertionError("".join(self.said))

    def goes_first(self) -> None:
        """Before the other tests that run meanwhile, for they would starve a production that is measured.

        Each program of it has a session of its own, and Linux shares a processor among sessions; only root may say how.
        """
        assert self.process is not None
        # The prober is nobody's child, so that it survives the bot.
        for pid in [*_below(str(self.process.pid)), *_found("-f", str(self.home))]:
            with suppress(OSError):
                Path(f"/proc/{pid}/autogroup").write_text("-15")

    def did_wrong(self) -> list[str]:
        """What the sandbox, whose manifest is the bot's own, found wrong in what the bot said."""
        log = httpx.get(f"{self.url}/control/log", params={"findings": "1", "limit": "1000"}, trust_env=False).json()
        # When something was taken is the machine's doing, too, which the browsers share with the bot.
        said = [entry for entry in log["entries"] if not _was_late(entry)]
        return [sentence for entry in said for sentence in entry["findings"]]

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=120)
        left = subprocess.run(["pgrep", "-af", str(self.home)], capture_output=True, text=True, check=False).stdout
        assert not left, f"left behind:\n{left}"

    def environ(self) -> dict[str, str]:
        pairs = (line.split("=", 1) for line in (self.home / "production" / "production.env").read_text().splitlines())
        return {**os.environ, **{pair[0]: pair[1].strip("'\"") for pair in pairs if len(pair) == 2}}


def _was_late(entry: dict[str, Any]) -> bool:
    unanswered = (entry["response"] or {}).get("error") in {"dispatch_failed", "operation_timeout"}
    return entry["kind"] == "envelope" or (entry["kind"] != "api" and unanswered)


def _found(*how: str) -> list[str]:
    return subprocess.run(["pgrep", *how], capture_output=True, text=True, check=False).stdout.split()


def _below(pid: str) -> Iterator[str]:
    for child in _found("-P", pid):
        yield child
        yield from _below(child)


@contextmanager
def customers(demo: Demo) -> Iterator[dict[str, Any]]:
    """An independent process that uses the shop and counts what it did not get; the count is there afterwards."""
    demo.goes_first()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "demo" / "customers.py")],
        env={**demo.environ(), "LOOKING_S": "0.25"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "shopping\n"
    count: dict[str, Any] = {}
    try:
        yield count
    finally:
        process.terminate()
        out, _ = process.communicate(timeout=60)
        count |= json.loads(out)


class Somebody:
    """One person of Acme in front of the page, who does things by what is written on them."""

    def __init__(
        self, browser: Browser, demo: Demo, user: str, *, thread: str = "", dark: bool = False, phone: bool = False
    ) -> None:
        self.browser = browser
        self.demo = demo
        self.user = user
        size: Any = {"width": 390, "height": 844} if phone else {"width": 1440, "height": 900}
        self.context: BrowserContext = browser.new_context(viewport=size, color_scheme="dark" if dark else "light")
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENT_S * 1000)
        self.page.goto(f"{demo.url}/#/as/{user}/C0CHECKOUT")
        if thread:
            self.opens_thread(thread)

    def leaves(self) -> None:
        self.context.close()

    def makes_room_for(self, user: str, version: str) -> None:
        """Somebody else sits down at this screen, and looks at the thread of this version."""
        self.user = user
        # Nothing is left of who sat there: what is pressed while the page still changes persons is pressed by the one before.
        self.page.goto("about:blank")
        self.opens_thread(version)

    def types(self, words: str) -> None:
        box = self.page.get_by_role("textbox", name="Message #checkout")
        box.fill(words)
        box.press("Enter")

    def reads(self, words: str | re.Pattern[str], where: Locator | None = None) -> None:
        expect((where or self.page.locator("body")).get_by_text(words).first).to_be_visible()

    @property
    def thread(self) -> Locator:
        return self.page.get_by_role("complementary", name="Thread")

    def opens_thread(self, version: str) -> None:
        self.page.evaluate("location.hash = '#/'")
        self.page.goto(f"{self.demo.url}/#/as/{self.user}/C0CHECKOUT")
        card = self.page.get_by_role("article").filter(has=self.page.get_by_role("heading", name=f"checkout {version}"))
        replies = card.get_by_role("button", name=re.compile(r"\d+ repl"))
        expect(replies).to_have_text(re.compile(r"\d+"))
        said = re.search(r"(\d+) repl", replies.inner_text())
        assert said is not None
        count = int(said[1])
        replies.click()
        expect(self.thread.get_by_role("heading", name=f"checkout {version}")).to_be_visible()
        expect(self.thread.get_by_role("article").nth(count)).to_be_attached()

    def message(self, title: str) -> Locator:
        """The newest message of the thread with these words in it."""
        return self.thread.get_by_role("article").filter(has_text=title).last

    def presses(self, label: str, where: Locator | None = None, *, confirm: str = "") -> None:
        (where or self.thread).get_by_role("button", name=label, exact=True).last.click()
        if confirm:
            self.page.get_by_role("alertdialog").get_by_role("button", name=confirm, exact=True).click()

    def does_what_is_asked(self, role: str) -> None:
        """Wait until a line asks for this role, for some are measured first; then tick what there is."""
        expect(self._unticked(self._asking(role)).first).to_be_visible()
        self.ticks_everything(role)

    def _asking(self, role: str) -> Locator:
        return self.thread.locator(".b-section").filter(has_text=re.compile(f"{role}: "))

    def _unticked(self, lines: Locator) -> Locator:
        return lines.filter(has=self.page.get_by_role("checkbox", checked=False))

    def ticks_everything(self, role: str) -> None:
        """Tick each open box of a line that asks for this role, with a note where evidence is asked for."""
        lines = self._asking(role)
        open_ = self._unticked(lines)
        while open_.count():
            first = open_.first
            words = first.inner_text()
            first.get_by_role("checkbox").click()
            if "tick with a link or a note" in words:
                dialog = self.page.get_by_role("dialog", name="Evidence")
                dialog.get_by_role("textbox", name=re.compile("Note")).fill("Looked at it; all is well.")
                dialog.get_by_role("button", name="Tick", exact=True).click()
                expect(dialog).to_have_count(0)
            title = words.splitlines()[0].replace("☐", "").strip().removeprefix("to do").strip()
            expect(lines.filter(has_text=title)).to_have_count(0)

    def _question(self) -> Locator:
        return self.thread.get_by_role("button", name="Accept, because…", exact=True)

    def _blamed(self) -> Locator:
        """The lines that fail on what the watch saw, and can be waived."""
        failing = re.compile("(❌|❔).*(probe|p95|rate may be)", re.DOTALL)
        lines = self.thread.locator(".b-section").filter(has_text=failing)
        return lines.filter(has=self.page.get_by_role("button", name="More actions"))

    def excuses_the_machine(self) -> None:
        """Accept what the watch says of a machine that is busy with other things, as its owner would who knows that.

        Whether the deployment itself lost a request is counted by customers of their own.
        """
        accept = self._question()
        if accept.count():
            accept.last.click()
            self._gives_a_reason("Accept")
        open_ = self._blamed()
        # What is waived leaves the list, so it is always the first that is next.
        while open_.count():
            title = open_.first.locator("strong").first.inner_text()
            open_.first.get_by_role("button", name="More actions").click()
            waive = self.page.get_by_role("menuitem", name="Waive…")
            if not waive.count():
                # Good enough by now: the menu offers nothing to excuse.
                self.page.keyboard.press("Escape")
                return
            waive.click()
            self._gives_a_reason("Waive")
            expect(open_.filter(has_text=title)).to_have_count(0)

    def _gives_a_reason(self, title: str) -> None:
        dialog = self.page.get_by_role("dialog", name=title)
        dialog.get_by_role("textbox", name=re.compile("^Why")).fill("This machine is busy with other tests.")
        dialog.get_by_role("button", name=title, exact=True).click()
        expect(dialog).to_have_count(0)

    def sees_in_time(self, words: re.Pattern[str], version: str, helper: str) -> None:
        """These words come, if need be after this person of the roster has excused the machine."""
        until = time.monotonic() + PATIENT_S
        while True:
            try:
                expect(self.thread.get_by_text(words).first).to_be_visible(timeout=15_000)
            except AssertionError:
                if time.monotonic() > until:
                    raise
                if self._question().count() or self._blamed().count():
                    other = Somebody(self.browser, self.demo, helper, thread=version)
                    other.excuses_the_machine()
                    other.leaves()
            else:
                return

    def signs(self) -> None:
        """Go, in the direct message that asks for it."""
        self.page.get_by_role("link", name=re.compile("^T-Minus")).click()
        self.page.get_by_role("link", name="Messages", exact=True).click()
        asked = self.page.get_by_role("article").filter(has_text="wants your go").last
        asked.get_by_role("button", name="Go", exact=True).click()
        expect(asked.get_by_text("🟢 GO").first).to_be_visible()

    def advances(self, label: str) -> None:
        self.page.get_by_role("button", name=label, exact=True).click()

    def pictures(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        time.sleep(0.3)
        self.page.screenshot(path=PICTURES / f"{name}.png")
