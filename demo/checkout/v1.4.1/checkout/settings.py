"""What does the environment say, and is anything missing?"""

from collections.abc import Mapping
from dataclasses import dataclass

NEEDED = (
    "DATABASE_PATH",
    "LISTEN_ADDRESS",
    "LISTEN_PORT",
    "PUBLIC_URL",
    "SESSION_KEY",
    "PAYMENTS_URL",
    "PAYMENTS_KEY",
    "MAIL_FROM",
    "ADMIN_TOKEN",
    "DIGEST_KEY",
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    database: str
    address: str
    port: int
    admin_token: str
    digest_key: str
    quiet: bool

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Settings":
        missing = [name for name in NEEDED if not environ.get(name)]
        if missing:
            raise SystemExit(f"checkout cannot start: {', '.join(missing)} not set; docs/operations.md says what they mean.")
        return cls(
            database=environ["DATABASE_PATH"],
            address=environ["LISTEN_ADDRESS"],
            port=int(environ["LISTEN_PORT"]),
            admin_token=environ["ADMIN_TOKEN"],
            digest_key=environ["DIGEST_KEY"],
            quiet=environ.get("LOG_LEVEL") == "warning",
        )
