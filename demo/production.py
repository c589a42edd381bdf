"""How does a small production come up, and stay up until it is told to stop?"""

import argparse
import asyncio
import contextlib
import ctypes
import fcntl
import json
import logging
import os
import secrets
import signal
import socket
import ssl
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import httpx
import uvicorn
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from demo import admin, company, names, repository, seed
from demo.authority import Authority, write
from demo.cache import Cache
from demo.gateway import Gateway, Policy
from demo.hosts import switch_off, switch_on
from demo.members import Members
from demo.ports import GATEWAY, HOSTS, Ports
from demo.wiring import ASSETS, CRL_PATH, NAME, ORIGIN, describe, service_environment, variables

log = logging.getLogger("demo.production")

READY_WITHIN_S = 10
STOPPED_WITHIN_S = 15
LOOK_AT_CERTIFICATES_EVERY_S = 3600
#: The key for the API lives so long; a new production begins with a fresh one.
ROTATED_EVERY = timedelta(days=60)
MEMBERS = ("a", "b")
SCRIPTS = Path(__file__).resolve().parent.parent / "deployment" / "production"
LIBC = ctypes.CDLL(None)


class Server(uvicorn.Server):
    """One of several in a process: the signals belong to the process."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def serve(app: ASGIApp, tls: ssl.SSLContext | None = None) -> Server:
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, server_header=False, timeout_keep_alive=75, backlog=512
    )
    config.load()
    config.ssl = tls
    return Server(config)


def plain(authority: Authority, public_url: str) -> ASGIApp:
    """Port 80's part: the list of revoked certificates, and the way to the encrypted side for all else."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == CRL_PATH:
            answer: Response = Response(authority.crl_file.read_bytes(), media_type="application/pkix-crl")
        else:
            answer = RedirectResponse(public_url + scope["path"], 308)
        await answer(scope, receive, send)

    return app


def remembered_secrets(file: Path) -> dict[str, str]:
    """Made once, known to nobody outside this folder."""
    wanted = ("admin", "host", "api_key", "digest", "session", "payments")
    wanted += tuple(f"staging_{name}" for name in ("admin", "session", "payments"))
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    kept |= {name: secrets.token_urlsafe(24) for name in wanted if name not in kept}
    made = datetime.fromisoformat(kept.get("api_key_made", "2000-01-01T00:00:00+00:00"))
    if datetime.now(UTC) - made > ROTATED_EVERY:
        # The one before is remembered only so that somebody can see that it is refused.
        fresh = {"api_key": secrets.token_urlsafe(24), "api_key_made": datetime.now(UTC).isoformat()}
        kept |= {"old_api_key": kept["api_key"], **fresh}
    write(file, json.dumps(kept).encode(), 0o600)
    return kept


def lock(home: Path) -> int:
    home.mkdir(parents=True, exist_ok=True)
    held = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"A production runs in {home} already; stop it, or use another --home.")
    return held


async def answers(env: dict[str, str], members: Members) -> None:
    """Come back when a customer would get an answer (the name, the certificate) from each member that should give one."""
    async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=env["CHECKOUT_CA_FILE"])) as client:
        port = env["CHECKOUT_GATEWAY_PORT"]
        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.get(
                    f"https://{GATEWAY}:{port}/healthz",
                    headers={"Host": f"{NAME}:{port}"},
                    extensions={"sni_hostname": NAME},
                )
                expected = [member for member in members.all.values() if not member.draining]
                if answer.status_code == HTTPStatus.OK and all(member.healthy for member in expected):
                    await client.get(env["CHECKOUT_STAGING_URL"] + "/version")
                    return
            await asyncio.sleep(0.05)


async def renew_certificates(authority: Authority, crl_url: str, tls: ssl.SSLContext) -> None:
    while True:
        await asyncio.sleep(LOOK_AT_CERTIFICATES_EVERY_S)
        authority.publish()
        if authority.renew((NAME, ASSETS), crl_url):
            tls.load_cert_chain(authority.chain_file, authority.leaf_key_file)
            log.info("the certificate was renewed")


def prepare(home: Path, ports: Ports, kept: dict[str, str], clock: str) -> dict[str, str]:
    """Everything on disk that the processes expect to find."""
    env = variables(home, ports, kept) | ({"CHECKOUT_CLOCK_URL": clock} if clock else {})
    checkout = Path(env["CHECKOUT_REPOSITORY"])
    repository.build(checkout)
    for folder in (home / "backups", home / "reports"):
        folder.mkdir(exist_ok=True)
    for name in HOSTS:
        place = home / "hosts" / name
        if name in MEMBERS or name == "staging":
            seed.release(place, checkout, seed.ON_STAGING if name == "staging" else seed.FIRST)
        place.mkdir(parents=True, exist_ok=True)
        lines = service_environment(env, kept, staging=name == "staging")
        write(place / "environment", "".join(f"{key}={value}\n" for key, value in lines.items()).encode(), 0o600)
    for database, folder in ((env["CHECKOUT_DATABASE"], "a"), (env["CHECKOUT_STAGING_DATABASE"], "staging")):
        # Only a new production has no database; its hosts still hold the release they began with.
        version = seed.ON_STAGING if folder == "staging" else seed.FIRST
        seed.database(Path(database), home / "hosts" / folder / "releases" / version)
    text = "# Written by demo.production at each start; the names are explained in demo/README.md.\n"
    write(home / "production.env", (text + "".join(f"{key}={value}\n" for key, value in env.items())).encode(), 0o600)
    return env


