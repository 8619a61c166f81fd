"""The study's pictures, drawn from curves and forecasts; the same input gives the same bytes."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter

from shopfloor.files import write_atomically
from shopfloor.study.analysis.curves import Curve, Panel
from shopfloor.study.analysis.forecast import TARGET, Forecast
from shopfloor.study.analysis.measured import bracket
from shopfloor.study.showing.phrases import short_reach, volume, whole_percent
from shopfloor.study.showing.results_by_task import ResultsByTask

# Okabe and Ito (2008), told apart by all; their yellow is too light for lines on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "D", "^", "v", "P")
INK, GREY, FAINT = "#1f2328", "#6b7280", "#e5e7eb"
STYLE: dict[Any, Any] = {  # keys are rcParams
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "pdf.fonttype": 42,
    "text.color": INK,
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
}
SIZE = (9.0, 5.0)  # [in]; at 200 dpi twice the width of a README
DPI = 200
SPREAD = 0.05  # [ln demonstrations] between agents' points at one volume, so that bars do not hide each other
NEAREST = 1.25  # ratio of two volumes whose labels have room side by side
MARGIN = 14  # characters of a name at the right margin
LABEL_HEIGHT = 0.04  # success rate that a line of text covers
FEWEST_FAILURES = 3e-3  # lower end of the failure axis, which has no zero


def draw(panel: Panel, forecasts: Mapping[str, Forecast], folder: Path, stem: str) -> list[Path]:
    """Write <stem>-success and <stem>-failure as PNG and PDF; forecasts by curve label, if not refused."""
    with matplotlib.rc_context(STYLE):
        pictures = {"success": _success(panel, forecasts), "failure": _failure(panel, forecasts)}
        paths = []
        for name, figure in pictures.items():
            for kind in ("png", "pdf"):
                paths.append(folder / f"{stem}-{name}.{kind}")
                write_atomically(paths[-1], rendered(figure, kind))
    return paths


def draw_by_task(results: ResultsByTask, folder: Path) -> Path:
    """Write results_by_task.png and results_by_task.pdf, a line a task and a point an agent; gives the PNG's path."""
    with matplotlib.rc_context(STYLE):
        tasks, columns = results.tasks, results.columns
        figure = Figure(figsize=(SIZE[0], 1.3 + 0.42 * len(tasks)), layout="constrained")
        axes = figure.add_subplot()
        for index, column in enumerate(columns):
            shown = [
                (row, results.points[task, column].rate)
                for row, task in enumerate(tasks)
                if (task, column) in results.points
            ]
            rates = [rate for _, rate in shown]
            axes.errorbar(
                [rate.estimate for rate in rates],
                [row + 0.5 * ((index + 0.5) / len(columns) - 0.5) for row, _ in shown],
                xerr=[[rate.estimate - rate.low for rate in rates], [rate.high - rate.estimate for rate in rates]],
                fmt=MARKERS[index % len(MARKERS)],
                color=COLOURS[index % len(COLOURS)],
                ms=6,
                lw=1.6,
                label=column,
            )
        axes.set_yticks(range(len(tasks)), tasks)
        axes.set_ylim(len(tasks) - 0.5, -0.5)
        axes.set_xlim(-0.02, 1.02)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel("success rate, 95 % interval")
        axes.grid(axis="y", color=FAINT)
        axes.tick_params(length=0)
        figure.legend(loc="outside upper left", ncols=min(3, len(columns)), frameon=False)
        for kind in ("pdf", "png"):
            write_atomically(folder / f"results_by_task.{kind}", rendered(figure, kind))
    return folder / "results_by_task.png"


def rendered(figure: Figure, kind: str) -> bytes:
    """A figure's bytes, the same for the same figure; kind: png or pdf."""
    FigureCanvasAgg(figure)
    metadata = {"Software": None} if kind == "png" else {"CreationDate": None, "Creator": None, "Producer": None}
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=DPI, metadata=metadata)
    return buffer.getvalue()


