"""Where are the files that the app and the people have uploaded?"""

import mimetypes
import secrets
import shutil
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse

from sandbox.store import Store

PREVIEW_CHARACTERS = 2000
LARGEST = 100_000_000
LARGEST_SNIPPET = 1_000_000
# The syntaxes that Slack knows for a snippet.
SNIPPETS = frozenset((
    "text", "applescript", "boxnote", "c", "csharp", "cpp", "css", "csv", "clojure", "coffeescript", "cfm", "crystal",
    "cypher", "d", "dart", "diff", "dockerfile", "email", "erlang", "fsharp", "fortran", "gdoc", "gsheet", "gslide",
    "go", "groovy", "html", "handlebars", "haskell", "haxe", "java", "javascript", "json", "julia", "kotlin", "latex",
    "lisp", "lua", "markdown", "matlab", "mumps", "nginx", "ocaml", "objc", "php", "pascal", "perl", "pig", "post",
    "powershell", "puppet", "python", "r", "ruby", "rust", "sql", "sass", "scala", "scheme", "shell", "smalltalk",
    "swift", "tsv", "typescript", "vb", "vbscript", "velocity", "verilog", "xml", "yaml", "auto", "javascript_react",
    "plain_text",
))  # fmt: skip
TEXT_KINDS = ("application/json", "application/xml", "application/x-sh", "application/x-yaml", "application/yaml")


class Files:
    """What is known of each file, and its bytes in the folder beside the database."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)

    def expect(self, name: str, user: str, length: int, **more: Any) -> dict[str, Any]:
        """A file that is announced: its id and the ticket of its upload."""
        file_id = f"F{secrets.token_hex(5).upper()}"
        known: dict[str, Any] = {
            "id": file_id, "name": Path(name).name or "untitled", "title": name, "user": user, "length": length,
            "ticket": secrets.token_urlsafe(24), "uploaded": False, "done": False, "deleted": False, "shares": [], **more,
        }  # fmt: skip
        self._store.put("file", file_id, known)
        self._store.put("upload", known["ticket"], file_id)
        return known

    def by_ticket(self, ticket: str) -> dict[str, Any] | None:
        return self.known(self._store.get("upload", ticket, ""))

    def known(self, file_id: str) -> dict[str, Any] | None:
        return self._store.get("file", file_id)

    def keep(self, known: dict[str, Any]) -> None:
        self._store.put("file", known["id"], known)

    def write(self, known: dict[str, Any], content: bytes) -> None:
        self.path(known).write_bytes(content)
        self.keep(known | {"uploaded": True, "size": len(content)})

    def path(self, known: dict[str, Any]) -> Path:
        return self._folder / known["id"]

    def remove(self, known: dict[str, Any]) -> None:
        self.path(known).unlink(missing_ok=True)
        self.keep(known | {"deleted": True})

    def clear(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)

    def shown(self, known: dict[str, Any], url: str) -> dict[str, Any]:
        """The file as Slack describes it in a message."""
        name = known["name"]
        kind = mimetypes.guess_type(name)[0] or ("text/plain" if self._is_text(known) else "application/octet-stream")
        link = f"{url}/files/{known['id']}/{name}"
        told = {
            "id": known["id"],
            "name": name,
            "title": known.get("title") or name,
            "mimetype": kind,
            "filetype": Path(name).suffix.lstrip(".") or "text",
            "size": known.get("size", 0),
            "user": known["user"],
            "created": known.get("created", 0),
            "timestamp": known.get("created", 0),
            "mode": "hosted",
            "is_external": False,
            "is_public": True,
            "url_private": link,
            "url_private_download": link,
            "permalink": link,
            "alt_txt": known.get("alt_txt") or "",
        }
        if kind.startswith("text/") or kind in TEXT_KINDS:
            with self.path(known).open("rb") as content:
                told["preview"] = content.read(PREVIEW_CHARACTERS * 4).decode(errors="replace")[:PREVIEW_CHARACTERS]
        return told

    def response(self, known: dict[str, Any], url: str) -> FileResponse:
        """The bytes; what was uploaded is never run as a page of ours."""
        headers = {"x-content-type-options": "nosniff", "content-security-policy": "sandbox"}
        return FileResponse(self.path(known), media_type=self.shown(known, url)["mimetype"], headers=headers)

    def _is_text(self, known: dict[str, Any]) -> bool:
        with self.path(known).open("rb") as content:
            start = content.read(4096)
        return b"\0" not in start
