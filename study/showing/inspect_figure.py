"""A dataset in one picture: paths, actions, speeds, idleness, times, success by site, and what was observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.inspection.columns import Column, bounded
from shopfloor.demos.inspection.summary import Summary
from shopfloor.files import write_atomically
from shopfloor.study.analysis.statistics import wilson
from shopfloor.study.showing.figures import COLOURS, FAINT, GREY, INK, MARKERS, STYLE, rendered

Array = NDArray[np.float64]

SIZE = (15.0, 16.0)  # [in]
PATHS = 6  # episodes of a tier whose path is drawn
BINS = 41  # of an action's histogram
PLACES = 50  # along an episode at which speed is drawn
BAND = (0.25, 0.5, 0.75)  # quantiles of speed over episodes
MOST = 60  # columns of observations that are drawn
LINEAR = 0.1  # up to which the axis of observations is linear
CROWD = 12  # actions whose names have room
LONG_NAME = 20  # characters of a column's name


def draw_inspection(dataset: Dataset, summary: Summary, folder: Path, *, title: str) -> Path:
    """Write inspect.png and inspect.pdf; gives the PNG's path. The same dataset gives the same bytes."""
    with matplotlib.rc_context({**STYLE, "font.size": 10}):
        figure = Figure(figsize=SIZE, layout="constrained")
        grid = figure.add_gridspec(4, 3, height_ratios=(1.25, 1, 1, 1), width_ratios=(1, 1, 0.85))
        axes = [[figure.add_subplot(grid[row, column]) for column in range(2)] for row in range(1, 4)]
        tall = figure.add_subplot(grid[:, 2])
        colours = _colours(summary)
        if summary.motion is not None and summary.motion.recording.base:
            _paths(_titled(figure.add_subplot(grid[0, :2]), "path from above"), summary, colours, over=(0, 1))
        else:
            ours = summary.path_axes[:1] == ["x [m]"]
            views = (
                ("path from above", "path from the side")
                if ours
                else ("path, columns 0 and 1", "path, columns 0 and 2")
            )
            for column, view in enumerate(views):
                above = _titled(figure.add_subplot(grid[0, column]), view)
                _paths(above, summary, colours, over=(0, 1 + column))
        _actions(axes[0][0], dataset)
        _speeds(axes[0][1], summary, colours)
        _idle(axes[1][0], summary, colours)
        _times(axes[1][1], summary)
        _success(axes[2][0], summary)
        _labels(axes[2][1], summary)
        _observations(tall, summary.observations)
        figure.suptitle(f"{title}: {len(dataset)} episodes", x=0.01, ha="left", fontsize=14, fontweight="bold")
        for kind in ("pdf", "png"):
            write_atomically(folder / f"inspect.{kind}", rendered(figure, kind))
    return folder / "inspect.png"


def _colours(summary: Summary) -> Mapping[str | None, str]:
    """Of each tier, or of None where none is known."""
    tiers = dict.fromkeys(group.key[0] for group in summary.groups.get("tier", ()))
    return {tier: COLOURS[place % len(COLOURS)] for place, tier in enumerate(tiers or [None])}


def _by_tier(summary: Summary, motion: Motion) -> Mapping[str | None, list[int]]:
    """The episodes of each tier, in order of tiers, as places in the motion's lists."""
    found: dict[str | None, list[int]] = {tier: [] for tier in _colours(summary)}
    for place, episode in enumerate(np.flatnonzero(motion.recording.long()).tolist()):
        found[summary.episodes[episode]["tier"]].append(place)
    return {tier: places for tier, places in found.items() if places}


def _paths(axes: Axes, summary: Summary, colours: Mapping[str | None, str], *, over: tuple[int, int]) -> None:
    """Where things moved, of some episodes of each tier: one column of the path over another, both hands of a pair."""
    motion = summary.motion
    if motion is None or max(over) >= len(summary.path_axes):
        _nothing(axes, "no movement is known" if motion is None else "no further column moves")
        return
    tools = range(0, len(summary.path_axes), 3) if summary.path_axes[:3] == summary.path_axes[3:] else (0,)
    for tier, places in _by_tier(summary, motion).items():
        axes.plot([], [], color=colours[tier], label=tier)
        for place in places[:PATHS]:
            for first in tools:
                tool = motion.path[place][:, first:]
                axes.plot(tool[:, over[0]], tool[:, over[1]], color=colours[tier], lw=0.9, alpha=0.6)
    axes.set_xlabel(summary.path_axes[over[0]])
    axes.set_ylabel(summary.path_axes[over[1]])
    axes.set_aspect("equal", adjustable="datalim")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    if None not in colours:
        axes.legend(frameon=False, fontsize=9)


