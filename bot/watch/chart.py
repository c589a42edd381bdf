"""How does the chart of a deployment look? A program of its own: `python -m bot.watch.chart < drawing.json`.

The library is large, and a drawing takes seconds of a processor: neither belongs into a bot that answers within three.
The picture brings its own quiet background, so that it is as readable in a dark client as in a light one; what a colour
says, a line style, a hatch or a word says, too.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator, StrMethodFormatter

from bot.watch.course import Course, course

_PAPER, _INK, _QUIET, _GRID = "#f6f5f2", "#1d1c1d", "#5f5e60", "#dedcd6"
#: Of Okabe and Ito's palette, which colour-blind people tell apart: each percentile also has a width and a style of its own.
_LINES = ((99, "#9a6400", 1.0, (0, (1, 1.2))), (95, "#0072b2", 2.2, "-"), (50, "#009e73", 1.4, (0, (5, 1.5))))
_FAIL, _BANDS, _EDGE = "#c4441a", ("#e3e9f1", "#ece8df"), "#c9c6bd"
_SIZE, _DPI = (9.6, 5.4), 160
#: Steps whose names do not fit beside each other are named in lines of their own.
_ROWS = 6
#: So many letters of a step's name are as wide as the picture. Longer numbers and a longer title are made smaller.
_LETTERS, _NUMBERS, _TITLE = 112, 118, 66
#: Below this the fraction of a millisecond is told.
_FEW_MS = 5
#: At most so many marks on the time axis, and good distances between them in seconds.
_MARKS = 9
_STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


def draw(told: Course, drawing: Mapping[str, Any], out: Path) -> None:
    """`drawing`: zero (wall time), words, bands and the baseline, as bot.watch hands them over."""
    rcParams.update({"font.size": 10, "font.family": "DejaVu Sans", "text.parse_math": False, "hatch.linewidth": 0.6})
    figure = Figure(figsize=_SIZE, dpi=_DPI, facecolor=_PAPER)
    FigureCanvasAgg(figure)
    zero = float(drawing["zero"])
    placed = _placed(drawing["bands"], zero, told.begins - zero, told.ends - zero)
    rows = max([1, *(one.row + 1 for one in placed)])
    names, speed, errors = figure.subplots(
        3, 1, sharex=True, gridspec_kw={"height_ratios": (0.31 * rows, 5.25 - 0.31 * rows, 0.9), "hspace": 0.10}
    )
    figure.subplots_adjust(left=0.085, right=0.975, top=0.815, bottom=0.115)
    figure.text(
        0.02,
        0.94,
        drawing["title"],
        fontsize=15 * min(1.0, _TITLE / max(len(drawing["title"]), 1)),
        fontweight="bold",
        color=_INK,
    )
    smaller = min(1.0, _NUMBERS / max(len(drawing["numbers"]), 1))
    figure.text(0.02, 0.893, drawing["numbers"], fontsize=10 * smaller, color=_QUIET)
    for axes in (names, speed, errors):
        _plain(axes)
        axes.set_xlim(told.begins - zero, told.ends - zero)
    _names(names, placed, rows)
    _latencies(speed, told, zero, drawing.get("baseline_p95_s"))
    _failures(errors, told, zero)
    for axes in (speed, errors):
        _bands(axes, drawing["bands"], zero)
        for began, ended in told.unseen:
            axes.axvspan(
                began - zero, ended - zero, facecolor=_PAPER, edgecolor="#8b8a8c", hatch="....", lw=0, zorder=3
            )
        if told.begins < zero:
            axes.axvline(0, color=_INK, lw=0.8, zorder=4)
    span = told.ends - told.begins
    errors.xaxis.set_major_locator(MultipleLocator(next((one for one in _STEPS_S if span / one <= _MARKS), span)))
    errors.xaxis.set_major_formatter(FuncFormatter(_clock))
    errors.set_xlabel(f"time from {drawing['zero_is']}", color=_QUIET)
    _legend(figure, told, drawing.get("baseline_p95_s"))
    figure.savefig(out, format="png", facecolor=_PAPER)


def _plain(axes: Axes) -> None:
    axes.set_facecolor(_PAPER)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, colors=_QUIET)


@dataclass(frozen=True, kw_only=True)
class _Name:
    """Where the name of a step stands: in which row, and on which side of the line of its beginning."""

    title: str
    failed: bool
    began: float
    row: int
    turned: bool


def _placed(bands: Sequence[Mapping[str, Any]], zero: float, left: float, right: float) -> list[_Name]:
    """Each name in the first row that has room for it; a name that finds none is left out."""
    placed: list[_Name] = []
    taken = [-math.inf] * _ROWS
    # How wide a letter is, in seconds of the axis.
    letter = (right - left) / _LETTERS
    for band in bands:
        title = band["title"] + (", failed" if band["failed"] else "")
        width, began = (len(title) + 1) * letter, max(band["began"] - zero, left)
        # At the right edge a name ends where its step begins.
        turned = began + width > right
        at = began - width if turned else began
        row = next((row for row in range(_ROWS) if taken[row] <= at), None)
        if row is not None and band["ended"] - zero > left and began < right:
            taken[row] = at + width + letter
            placed.append(_Name(title=title, failed=band["failed"], began=began, row=row, turned=turned))
    return placed


def _names(axes: Axes, placed: Sequence[_Name], rows: int) -> None:
    axes.set_ylim(rows, 0)
    axes.tick_params(labelleft=False, labelbottom=False)
    left, right = axes.get_xlim()
    aside = (right - left) / _LETTERS / 2
    for one in placed:
        axes.plot([one.began, one.began], [one.row + 0.15, rows], color=_EDGE, lw=0.6, clip_on=False)
        axes.text(
            one.began + (-aside if one.turned else aside), one.row + 0.55, one.title, va="center", fontsize=9,
            ha="right" if one.turned else "left", color=_FAIL if one.failed else _INK,
            bbox={"facecolor": _PAPER, "lw": 0, "pad": 0.6}, zorder=3,
        )  # fmt: skip


def _bands(axes: Axes, bands: Sequence[Mapping[str, Any]], zero: float) -> None:
    """Each step is a band through the whole picture; those beside each other differ, however short one between them was."""
    left, right = axes.get_xlim()
    seen = 0
    for band in bands:
        began, ended = max(band["began"] - zero, left), min(band["ended"] - zero, right)
        if ended > left and began < right:
            axes.axvspan(began, ended, facecolor=_BANDS[seen % 2], lw=0, zorder=0)
            axes.axvline(began, color=_EDGE, lw=0.6, zorder=1)
            seen += ended - began > (right - left) / 200


def _latencies(axes: Axes, told: Course, zero: float, baseline_p95_s: float | None) -> None:
    middles = [told.begins + (index + 0.5) * told.width_s - zero for index in range(len(told.points))]
    highest = 0.0
    for p, colour, width, style in _LINES:
        values = [math.nan if (one := point.percentile(p)) is None else one * 1000 for point in told.points]
        highest = max([highest, *(value for value in values if not math.isnan(value))])
        axes.plot(
            middles, values, color=colour, lw=width, ls=style, zorder=5 if width > 1 else 4, solid_capstyle="round"
        )
    if baseline_p95_s is not None:
        highest = max(highest, baseline_p95_s * 1000)
        axes.axhline(baseline_p95_s * 1000, color=_INK, lw=1.0, ls=(0, (6, 4)), zorder=4)
    axes.set_ylim(0, highest * 1.08 or 1)
    axes.yaxis.set_major_locator(MaxNLocator(5, min_n_ticks=3))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f} ms" if highest > _FEW_MS else "{x:.1f} ms"))
    axes.grid(axis="y", color=_GRID, lw=0.7, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(labelbottom=False)


def _failures(axes: Axes, told: Course, zero: float) -> None:
    """The share of the probes that failed; a gap is hatched through the whole lane, however short it was."""
    lefts = [told.begins + index * told.width_s - zero for index in range(len(told.points))]
    shares = [100 * point.failed / point.probes if point.probes else 0 for point in told.points]
    top = max([1.0, *shares])
    axes.bar(lefts, shares, told.width_s, align="edge", facecolor=_FAIL, edgecolor=_PAPER, hatch="////", lw=0, zorder=3)
    least = (told.ends - told.begins) / 300
    for began, ended in told.gaps:
        axes.axvspan(
            began - zero,
            max(ended, began + least) - zero,
            facecolor="none",
            edgecolor=_FAIL,
            hatch="//////",
            lw=0,
            zorder=2,
        )
    axes.set_ylim(0, top * 1.1)
    axes.set_yticks([top / 2], [f"failed\n0–{math.ceil(top)} %" if any(shares) else "failed"])
    axes.axhline(0, color=_QUIET, lw=0.8)
    if not any(shares):
        axes.text(
            0.5,
            0.5,
            "no probe failed",
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=9,
            color=_QUIET,
            zorder=6,
        )


def _legend(figure: Figure, told: Course, baseline_p95_s: float | None) -> None:
    keys: list[Any] = [
        Line2D([], [], color=colour, lw=width, ls=style, label=f"p{p}") for p, colour, width, style in reversed(_LINES)
    ]
    if baseline_p95_s is not None:
        keys.append(Line2D([], [], color=_INK, lw=1.0, ls=(0, (6, 4)), label="p95 before the deployment"))
    if told.gaps:
        keys.append(Patch(facecolor=_FAIL, edgecolor=_PAPER, hatch="////", lw=0, label="failed"))
    if told.unseen:
        keys.append(Patch(facecolor="none", edgecolor="#8b8a8c", hatch="....", lw=0, label="not measured"))
    figure.legend(
        handles=keys, loc="upper left", bbox_to_anchor=(0.014, 0.882), ncols=len(keys), frameon=False, fontsize=9.5,
        labelcolor=_QUIET, handlelength=2.6, columnspacing=1.8,
    )  # fmt: skip


def _clock(seconds: float, _: object = None) -> str:
    """`-0:30`, `12:00`, `1:05:00`."""
    whole = round(abs(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    told = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"−{told}" if seconds < 0 and whole else told


def main() -> None:
    drawing = json.load(sys.stdin)
    told = course(Path(drawing["samples"]).read_bytes(), drawing["begins"], drawing["ends"])
    out = Path(drawing["out"])
    half = out.with_name(f".{out.name}.{drawing['half']}")
    draw(told, drawing, half)
    half.replace(out)


if __name__ == "__main__":
    main()
