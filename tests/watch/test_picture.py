"""A deployment is over, and its chart is drawn: by the real program, from a real file of samples."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import Refused
from bot.schedule import OffsetClock
from bot.views.charting import Band, Chart
from bot.watch import Watches, _marks, prober
from bot.watch.picture import _drawing
from tests.watch.test_numbers import LOST, WALL, probe, session

ZERO = datetime.fromtimestamp(WALL + 60, UTC)
CHART = Chart(
    title="shop $1.4.2$ → production while it was deployed",
    numbers="Available 100 %: 0 of 2,400 failed · longest gap 0 ms",
    zero_at=ZERO,
    zero="the start of the deploy script",
    from_at=None,
    to_at=ZERO + timedelta(seconds=60),
    deploy_at=ZERO,
    bands=(Band(title="Execute deploy script", began_at=ZERO, ended_at=ZERO + timedelta(seconds=30), failed=True),),
    baseline_p95_s=0.01,
)


@pytest.fixture
def watches(tmp_path: Path):
    async def nobody(_) -> None: ...

    def at(offset: timedelta = timedelta()) -> Watches:
        return Watches(tmp_path / "watches", "here", nobody, clock=OffsetClock(offset))

    return at


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Two minutes, with a failure in them; the script begins after one."""
    directory = tmp_path / "watches" / "shop-1"
    directory.mkdir(parents=True)
    probes = [probe(at / 10, LOST if 700 < at < 720 else prober.GOOD) for at in range(1200)]
    (directory / prober.SAMPLES).write_bytes(session() + b"".join(probes))
    mark = {"what": "deploy", "boot": 7, "at": 60.0, "wall": WALL + 60}
    (directory / "marks.jsonl").write_text(json.dumps(mark) + "\n")
    return directory / prober.SAMPLES


async def test_it_is_drawn_once_as_a_picture_of_a_size_for_a_thread(watches, samples: Path):
    path = await watches().picture("shop-1", "chart:live", CHART)

    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < 500_000
    path.write_bytes(b"as it was")
    assert (await watches().picture("shop-1", "chart:live", CHART)).read_bytes() == b"as it was"
    assert sorted(one.name for one in path.parent.iterdir()) == ["live.png", "marks.jsonl", "samples"]


async def test_where_nothing_was_measured_nothing_is_drawn(watches):
    assert not (await watches().picture("shop-2", "chart:live", CHART)).parent.exists()


async def test_a_picture_that_cannot_be_drawn_says_why(watches, samples: Path):
    broken = replace(CHART, baseline_p95_s="slow")  # pyright: ignore[reportArgumentType]

    with pytest.raises(Refused, match=r"could not be drawn: .*str"):
        await watches().picture("shop-1", "chart:live", broken)


@pytest.mark.parametrize("moved", [timedelta(), timedelta(hours=2)])
def test_a_clock_that_was_moved_meanwhile_moves_nothing_in_the_picture(samples: Path, moved: timedelta):
    """People's clock was a day ahead while it was deployed; who draws does so after it was moved on."""
    day = timedelta(days=1)
    theirs = replace(CHART, zero_at=ZERO + day, deploy_at=ZERO + day, to_at=CHART.to_at + day, bands=())
    (mark,) = _marks(samples.parent)

    told = json.loads(_drawing(Path("x.png"), samples, theirs, mark, (day + moved).total_seconds()) or "")

    assert (told["begins"], told["zero"], told["ends"]) == (WALL, WALL + 60, WALL + 120)
