"""Can the database be backed up, and put back when going back needs it?"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.demo.conftest import Customers, Production

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_a_backup_is_proven_by_a_restore(production: Production):
    production.succeed("backup_production.sh")
    manifest = json.loads(Path(production.env["CHECKOUT_BACKUP_MANIFEST"]).read_text())
    assert manifest["deployment"] == "checkout-1"
    assert manifest["restore_test"]["ok"]
    assert manifest["restore_test"]["rows"] == manifest["rows"]
    assert manifest["rows"]["orders"] == 420
    state = json.loads(Path(manifest["file"]).with_name("state.json").read_text())
    assert state["hosts"]["a"]["current"] == "1.4.1"


def test_two_backups_at_the_same_time_keep_each_other_whole(production: Production):
    with ThreadPoolExecutor() as pool:
        labels = ["nightly", "checkout-1", "checkout-2"]
        done = [pool.submit(production.script, "backup_production.sh", deployment=label) for label in labels]
    assert [one.result().code for one in done] == [0, 0, 0], [one.result().out for one in done]
    newest = Path(production.env["CHECKOUT_BACKUP_MANIFEST"])
    manifests = [json.loads(one.read_text()) for one in newest.parent.glob("*/manifest.json")]
    assert {one["deployment"] for one in manifests} >= set(labels)
    assert json.loads(newest.read_text()) == max(manifests, key=lambda one: one["finished_at"])


def migrated(production: Production, tmp_path: Path, text: str) -> tuple[int, dict]:
    """What `final_tests.sh` writes down of this migration on a copy of staging's data."""
    folder, report = tmp_path / "migrations", tmp_path / "migrations.json"
    folder.mkdir(exist_ok=True)
    (folder / "003_next.sql").write_text(text)
    done = production.script(
        "tools/database.py", "try", production.env["CHECKOUT_STAGING_DATABASE"], str(folder), str(report), "9f3c2ab"
    )
    return done.code, json.loads(report.read_text())


def test_migrations_are_tried_on_a_copy_of_what_staging_has(untouched: Production, tmp_path: Path):
    code, found = migrated(untouched, tmp_path, "ALTER TABLE orders ADD COLUMN note TEXT;")
    assert (code, found["commit"], found["from"], found["to"], found["applied"]) == (0, "9f3c2ab", 2, 3, 1)
    assert (found["lost"], found["pending"], found["integrity"]) == (0, 0, "ok")
    code, found = migrated(untouched, tmp_path, "DELETE FROM order_lines;")
    assert code == 1
    assert found["lost"] > 400
    again = migrated(untouched, tmp_path, "SELECT 1;")[1]
    assert again["from"] == 2, "staging itself is as it was"


def test_going_back_over_a_schema_change_needs_the_database_of_before(production: Production):
    production.succeed("backup_production.sh")
    assert "from schema 2 to 3" in production.succeed("deploy_production.sh", version="1.5.0")
    dollars = production.order(currency="USD")
    assert (dollars.status, dollars.json()["total"]) == (201, 204.12)

    too_early = production.script("restore_database.sh")
    assert too_early.code == 1
    assert "Roll back first. Nothing was changed." in too_early.out

    back = production.succeed("rollback_production.sh", version="1.5.0", previous_version="1.4.1")
    assert "::warning::" in back
    assert production.get("/healthz").json()["status"] == "degraded"
    assert production.order().status == 503
    assert production.script("health_verify.py", "--previous", previous_version="1.4.1").code == 1

    restored = production.succeed("restore_database.sh")
    assert "::warning::1 order placed since the backup: kept in " in restored
    assert production.get("/healthz").json()["schema"] == 2
    assert production.order().status == 201
    assert production.edge().ask("GET", f"/api/orders/{dollars.json()['id']}").status == 404
    production.succeed("health_verify.py", "--slow", "30", "--previous", previous_version="1.4.1")
    kept = next(Path(production.env["CHECKOUT_BACKUPS"]).glob("before-restore-*/orders_since_backup.json"))
    assert [order["id"] for order in json.loads(kept.read_text())] == [dollars.json()["id"]]


def test_the_schema_change_itself_costs_nobody_a_request(production: Production, customers: Customers):
    production.succeed("deploy_production.sh", version="1.5.0")
    count = customers.leave()
    assert count["lost"] == 0, count
    assert count["kinds"]["buy"] > 10


def test_there_is_a_backup_of_last_night_by_the_clock_that_the_demo_goes_by(production: Production):
    later = datetime.now(UTC) + timedelta(days=7)

    class Clock(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"now": later.isoformat()}).encode())

    server = HTTPServer(("127.0.0.1", 0), Clock)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        production.stop()
        production.start("--clock", f"http://127.0.0.1:{server.server_address[1]}/clock", alone=False)
        manifest, deadline = Path(production.env["CHECKOUT_BACKUP_MANIFEST"]), time.monotonic() + 60
        while time.monotonic() < deadline:
            if manifest.exists() and json.loads(manifest.read_text())["finished_at"] == later.isoformat():
                break
            time.sleep(0.1)
        taken = json.loads(manifest.read_text())
        assert (taken["deployment"], taken["finished_at"]) == ("nightly", later.isoformat())
    finally:
        server.shutdown()
        server.server_close()


def test_a_backup_that_was_tampered_with_is_not_restored(production: Production):
    production.succeed("backup_production.sh")
    file = Path(json.loads(Path(production.env["CHECKOUT_BACKUP_MANIFEST"]).read_text())["file"])
    file.write_bytes(file.read_bytes()[:-4096] + bytes(4096))
    refused = production.script("restore_database.sh")
    assert refused.code == 1
    assert "checksum differs. Nothing was changed." in refused.out
    assert production.get("/healthz").json()["status"] == "ok"