def _success(panel: Panel, forecasts: Mapping[str, Forecast]) -> Figure:
    figure, axes = _canvas(panel)
    low, high = _volume_range(panel, forecasts)
    for reference in panel.references:
        rate = reference.final.rate
        axes.axhspan(rate.low, rate.high, color=GREY, alpha=0.15, lw=0)
        axes.axhline(rate.estimate, color=GREY, lw=1.2, ls=(0, (1, 1.5)))
    axes.axhline(TARGET, color=INK, lw=0.9, ls=(0, (6, 4)))
    for index, curve in enumerate(panel.curves):
        _law(axes, curve, forecasts.get(curve.label), index, failure=False)
        _points(axes, curve, forecasts.get(curve.label), index, len(panel.curves), failure=False)
    _answers(axes, panel, forecasts)
    axes.set_ylim(-0.03, 1.04)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.set_ylabel("success rate")
    _names(axes, panel, failure=False)
    _volume_axis(axes, panel, low, high, forecast=bool(forecasts))
    return figure


def _failure(panel: Panel, forecasts: Mapping[str, Forecast]) -> Figure:
    figure, axes = _canvas(panel)
    low, high = _volume_range(panel, forecasts)
    for reference in panel.references:
        rate = reference.final.rate
        axes.axhspan(max(FEWEST_FAILURES, 1 - rate.high), 1 - rate.low, color=GREY, alpha=0.15, lw=0)
        axes.axhline(max(FEWEST_FAILURES, 1 - rate.estimate), color=GREY, lw=1.2, ls=(0, (1, 1.5)))
    axes.axhline(1 - TARGET, color=INK, lw=0.9, ls=(0, (6, 4)))
    for index, curve in enumerate(panel.curves):
        _law(axes, curve, forecasts.get(curve.label), index, failure=True)
        _points(axes, curve, forecasts.get(curve.label), index, len(panel.curves), failure=True)
    axes.set_yscale("log")
    axes.set_ylim(FEWEST_FAILURES, 1.25)
    axes.set_yticks([0.01, 0.03, 0.1, 0.3, 1.0])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("failure rate (log scale)")
    _names(axes, panel, failure=True)
    _volume_axis(axes, panel, low, high, forecast=bool(forecasts))
    return figure


def _canvas(panel: Panel) -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=FAINT, lw=0.8)
    axes.set_title(f"{panel.task}, {panel.realism} realism", loc="left", fontsize=12.5, fontweight="bold", pad=12)
    return figure, axes


def _volume_range(panel: Panel, forecasts: Mapping[str, Forecast]) -> tuple[float, float]:
    volumes = [point.volume for curve in panel.curves for point in curve.points]
    ends = [*volumes, *(forecast.limit for forecast in forecasts.values())]
    return min(volumes) / 1.25, max(ends) * 1.1


def _law(axes: Axes, curve: Curve, forecast: Forecast | None, index: int, *, failure: bool) -> None:
    if forecast is None:
        return
    colour, largest = COLOURS[index % len(COLOURS)], forecast.volumes[-1]
    for start, end, dashes, alpha in (
        (forecast.volumes[0], largest, "-", 0.16),
        (largest, forecast.limit, "--", 0.09),
    ):
        volumes = np.geomspace(start, end, 120)
        rates = forecast.mean_rate(volumes)
        lines = np.array([[rate.low, rate.estimate, rate.high] for rate in rates]).T
        if failure:
            lines = np.maximum(1 - lines, FEWEST_FAILURES)
        axes.fill_between(volumes, lines[0], lines[2], color=colour, alpha=alpha, lw=0)
        axes.plot(volumes, lines[1], color=colour, lw=2, ls=dashes, dash_capstyle="butt")


def _points(axes: Axes, curve: Curve, forecast: Forecast | None, index: int, agents: int, *, failure: bool) -> None:
    """Points that the laws saw are full, those that came out beyond are hollow."""
    seen = curve.final.volume if forecast is None else forecast.volumes[-1]
    colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
    shift = np.exp(SPREAD * (index - (agents - 1) / 2))
    for point in curve.points:
        of_seeds = point.outcomes.mean(axis=1)
        rates = np.array([point.rate.low, point.rate.estimate, point.rate.high])
        if failure:
            of_seeds, rates = 1 - of_seeds, np.maximum(1 - rates[::-1], FEWEST_FAILURES)
        x = point.volume * shift
        axes.plot([x] * len(of_seeds), of_seeds, marker, ms=4, color=colour, alpha=0.35, mew=0, ls="")
        axes.plot([x, x], rates[[0, 2]], color=colour, lw=1.6, solid_capstyle="butt")
        face, edge, width = ("white", colour, 1.8) if point.volume > seen else (colour, "white", 1.1)
        axes.plot([x], rates[[1]], marker, ms=7.5, mfc=face, mec=edge, mew=width)


