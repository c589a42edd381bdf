"""What does a script's output say: its last lines, how far it is, what it warned of?"""

import re
from collections import deque
from pathlib import Path

from bot.model import TAIL, Progress

CLIP = 300
#: How many warnings and errors are kept; all are counted.
KEPT = 10
_PIECE = 1 << 20
#: A line that never ends is not kept whole.
_LONGEST_LINE = 1 << 16

_COMMAND = re.compile(
    rb"^[ \t]*::(progress|warning|error|notice|group|endgroup|debug|add-mask)\b(?:([^\r\n:]*)::)?([^\r\n]*)",
    re.MULTILINE,
)
_PROGRESS = re.compile(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*(.*)", re.DOTALL)
#: Control sequences, operating system commands (titles, links) and two-character escapes of terminals.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\|$)|[ -/]*[0-~])")
_ESCAPED = {"%0D": " ", "%0A": " ", "%25": "%"}


def shown(line: bytes) -> str:
    """One line as people may see it: no terminal codes, nothing invisible, not too long."""
    text = line[:_LONGEST_LINE].decode(errors="replace").rstrip("\r\n")
    # A progress bar draws over itself; its last drawing counts.
    text = next((part for part in reversed(text.split("\r")) if part.strip()), "")
    text = _ANSI.sub("", text).replace("\t", "    ").rstrip()
    text = text if len(text) <= CLIP else text[: CLIP - 1] + "…"
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    """What is invisible, or moves other text about, gets a sign in its place; emoji stay joined."""
    if character.isprintable() or character == "\u200d":
        return character
    if character < " ":
        # Unicode has a picture for each of these, in the same order.
        return chr(0x2400 + ord(character))
    return " " if character.isspace() else "�"


class Output:
    """A growing log, read from where the last reading ended."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = 0
        self._rest = b""
        self._lines: deque[str] = deque(maxlen=TAIL)
        self.progress: Progress | None = None
        self.warnings: deque[str] = deque(maxlen=KEPT)
        self.errors: deque[str] = deque(maxlen=KEPT)
        self.warning_count = 0
        self.error_count = 0

    @property
    def size(self) -> int:
        return self._offset

    def read(self, *, last: bool) -> None:
        """Take in what is new. A log that is not there yet is empty; the last line of a finished one is complete."""
        if not self._log.exists():
            return
        with self._log.open("rb") as log:
            log.seek(self._offset)
            while piece := log.read(_PIECE):
                self._offset += len(piece)
                self._take(piece)
        if last and self._rest:
            self._take(b"\n")

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines; one that has not ended yet is among them."""
        open_line = _line(self._rest)
        return (*self._lines, open_line)[-TAIL:] if open_line else tuple(self._lines)

    def _take(self, piece: bytes) -> None:
        data = self._rest + piece
        cut = data.rfind(b"\n") + 1
        whole, self._rest = data[:cut], data[cut : cut + _LONGEST_LINE]
        if b"::" in whole:
            for command in _COMMAND.finditer(whole):
                self._obey(command[1], command[2] or b"", command[3])
        last: list[str] = []
        end = cut - 1
        while end >= 0 and len(last) < TAIL:
            begin = whole.rfind(b"\n", 0, end) + 1
            if line := _line(whole[begin:end]):
                last.append(line)
            end = begin - 1
        self._lines.extend(reversed(last))

    def _obey(self, name: bytes, properties: bytes, text: bytes) -> None:
        match name:
            case b"progress":
                # Both `::progress 3/7 text::` and `::progress 3/7 text` are understood.
                if said := _PROGRESS.fullmatch(_said((properties + b"::" + text).strip(b": \t"))):
                    self.progress = Progress(done=int(said[1]), of=int(said[2]), text=said[3].strip())
            case b"warning":
                self.warnings.append(_said(text))
                self.warning_count += 1
            case b"error":
                self.errors.append(_said(text))
                self.error_count += 1
            case _:
                return


def _said(text: bytes) -> str:
    said = shown(text.removeprefix(b"::"))
    for code, meant in _ESCAPED.items():
        said = said.replace(code, meant)
    return said.strip()


def _line(line: bytes) -> str:
    """As it stands in the tail: of the workflow commands only what is said in them for people to read here."""
    if command := _COMMAND.match(line):
        return _said(command[3]) if command[1] in {b"group", b"notice"} else ""
    return shown(line)
