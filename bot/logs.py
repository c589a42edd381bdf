"""How does the program say what it does? One JSON object a line, one event a fact, ids as fields; never a payload."""

import json
import logging
import sys
from collections.abc import Collection
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from bot.text import redact

#: What nobody may read in the log, whoever writes it in this context: a check that was given a secret may break.
SECRETS: ContextVar[Collection[str]] = ContextVar("SECRETS", default=())

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "where": record.name,
            "what": record.getMessage(),
        }
        said |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        if secrets := tuple(SECRETS.get()):
            said = {key: _redacted(value, secrets) for key, value in said.items()}
        return json.dumps(said, default=str, ensure_ascii=False)


def _redacted(value: Any, secrets: tuple[str, ...]) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value), secrets)


def set_up(level: int = logging.INFO) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Bolt warns that the token is not used, which is what `authorize` is for.
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)
    for noisy in ("slack_sdk", "apscheduler", "httpx", "httpcore", "aiosqlite", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