def _actions(axes: Axes, dataset: Dataset) -> None:
    """A histogram for each element of the action, one above the other, each as high as its fullest bin."""
    inside = bounded(dataset)
    _titled(axes, "actions, share of frames (log)")
    for place, values in enumerate(dataset.actions.T):
        finite = values[np.isfinite(values)].astype(np.float64)
        low, high = (-1.0, 1.0) if inside or not len(finite) else (finite.min(), finite.max())
        unit = 2 * (finite - low) / (high - low) - 1 if high > low else finite * 0
        counts, edges = np.histogram(unit, BINS, (-1, 1))
        height = np.log1p(counts) / max(np.log1p(counts).max(), 1e-9) * 0.9
        axes.stairs(height - place, edges, baseline=-place, fill=True, color=COLOURS[place % len(COLOURS)], alpha=0.7)
    axes.set_yticks(0.3 - np.arange(dataset.act_dim), [_short(name) for name in dataset.action_names])
    axes.tick_params(axis="y", length=0, labelsize=9 if dataset.act_dim <= CROWD else 6)
    axes.set_xlim(-1.05, 1.05)
    axes.set_xlabel("action" if inside else "action, from its lowest (-1) to its highest (1)")


def _speeds(axes: Axes, summary: Summary, colours: Mapping[str | None, str]) -> None:
    """Speed over the episode, of each tier: median and the middle half of its episodes."""
    _titled(axes, "speed, median and middle half")
    if summary.motion is None:
        _nothing(axes, "no movement is known")
        return
    places = np.linspace(0, 1, PLACES)
    for tier, chosen in _by_tier(summary, summary.motion).items():
        speeds = [summary.motion.speed[place] for place in chosen]
        level = np.stack([np.interp(places, np.linspace(0, 1, len(speed)), speed) for speed in speeds])
        low, middle, high = np.quantile(level, BAND, axis=0)
        axes.fill_between(places, low, high, color=colours[tier], alpha=0.15, lw=0)
        axes.plot(places, middle, color=colours[tier], lw=1.8, label=tier)
    axes.set_xlabel("share of the episode's time")
    axes.set_ylabel("speed, of full speed")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    if None not in colours:
        axes.legend(frameon=False, fontsize=9)


def _idle(axes: Axes, summary: Summary, colours: Mapping[str | None, str]) -> None:
    """How much of each operator's episodes nothing moves: every episode, and the median."""
    _titled(axes, "idle share by operator")
    found: dict[tuple[int, str | None], list[float]] = {}
    for line in summary.episodes:
        if line["idle_share"] is not None and line["operator"] is not None:
            found.setdefault((line["operator"], line["tier"]), []).append(line["idle_share"])
    if not found:
        _nothing(axes, "neither movement nor operators are known")
        return
    for place, ((_, tier), shares) in enumerate(sorted(found.items(), key=lambda item: item[0][0])):
        spread = place + np.linspace(-0.25, 0.25, len(shares))
        axes.plot(spread, shares, "o", ms=3.5, mew=0, alpha=0.5, color=colours[tier])
        axes.plot([place - 0.3, place + 0.3], [np.median(shares)] * 2, color=INK, lw=1.8)
    names = sorted(found, key=lambda key: key[0])
    axes.set_xticks(range(len(names)), [f"{who}\n{tier or ''}" for who, tier in names])
    axes.set_xlabel("operator; line: median")
    axes.set_ylabel("share of frames")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylim(bottom=0)


def _times(axes: Axes, summary: Summary) -> None:
    """How long an operator's episodes last in the order of a session; what is labelled a failure is hollow."""
    _titled(axes, "length over a session")
    sessions: dict[tuple[int | None, int | None], list[tuple[float, bool]]] = {}
    for line in summary.episodes:
        sessions.setdefault((line["operator"], line["session"]), []).append((line["length_s"], line["label"]))
    told: set[int | None] = set()
    for (operator, _), episodes in sorted(sessions.items(), key=lambda item: [v is not None and v for v in item[0]]):
        number = 0 if operator is None else operator
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        places, (lengths, labels) = np.arange(len(episodes)), np.array(episodes).T
        axes.plot(places, lengths, color=colour, lw=0.8, alpha=0.5)
        for label, face in ((1, colour), (0, "white")):
            mask = labels == label
            axes.plot(places[mask], lengths[mask], marker, ms=4.5, color=colour, mfc=face, mew=1)
        if operator not in told and operator is not None and len(told) < len(COLOURS):
            axes.plot([], [], marker, color=colour, ms=4.5, label=f"operator {operator}")
        told.add(operator)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("place in the session [episode]; hollow: labelled a failure")
    axes.set_ylabel("length [s]")
    axes.set_ylim(bottom=0)
    if told - {None}:
        axes.legend(frameon=False, fontsize=8, ncols=2)


