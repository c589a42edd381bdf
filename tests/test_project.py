"""The house rules that no linter has, and what surrounds the code."""

import ast
import configparser
import getpass
import io
import os
import re
import shutil
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ("bot", "handlers", "checks", "sandbox", "demo", "deployment")


def tracked() -> list[Path]:
    """What belongs to the project: as git sees it, or, outside a checkout, everything but what is made here."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.split("\0")
        return [ROOT / one for one in listed if one and (ROOT / one).is_file()]
    except (OSError, subprocess.CalledProcessError):
        made = {".venv", "var", "__pycache__", ".git", ".pytest_cache", ".ruff_cache", ".hypothesis", "node_modules"}
        return [one for one in ROOT.rglob("*") if one.is_file() and not made & set(one.relative_to(ROOT).parts)]


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def sources(*rooms: str) -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in rooms]


def test_no_file_names_a_place_of_one_machine_or_a_host_of_packages():
    # Put together here, so that this file does not find itself.
    places = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/[a-z]+/"]
    hosts = [
        "py" + "pi.org",
        "pythonho" + "sted.org",
        "registry.npmjs" + ".org",
        "--index" + "-url",
        "extra-index" + "-url",
    ]
    pattern = re.compile("|".join([*places, *map(re.escape, hosts)]))
    found = [f"{path.relative_to(ROOT)}: {match[0]}" for path, text in texts() for match in pattern.finditer(text)]
    assert found == []


def test_nothing_is_left_for_later():
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path, text in texts()
        if path.suffix in {".py", ".sh", ".js", ".css", ".md", ".yaml", ".j2", ".html"}
        or path.name in {"Makefile", "Dockerfile"}
        for match in words.finditer(text)
    ]
    assert found == []


def test_whatever_catches_everything_says_that_it_is_a_boundary():
    """A comment of a few words on the line, above it, or on the first line below it; what is raised again needs none."""
    silent: list[str] = []
    for path in sources("bot", "handlers", "checks"):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.ExceptHandler) or _name(node.type) not in {"Exception", "BaseException", ""}:
                continue
            if isinstance(node.body[-1], ast.Raise):
                continue
            first = node.lineno - 1
            said = [re.sub(r"noqa: [A-Z0-9, ]+", "", line.partition("#")[2]) for line in lines[first - 1 : first + 2]]
            if all(len(one.split()) < 4 for one in said):
                silent.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert silent == []


def _name(caught: ast.expr | None) -> str:
    return caught.id if isinstance(caught, ast.Name) else "" if caught is None else "some"


def test_every_module_begins_with_its_question():
    bare = [
        str(path.relative_to(ROOT))
        for path in sources("bot", "handlers", "checks", "sandbox")
        if "migrations/versions" not in path.as_posix()
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert bare == []


def test_no_comment_is_code_that_was_taken_out():
    def is_code(comment: str) -> bool:
        try:
            tree = ast.parse(comment)
        except SyntaxError:
            return False
        return any(
            isinstance(node, ast.Assign | ast.Call | ast.Return | ast.Import | ast.ImportFrom)
            for node in ast.walk(tree)
        )

    found: list[str] = []
    for path in sources("bot", "handlers", "checks", "sandbox"):
        tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
        found += [
            f"{path.relative_to(ROOT)}:{token.start[0]}: {token.string}"
            for token in tokens
            if token.type == tokenize.COMMENT and is_code(token.string.lstrip("#: "))
        ]
    assert found == []


def test_people_are_never_shouted_at():
    """Sentences for people end without an exclamation mark."""
    shouted = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for path in sources("bot", "handlers", "checks")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"[a-z]{3}!(\s|$)", node.value)
    ]
    assert shouted == []


# ── How it is run ────────────────────────────────────────────────────────────────────────────────────────────────────

UNIT = ROOT / "deploy" / "t-minus.service"


def unit() -> configparser.SectionProxy:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment, method-assign]
    read.read(UNIT)
    return read["Service"]


def test_stopping_the_service_leaves_the_scripts_alone():
    service = unit()
    assert service["KillMode"] == "process"
    assert service["Restart"] == "always"
    assert service["OOMPolicy"] == "continue"
    assert service["User"] != "root"
    # Each of these would be inherited by the scripts, and break some.
    forbidden = {
        "NoNewPrivileges",
        "ProtectSystem",
        "ProtectHome",
        "PrivateTmp",
        "UMask",
        "ProtectProc",
        "PrivateUsers",
    }
    assert not forbidden & set(service)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_systemd_understands_the_unit(tmp_path):
    text = UNIT.read_text(encoding="utf-8").replace("/opt/t-minus/.venv/bin/python", sys.executable)
    text = text.replace("User=t-minus", f"User={getpass.getuser()}").replace(
        "WorkingDirectory=/opt/t-minus", "WorkingDirectory=/"
    )
    (tmp_path / "t-minus.service").write_text(text)
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "t-minus.service")],
        check=False,
        capture_output=True,
        text=True,
    )
    complaints = [line for line in said.stderr.splitlines() if "t-minus" in line]
    assert complaints == []


def test_in_the_container_the_bot_is_not_the_first_process_and_not_root():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("ENTRYPOINT")] == [
        'ENTRYPOINT ["/usr/bin/tini", "--", "deploy/container.sh"]'
    ]
    assert [line for line in lines if line.startswith("USER")] == ["USER t-minus"]
    for line in lines:
        if line.startswith("COPY"):
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source


@pytest.mark.real
def test_what_the_container_holds_is_enough(tmp_path):
    """Only what the Dockerfile copies, and the services that somebody mounts."""
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY"):
            *sources, target = line.split()[1:]
            for source in sources:
                there = tmp_path / target / (Path(source).name if target.endswith("/") else "")
                there.parent.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
                copy(ROOT / source, there)
    (tmp_path / "services").mkdir()
    shutil.copy(ROOT / "services" / "payments.yaml", tmp_path / "services")
    environ = {"PATH": os.environ["PATH"], "TMINUS_HOME": str(tmp_path / "home")}
    for words, expected in (("check-config", "payments → production"), ("status", "Nothing is being deployed here.")):
        said = subprocess.run(
            [sys.executable, "-m", "bot", words], cwd=tmp_path, env=environ, check=False, capture_output=True, text=True
        )
        assert expected in said.stdout, said.stderr


BOT = """#!/usr/bin/env bash
echo "$@" > said
trap 'echo stopped >> said; exit 7' TERM
echo ready
while true; do sleep 0.05; done
"""

#: Some process or other ends in each moment, also between the listing of /proc and the reading of it.
A_BUSY_MACHINE = """#!/usr/bin/env bash
exec /usr/bin/grep "$@" /proc/ended/cmdline
"""


@pytest.mark.real
def test_the_container_ends_when_the_bot_has_ended_and_no_script_runs_any_more(tmp_path):
    for name, does in (("python", BOT), ("grep", A_BUSY_MACHINE)):
        (tmp_path / name).write_text(does)
        (tmp_path / name).chmod(0o755)
    supervisor = tmp_path / "bot" / "scripts" / "supervisor.py"
    supervisor.parent.mkdir(parents=True)
    supervisor.write_text("print('running', flush=True); input()")
    script = subprocess.Popen([sys.executable, supervisor], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    container = subprocess.Popen(
        ["bash", ROOT / "deploy" / "container.sh", "--http", "0.0.0.0:3000"],
        cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert script.stdout.readline() == "running\n"
        assert container.stdout.readline() == "ready\n"
        container.terminate()
        assert "waiting for the scripts" in container.stderr.readline()
        assert container.poll() is None
        script.communicate("\n", timeout=60)
        assert container.wait(timeout=60) == 7
        assert (tmp_path / "said").read_text() == "-m bot run --http 0.0.0.0:3000\nstopped\n"
    finally:
        for process in (script, container):
            process.kill()
            process.communicate()


def test_the_shell_scripts_are_clean():
    for path in [path for path in tracked() if path.suffix == ".sh" and "node_modules" not in path.parts]:
        said = subprocess.run(["bash", "-n", path], check=False, capture_output=True, text=True)
        assert said.returncode == 0, said.stderr


def test_what_is_told_to_be_executable_is():
    for name in (".ci/run", "deploy/container.sh"):
        assert (ROOT / name).stat().st_mode & 0o111, name