def _answers(axes: Axes, panel: Panel, forecasts: Mapping[str, Forecast]) -> None:
    """Mark where each agent's laws meet the target: a bar for the interval, its numbers below; a ring if it is sure."""
    free = _widest_gap([curve.final.rate.estimate for curve in panel.curves])
    for index, curve in enumerate(panel.curves):
        if curve.label not in forecasts:
            continue
        law = forecasts[curve.label]
        seen = curve.until(law.volumes[-1])
        reach = law.volume_for(TARGET, under=bracket(seen, TARGET).under)
        found = reach.volume
        low, middle, high = (min(x, reach.limit) for x in (found.low, found.estimate, found.high))
        if low >= reach.limit:
            continue
        colour = COLOURS[index % len(COLOURS)]
        x = middle if reach.sure else low
        axes.plot([x, x], [-0.03, TARGET], color=colour, lw=1, ls=(0, (2, 2)))
        axes.plot([low, high], [TARGET, TARGET], color=colour, lw=5, alpha=0.45, solid_capstyle="butt")
        if np.isinf(found.high):
            axes.plot([reach.limit], [TARGET], ">", ms=9, color=colour, mew=0)
        if reach.sure:
            axes.plot([x], [TARGET], "o", ms=8, mfc="white", mec=colour, mew=2, zorder=5)
        beyond = x > seen.final.volume  # then there is more room to the left
        axes.annotate(
            short_reach(reach, panel.axis),
            (x, free + 0.13 * index),
            xytext=(-7 if beyond else 7, 0),
            textcoords="offset points",
            color=colour,
            fontsize=10,
            ha="right" if beyond else "left",
            va="bottom",
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5},
        )


def _widest_gap(rates: Sequence[float]) -> float:
    """A height a little into the widest gap between rates below the target, where text covers no curve."""
    levels = np.unique([0.0, *np.minimum(rates, TARGET)])
    gaps = np.diff([*levels, TARGET])
    return float(levels[gaps.argmax()] + 0.3 * gaps.max())


def _names(axes: Axes, panel: Panel, *, failure: bool) -> None:
    """Name references at the right margin, the goal on its line and agents in a legend."""
    for height, label in _merged(panel.references):
        axes.annotate(
            textwrap.fill(label.replace("_", " "), MARGIN),
            (1, max(FEWEST_FAILURES, 1 - height) if failure else height),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            color=GREY,
            va="center",
            fontsize=10.5,
        )
    axes.annotate(  # on the side away from the expert
        f"{whole_percent(TARGET)} goal",
        (0, 1 - TARGET if failure else TARGET),
        xycoords=("axes fraction", "data"),
        xytext=(8, 3 if failure else -3),
        textcoords="offset points",
        va="bottom" if failure else "top",
        fontsize=10.5,
    )
    for index, curve in enumerate(panel.curves):
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        axes.plot([], [], marker, ls="-", color=colour, mec="white", ms=7.5, lw=2, label=curve.label)
    axes.legend(
        loc="lower left" if failure else "upper left",
        bbox_to_anchor=(0.0, 0.0 if failure else 0.84),
        facecolor="white",
        edgecolor="none",
    )


def _merged(references: Sequence[Curve]) -> list[tuple[float, str]]:
    """Heights and names of references, those too close to write apart on one line."""
    merged: list[tuple[float, str]] = []
    for reference in references:  # best first
        rate = reference.final.rate.estimate
        if merged and merged[-1][0] - rate < LABEL_HEIGHT:
            merged[-1] = (merged[-1][0], f"{merged[-1][1]}, {reference.label}")
        else:
            merged.append((rate, reference.label))
    return merged


def _apart(volumes: Sequence[float]) -> list[float]:
    """Of ascending volumes those whose labels do not run into each other."""
    kept = list(volumes[-1:])
    for value in reversed(volumes[:-1]):
        if kept[0] > NEAREST * value:
            kept.insert(0, value)
    return kept


def _volume_axis(axes: Axes, panel: Panel, low: float, high: float, *, forecast: bool) -> None:
    volumes = sorted({point.volume for curve in panel.curves for point in curve.points})
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_xticks([*_apart(volumes), *([volumes[-1] * 4] if high > volumes[-1] * 4 else [])])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: volume(value, panel.axis)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(f"{panel.axis.unit} (log scale)" + "; dashed: forecast beyond the data" * forecast)