def _success(axes: Axes, summary: Summary) -> None:
    """The rate of each site by its labels with its interval, and in truth where that is known."""
    _titled(axes, "success by site, 95 % interval")
    groups = summary.groups["site"]
    places = np.arange(len(groups))
    rates = [wilson(group.successes, group.episodes) for group in groups]
    bars = [[rate.estimate - rate.low for rate in rates], [rate.high - rate.estimate for rate in rates]]
    heights = [rate.estimate for rate in rates]
    axes.errorbar(places, heights, yerr=bars, fmt="o", ms=6, lw=1.6, color=COLOURS[0], label="labelled")
    if all(group.done is not None for group in groups):
        done = [(group.done or 0) / group.episodes for group in groups]
        axes.plot(places, done, "D", ms=6, mfc="none", color=COLOURS[1], mew=1.6, label="in truth")
        axes.legend(frameon=False, fontsize=9, loc="lower right")
    step = max(1, len(groups) // 16)
    axes.set_xticks(places[::step], [str(group.key[0]) for group in groups[::step]])
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("site")
    axes.set_ylabel("success rate")


def _labels(axes: Axes, summary: Summary) -> None:
    """Labels against truth, as a table of counts; how episodes ended where truth is not known."""
    found = summary.confusion
    if found is None:
        _titled(axes, "how episodes ended")
        names = sorted(summary.endings, key=lambda name: summary.endings[name])
        axes.barh(names, [summary.endings[name] for name in names], height=0.5, color=COLOURS[0])
        axes.set_ylim(-1, len(names))
        axes.set_xlabel("episodes")
        return
    _titled(axes, "labels against truth [episodes]")
    axes.grid(visible=False)
    counts = np.array(
        [[found.done_labelled, found.done_unlabelled], [found.undone_labelled, found.undone_unlabelled]], float
    )
    axes.imshow(counts / max(counts.max(), 1), cmap="Blues", vmin=0, vmax=1.6, aspect="auto")
    meanings = (("right", "false negatives"), ("false positives", "right"))
    for (row, column), count in np.ndenumerate(counts):
        axes.text(column, row, f"{count:.0f}\n{meanings[row][column]}", ha="center", va="center", fontsize=12)
    axes.set_xticks((0, 1), ("success", "failure"))
    axes.set_yticks((0, 1), ("done", "not done"))
    axes.set_xlabel("label")
    axes.set_ylabel("truth")
    axes.tick_params(length=0)


def _observations(axes: Axes, columns: Sequence[Column]) -> None:
    """From where to where each element of the observation goes: all of it thin, the middle 90 % thick."""
    _titled(axes, "observations, own units")
    shown = columns[:MOST]
    for place, one in enumerate(shown):
        odd = one.unsound or one.constant
        colour = COLOURS[1] if odd else COLOURS[0]
        axes.plot([one.low, one.high], [place] * 2, color=colour, lw=1)
        axes.plot(one.mostly, [place] * 2, color=colour, lw=4.5, solid_capstyle="butt")
        if one.constant:
            axes.plot([one.low], [place], "o", ms=5, color=colour)
    axes.set_xscale("symlog", linthresh=LINEAR)
    axes.set_yticks(range(len(shown)), [_short(one.name) for one in shown])
    axes.set_ylim(len(shown) - 0.3, -0.7)
    axes.tick_params(axis="y", length=0, labelsize=9 if len(shown) <= 40 else 7.5)
    axes.axvline(0, color=GREY, lw=0.7)
    more = f"; {len(columns) - MOST} columns more" if len(columns) > MOST else ""
    axes.set_xlabel(f"thick: 5 to 95 %; linear within {LINEAR:g}\norange: constant, or NaN in it{more}")


def _titled(axes: Axes, title: str) -> Axes:
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.set_axisbelow(True)
    axes.grid(color=FAINT, lw=0.8)
    return axes


def _nothing(axes: Axes, why: str) -> None:
    axes.text(0.5, 0.5, why, ha="center", va="center", color=GREY, transform=axes.transAxes)
    axes.set_axis_off()


def _short(name: str) -> str:
    return name if len(name) <= LONG_NAME else f"{name[: LONG_NAME - 1]}…"
