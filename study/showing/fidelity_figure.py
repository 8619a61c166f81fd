"""What a recording's movement looks like, in one picture: speed, commands' spectra by speed, times over a session."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from shopfloor.demos.fidelity.durations import finished
from shopfloor.demos.fidelity.filters import length_of, low_pass
from shopfloor.demos.fidelity.motion import FULL, Motion
from shopfloor.demos.fidelity.spectra import INTENDED, SEGMENT, spectrum
from shopfloor.files import write_atomically
from shopfloor.study.showing.figures import COLOURS, FAINT, GREY, INK, MARKERS, STYLE, rendered

SIZE = (9.0, 9.0)  # [in]
SHOWN = 4  # episodes whose speed is drawn
LONGEST = 15.0  # [s] of one that is drawn
APART = 1.4  # shares of full speed between two episodes' lines
SPEEDS = ((0.0, 0.3, "slow"), (0.3, 0.6, "middle"), (0.6, np.inf, "fast"))  # mean intended speed, of full
RUNNING = 9  # episodes of the running median of their times


def draw_fidelity(motion: Motion, folder: Path, *, title: str) -> Path:
    """Write fidelity.png and fidelity.pdf; gives the PNG's path. The same recording gives the same bytes."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        above, middle, below = figure.subplots(3, 1, height_ratios=(1.3, 1, 1))
        for axes in (above, middle, below):
            axes.set_axisbelow(True)
            axes.grid(axis="y", color=FAINT, lw=0.8)
        _speeds(above, motion)
        _spectra(middle, motion)
        _times(below, motion)
        above.set_title(title, loc="left", fontsize=12.5, fontweight="bold", pad=12)
        for kind in ("pdf", "png"):
            write_atomically(folder / f"fidelity.{kind}", rendered(figure, kind))
    return folder / "fidelity.png"


def _speeds(axes: Axes, motion: Motion) -> None:
    """Speed profiles of the first episodes, one above the other."""
    for index, speed in enumerate(motion.speed[:SHOWN]):
        shown = speed[: int(LONGEST * motion.rate)]
        colour, floor = COLOURS[index % len(COLOURS)], -APART * index
        axes.fill_between(np.arange(len(shown)) / motion.rate, floor, floor + shown, color=colour, alpha=0.2, lw=0)
        axes.plot(np.arange(len(shown)) / motion.rate, floor + shown, color=colour, lw=1.5)
    count = min(SHOWN, len(motion.speed))
    axes.set_yticks([-APART * index for index in range(count)], [f"episode {index}" for index in range(count)])
    axes.set_ylabel("speed, of full speed")
    axes.set_xlabel("time [s]")


def _spectra(axes: Axes, motion: Motion) -> None:
    """Mean spectra of the commands' segments of three seconds, by how fast the hand meant to go."""
    size = int(SEGMENT * motion.rate)
    segments: list[NDArray[np.float64]] = []
    speeds: list[float] = []
    intended = [length_of(low_pass(command, motion.rate, INTENDED)) for command in motion.command]
    full = float(np.quantile(np.concatenate(intended), FULL))
    for command, speed in zip(motion.command, intended, strict=True):
        for start in range(0, len(command) - size + 1, size // 2):
            segments.append(command[start : start + size])
            speeds.append(float(speed[start : start + size].mean()) / full)
    for index, (low, high, name) in enumerate(SPEEDS):
        chosen = [part for part, speed in zip(segments, speeds, strict=True) if low <= speed < high]
        if chosen:
            found = [spectrum(part, motion.rate) for part in chosen]
            power = np.mean([power for _, power in found], axis=0)
            label = f"{name}, {len(chosen)} segments"
            axes.plot(found[0][0], power, color=COLOURS[index], marker=MARKERS[index], ms=4, lw=1.6, label=label)
    axes.set_yscale("log")
    axes.set_ylabel("command power [1/Hz]")
    axes.set_xlabel("frequency [Hz]")
    if segments:
        axes.legend(frameon=False)


def _times(axes: Axes, motion: Motion) -> None:
    """Times of finished work in the order of recording, by operator where known, and their running median."""
    recording = motion.recording
    kept = finished(recording)
    times = recording.durations[kept]
    who = np.zeros(len(kept), np.int64) if recording.operators is None else recording.operators[kept]
    for person in np.unique(who):
        colour, marker = COLOURS[person % len(COLOURS)], MARKERS[person % len(MARKERS)]
        label = None if recording.operators is None else f"operator {person}"
        axes.plot(kept[who == person], times[who == person], marker, ms=4, color=colour, mew=0, alpha=0.7, label=label)
    if len(times) >= RUNNING:
        windows = np.lib.stride_tricks.sliding_window_view(times, RUNNING)
        axes.plot(kept[RUNNING // 2 : -(RUNNING // 2)], np.median(windows, axis=1), color=INK, lw=1.6)
    axes.set_yscale("log")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.tick_params(which="minor", labelsize=8, labelcolor=GREY)
    axes.set_ylabel("finished after [s]")
    axes.set_xlabel(f"episode; line: running median of {RUNNING}")
    if recording.operators is not None and len(np.unique(who)) <= len(COLOURS):
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False, ncols=len(COLOURS), fontsize=9)
