"""Under which names do scripts, checks and people find the parts of the production?"""

import os
import sys
from pathlib import Path
from typing import Any

from demo.ports import ADMIN, GATEWAY, HOSTS, NAMESERVER, Ports

NAME, ASSETS = "checkout.acme.test", "assets.acme.test"
ORIGIN = "https://shop.acme.test"
CRL_PATH = "/acme-root.crl"


def variables(home: Path, ports: Ports, secrets: dict[str, str]) -> dict[str, str]:
    """The lines of production.env; demo/README.md explains each."""
    numbers = ports.numbers
    admin = f"http://{ADMIN}:{numbers['admin']}"
    return {
        "CHECKOUT_HOSTNAME": NAME,
        "CHECKOUT_URL": f"https://{NAME}:{numbers['https']}",
        "CHECKOUT_ASSETS_HOSTNAME": ASSETS,
        "CHECKOUT_ASSETS_URL": f"https://{ASSETS}:{numbers['https']}",
        "CHECKOUT_GATEWAY_ADDRESS": GATEWAY,
        "CHECKOUT_GATEWAY_PORT": str(numbers["https"]),
        "CHECKOUT_HTTP_PORT": str(numbers["http"]),
        "CHECKOUT_CA_FILE": str(home / "ca" / "acme-root.pem"),
        "CHECKOUT_CRL_URL": f"http://{GATEWAY}:{numbers['http']}{CRL_PATH}",
        "CHECKOUT_NAMESERVER_ADDRESS": NAMESERVER,
        "CHECKOUT_NAMESERVER_PORT": str(numbers["dns"]),
        "CHECKOUT_MEMBERS": f"a={ports.member('a')},b={ports.member('b')}",
        "CHECKOUT_MEMBER_A_URL": ports.member("a"),
        "CHECKOUT_MEMBER_B_URL": ports.member("b"),
        "CHECKOUT_HOSTS": ",".join(f"{name}={ports.agent(name)}" for name in HOSTS if name != "staging"),
        "CHECKOUT_AGENT_A_URL": ports.agent("a"),
        "CHECKOUT_AGENT_B_URL": ports.agent("b"),
        "CHECKOUT_SPARE_HOST": "c",
        "CHECKOUT_LOGS": str(home / "hosts"),
        "CHECKOUT_HOST_TOKEN": secrets["host"],
        "CHECKOUT_ADMIN_URL": admin,
        "CHECKOUT_PURGE_URL": f"{admin}/purge",
        "CHECKOUT_ADMIN_TOKEN": secrets["admin"],
        "CHECKOUT_API_KEY": secrets["api_key"],
        "CHECKOUT_OLD_API_KEY": secrets["old_api_key"],
        "CHECKOUT_ALLOWED_ORIGIN": ORIGIN,
        "CHECKOUT_ENV_DIGEST_URL": f"{ports.member('a')}/admin/environment",
        "CHECKOUT_STAGING_URL": ports.member("staging"),
        "CHECKOUT_STAGING_HOST": ports.agent("staging"),
        "CHECKOUT_STAGING_ENV_DIGEST_URL": f"{ports.member('staging')}/admin/environment",
        "CHECKOUT_STAGING_ADMIN_TOKEN": secrets["staging_admin"],
        "CHECKOUT_STAGING_DATABASE": str(home / "staging" / "checkout.sqlite3"),
        "CHECKOUT_DIGEST_KEY": secrets["digest"],
        "CHECKOUT_REPOSITORY": str(home / "checkout.git"),
        "CHECKOUT_DATABASE": str(home / "database" / "checkout.sqlite3"),
        "CHECKOUT_DATABASE_DSN": f"sqlite:///{home / 'database' / 'checkout.sqlite3'}",
        "CHECKOUT_BACKUPS": str(home / "backups"),
        "CHECKOUT_BACKUP_MANIFEST": str(home / "backups" / "latest.json"),
        "CHECKOUT_REPORTS": str(home / "reports"),
        "CHECKOUT_PYTHON": sys.executable,
    }


def service_environment(env: dict[str, str], secrets: dict[str, str], *, staging: bool) -> dict[str, str]:
    """What the service itself is given on a host: the names of deployment/production/.env.production."""
    which = "staging_" if staging else ""
    return {
        "DATABASE_PATH": env["CHECKOUT_STAGING_DATABASE" if staging else "CHECKOUT_DATABASE"],
        "PUBLIC_URL": env["CHECKOUT_STAGING_URL" if staging else "CHECKOUT_URL"],
        "SESSION_KEY": secrets[f"{which}session"],
        "PAYMENTS_URL": f"https://{'sandbox.' if staging else ''}payments.acme.test/v2",
        "PAYMENTS_KEY": secrets[f"{which}payments"],
        "MAIL_FROM": f"{'staging-' if staging else ''}orders@acme.test",
        "ADMIN_TOKEN": secrets[f"{which}admin"],
        "DIGEST_KEY": secrets["digest"],
        "LOG_LEVEL": "debug" if staging else "info",
    }


def describe(env: dict[str, str], ports: Ports, pids: dict[str, int]) -> dict[str, Any]:
    """production.json: the same, for programs that would rather read a tree."""
    hosts = [
        {"name": name, "address": address, "agent": ports.agent(name), "member": ports.member(name), "pid": pids[name]}
        for name, address in HOSTS.items()
    ]
    return {"pid": os.getpid(), "url": env["CHECKOUT_URL"], "ports": ports.numbers, "hosts": hosts, "environment": env}