async def run(home: Path, *, company_works: bool, clock: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ports, kept = Ports(home / "ports.json"), remembered_secrets(home / "secrets.json")
    env = prepare(home, ports, kept, clock)
    print(f"production prepared {home / 'production.env'}", flush=True)  # noqa: T201 - whoever wants to reach it may read that.
    authority = Authority(home / "ca")
    authority.renew((NAME, ASSETS), env["CHECKOUT_CRL_URL"])
    authority.publish()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.load_cert_chain(authority.chain_file, authority.leaf_key_file)

    zone = names.zone(
        dict.fromkeys(("checkout", "assets", "crl"), GATEWAY) | {f"checkout-{name}": HOSTS[name] for name in HOSTS},
        ports.dns_udp.getsockname()[0],
    )
    udp, tcp = await names.serve(zone, ports.dns_udp, ports.dns_tcp)
    hosts: dict[str, asyncio.subprocess.Process] = {}
    # A connection per request: no member can close one at the moment that it is used again.
    limits = httpx.Limits(max_keepalive_connections=0)
    client = httpx.AsyncClient(limits=limits, trust_env=False)
    members = Members(client, home / "gateway.json")
    members.load({name: ports.member(name) for name in HOSTS if name != "staging"}, MEMBERS)
    members.save()
    cache = Cache()
    policy = Policy(service_name=NAME, assets_name=ASSETS, allowed_origin=ORIGIN, api_key=kept["api_key"])
    servers: list[tuple[Server, socket.socket]] = [
        (serve(Gateway(policy, members, cache), tls), ports.https),
        (serve(plain(authority, env["CHECKOUT_URL"])), ports.http),
        (serve(admin.application(members, cache, kept["admin"], key_made=kept["api_key_made"])), ports.admin),
    ]
    tasks: list[asyncio.Task[None]] = []
    try:
        for name in HOSTS:
            hosts[name] = await switch_on(name, home, ports, kept["host"])
        tasks = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in servers]
        tasks.append(asyncio.create_task(members.watch()))
        tasks.append(asyncio.create_task(renew_certificates(authority, env["CHECKOUT_CRL_URL"], tls)))
        pids = {name: process.pid for name, process in hosts.items()}
        write(home / "production.json", (json.dumps(describe(env, ports, pids), indent=2) + "\n").encode(), 0o600)
        await ready(env, members, stop)
        if not stop.is_set():
            if company_works:
                tasks.append(asyncio.create_task(company.back_up_nightly(env)))
                tasks.append(asyncio.create_task(company.test_each_tag(env)))
            print(f"production ready {env['CHECKOUT_URL']}", flush=True)  # noqa: T201 - whoever started this waits for it.
        await stop.wait()
    finally:
        for server, _ in servers:
            server.should_exit = server.force_exit = True
        tcp.close()
        udp.close()
        for task in tasks[len(servers) :]:
            task.cancel()
        await switch_off(hosts)
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.aclose()


async def ready(env: dict[str, str], members: Members, stop: asyncio.Event) -> None:
    waiting = {asyncio.create_task(answers(env, members)), asyncio.create_task(stop.wait())}
    done, pending = await asyncio.wait(waiting, timeout=READY_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    if done:
        return
    ill = [f"{member.name} ({member.detail})" for member in members.all.values() if not member.takes_requests]
    # A production that was stopped with an ill member comes back with it: that is for a deployment or a rollback to mend.
    log.warning("not everything answers after %s s; no requests go to %s", READY_WITHIN_S, ", ".join(ill) or "nobody")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.production", description="A small production on loopback.")
    parser.add_argument("--home", type=Path, required=True, help="where it keeps everything it knows")
    parser.add_argument("--alone", action="store_true", help="no nightly backup, and no tests of each tag, beside it")
    parser.add_argument("--clock", default="", metavar="URL", help='take the time from here: JSON with "now"')
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    for chatty in ("httpx", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    home = asked.home.resolve()
    held = lock(home)
    try:
        asyncio.run(run(home, company_works=not asked.alone, clock=asked.clock))
    finally:
        os.close(held)


if __name__ == "__main__":
    main()
