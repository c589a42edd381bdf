"""Somebody else's check: a file beside app.yaml, or an installed package."""

import importlib
import sys
import textwrap

import pytest

from bot.check import installed, outside, plugins
from bot.check.plugin import unregister
from bot.check.trying import from_file, run_check, try_check
from bot.errors import ConfigError
from bot.model import Verdict
from tests.checks.helpers import site
from tests.cli.conftest import ROOT, program

QUEUE = '''
"""Is anybody waiting in the queue?"""

from pydantic import Field

from bot.check import Context, check
from bot.model import Measured
from checks.reach import Reach


class Params(Reach):
    url: str = Field(description="Where the queue tells its length.")


@check("queue", needs={"net"}, values={"length": "how many wait"}, pass_=["length == 0"], warn=["length <= 10"])
async def queue(params: Params, ctx: Context) -> Measured:
    """Ask the queue for its length.

    Why: A queue that grows during a deployment is work that nobody does.
    Fix: Look at the workers' log.
    """
    answer = await params.net(ctx).ask(params.url, address=(params.addresses or [""])[0])
    return Measured(values={"length": int(answer.text())}, summary=f"{answer.text()} wait")
'''


@pytest.fixture(autouse=True)
def as_it_was():
    """Whatever a test registers is gone after it."""
    known, loaded = set(plugins()), set(outside._LOADED)
    yield
    for name in set(plugins()) - known:
        unregister(name)
    for name in set(outside._LOADED) - loaded:
        del outside._LOADED[name]


@pytest.fixture
def written(tmp_path):
    def write(text, name="queue.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return write


@pytest.mark.parametrize(("length", "verdict"), [(0, "pass"), (7, "warn"), (70, "fail")])
def test_a_check_of_one_s_own_is_tried_in_three_lines(written, length, verdict):
    with site(lambda _: (200, [], str(length))) as here:
        from_file(written(QUEUE))
        finding = try_check("queue", url=here.url, addresses=[here.at], allow_private=True)

    assert finding.verdict == verdict
    assert finding.values == {"length": length}


async def test_what_it_raises_is_unknown_and_what_is_misspelt_is_refused(written):
    with site(lambda _: (200, [], "many")) as here:
        from_file(written(QUEUE))
        finding = await run_check("queue", url=here.url, addresses=[here.at], allow_private=True)
        assert finding.verdict is Verdict.UNKNOWN
        assert "The check itself broke: ValueError" in finding.summary
        with pytest.raises(ConfigError, match="unknown key 'ulr', did you mean 'url'"):
            await run_check("queue", url=here.url, ulr="")


def test_reading_the_configuration_twice_registers_it_once(written):
    path = written(QUEUE)
    assert from_file(path) is from_file(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (QUEUE.replace('check("queue"', 'check("tls"'), "Two checks are called 'tls': checks/tls.py and this one."),
        ("x = ", "cannot be loaded: SyntaxError"),
        ("import no_such_library", "cannot be loaded: ModuleNotFoundError: No module named 'no_such_library'"),
        ("x = 1", "registers no check; write @check"),
        (QUEUE.partition("from pydantic")[2].join(["from pydantic", ""]), "begin its file with a question"),
        (QUEUE.replace("class Params(Reach)", "class Params"), "with a pydantic model as Params"),
        (QUEUE.replace('pass_=["length == 0"]', 'pass_=["lenght == 0"]'), "has a rule 'lenght == 0'"),
        (QUEUE.replace("length == 0", "length is 0"), "column 7: after the name comes one of"),
        ("raise SystemExit(0)", "cannot be loaded: SystemExit"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_a_sentence_and_leaves_nothing_behind(written, text, expected):
    before = plugins()

    with pytest.raises(ConfigError) as refused:
        from_file(written(text))

    assert expected in str(refused.value)
    assert plugins() == before


def test_half_a_file_leaves_nothing_behind(written):
    with pytest.raises(ConfigError):
        from_file(written(QUEUE + "\n1 / 0"))
    assert "queue" not in plugins()


def test_an_installed_package_brings_its_checks_and_a_broken_one_is_named(written, monkeypatch, tmp_path):
    """A distribution as pip leaves it: a module, and metadata that names the entry point."""
    written(QUEUE, "acme_queue.py")
    metadata = tmp_path / "acme_queue-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-queue\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[t_minus.checks]\nqueue = acme_queue\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()

    assert installed() == installed() == ["queue"]
    assert plugins()["queue"].question == "Is anybody waiting in the queue?"

    unregister("queue")
    outside._LOADED.clear()
    sys.modules.pop("acme_queue")
    written("import no_such_library", "acme_queue.py")
    with pytest.raises(ConfigError, match=r"The installed package acme-queue cannot be loaded: ModuleNotFoundError"):
        installed()


APP = (ROOT / "tests" / "config" / "writing.py").read_text().partition('APP = """\\\n')[2].partition('"""')[0]


@pytest.mark.real
@pytest.mark.parametrize(
    ("plugin", "said", "code"),
    [
        ("queue.py", "the whole program knows it", 0),
        ("gone.py", "app.yaml:1:11: plugins: there is no file gone.py in ", 2),
        ("other.py", "app.yaml:1:11: plugins: Two checks are called 'tls': checks/tls.py and this one.", 2),
    ],
)
async def test_app_yaml_names_the_file(written, tmp_path, plugin, said, code):
    written(QUEUE)
    written(QUEUE.replace('check("queue"', 'check("tls"'), "other.py")
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "shop.yaml").write_text("service: shop\nchannel: shop\nenvironments: {production: {}}\n")
    (tmp_path / "app.yaml").write_text(
        f"plugins: [{plugin}]\n"
        + APP.replace("uses: tls", "uses: queue")
        .replace("hosts: [a.example]", "url: http://a.example")
        .replace('["days_left >= 21", "verified == true"]', '["length == 0"]')
    )

    for words in (("check-config",), ("checks", "explain", "queue"), ("checks", "list")):
        told = await program(*words, TMINUS_CONFIG=str(tmp_path / "app.yaml"))
        assert told.code == code, told.err
        if code:
            assert told.err.startswith(said)
    if not code:
        assert "queue        Is anybody waiting in the queue?" in told.out


def test_the_recipe_in_contributing_works_as_it_is_printed(written, tmp_path):
    recipe = (ROOT / "CONTRIBUTING.md").read_text()
    code = next(part for part in recipe.split("```python\n") if '@check(\n       "freshness"' in part).partition("```")[
        0
    ]
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "orders.csv").write_text("1")

    from_file(written(code, "freshness.py"))
    finding = try_check("freshness", folder=str(tmp_path / "exports"))

    assert finding.verdict == "pass"
