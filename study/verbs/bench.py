"""Speed as ratios, both sides of each measured in turn in one run: absolute figures mean little on a shared machine.

shopfloor bench                        # every task at 128 simulations, one of them at four sizes, and the rest
shopfloor bench --quick                # fewer repeats
shopfloor bench --tasks Kitting        # the engine on these tasks alone
shopfloor bench --loading              # a dataset of a million frames alone
"""

from __future__ import annotations

import argparse
import copy
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import mujoco
import numpy as np
import torch

from shopfloor.agents.bc import BehaviorCloning
from shopfloor.agents.mlp import initialise, mlp
from shopfloor.agents.protocol import Budget
from shopfloor.agents.windows import Windows
from shopfloor.demos import lerobot
from shopfloor.demos.collect import LANES, Collector
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.drivers import ReplayDriver
from shopfloor.demos.mapped import read_mapped
from shopfloor.demos.operators.fleet import Fleet
from shopfloor.demos.play import play
from shopfloor.envs import DEFAULT, TASKS, ShopfloorVectorEnv, collection_sites
from shopfloor.envs.simulation import SUBSTEPS
from shopfloor.progress import progress

BATCH, HIDDEN = 256, (256, 256, 256)
GOALS = {1: 0.45, 16: 0.8, 128: 0.8}  # simulations -> share of raw mj_step
LARGE = 1_000_000  # frames
WINDOW_BATCHES = 200
PEAK = """
import re, sys
from pathlib import Path
from shopfloor.demos import lerobot
most = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1.024e-3
before = most()
lerobot.read(Path(sys.argv[1]))
print(most() - before)
"""  # [MB] beyond what the imports took, in a process of its own; getrusage would count its parent's memory
DETAILED = "PegInsertion"  # the task of which all sizes are measured


@dataclass(frozen=True)
class Line:
    """One comparison: rates of ours and of a reference, repeat by repeat, and the share that is aimed at."""

    name: str
    unit: str
    ours: list[float]
    reference: list[float]
    goal: float | None = None

    def __str__(self) -> str:
        ratios = np.array(self.ours) / np.array(self.reference)
        spread = f"{np.median(ratios):5.2f} [{ratios.min():.2f}, {ratios.max():.2f}]"
        goal = "" if self.goal is None else f">= {self.goal}"
        return (
            f"{self.name:<58}{np.median(self.ours):>12,.0f}{np.median(self.reference):>12,.0f} {self.unit:<16}"
            f"{spread:<22}{goal}"
        )


@contextmanager
def stopwatch(seconds: list[float]) -> Iterator[None]:
    """Append the seconds that its block takes."""
    start = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - start)


def engine_line(task: str, n: int, *, threads: int, steps: int, repeats: int) -> Line:
    """The environment, fed with an expert's recorded actions, over mj_step fed with the controls that these made."""
    env = ShopfloorVectorEnv(task, n, realism=DEFAULT, autoreset_mode="Disabled", threads=threads)
    env.reset(seed=0)
    expert = env.task.expert()
    expert.reset(np.arange(n))
    start = env.sim.physics.copy()
    actions, controls = [], []
    for _ in range(steps):
        actions.append(expert.act())
        env.step(actions[-1])
        controls.append(env.sim.ctrl.copy())
    models = [copy.copy(env.sim.model) for _ in range(n)]
    datas = [mujoco.MjData(model) for model in models]
    for lane, (model, data) in enumerate(zip(models, datas, strict=True)):
        env.sim.copy_to(lane, model, data)

    def raw(lanes: range) -> None:
        # Control period by control period over a thread's simulations, as an environment must; one simulation to
        # its end before the next would stay in the cache, and be some 5 % quicker. A call is SUBSTEPS steps, so
        # Python's part is about one in a hundred, and it gives the GIL away.
        for lane in lanes:
            mujoco.mj_setState(models[lane], datas[lane], start[lane], int(mujoco.mjtState.mjSTATE_INTEGRATION))
        for control in controls:
            for lane in lanes:
                datas[lane].ctrl = control[lane]
                mujoco.mj_step(models[lane], datas[lane], nstep=SUBSTEPS)

    ours: list[float] = []
    reference: list[float] = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(repeats):
            env.reset(seed=0)
            with stopwatch(ours):
                for action in actions:
                    env.step(action)
            with stopwatch(reference):
                list(pool.map(raw, [range(i, n, threads) for i in range(threads)]))
    work = n * steps * SUBSTEPS
    goal = GOALS.get(n)
    name = f"{task}, {n} simulations / raw mj_step, nv {env.sim.model.nv}"
    return Line(name, "substeps/s", [work / s for s in ours], [work / s for s in reference], goal)


def collection_line(task: str, *, threads: int, repeats: int) -> Line:
    """A fleet that records episodes over the environment that is fed with the very actions of these episodes."""
    fleet = Fleet("mixed", {"better": 2, "okay": 2, "worse": 2})
    sites = collection_sites(8)
    collector = Collector(TASKS[task], DEFAULT, fleet, sites=sites, seed=0, threads=threads)
    env = ShopfloorVectorEnv(
        task,
        LANES,
        realism=DEFAULT,
        sites=sites,
        autoreset_mode="Disabled",
        max_episode_steps=round(fleet.horizon * TASKS[task]().horizon_steps),
        threads=threads,
    )
    ours, reference = [], []
    for repeat in range(repeats):
        episodes = range(4 * LANES * repeat, 4 * LANES * (repeat + 1))  # a shard of the store
        seconds: list[float] = []
        with stopwatch(seconds):
            dataset = collector(episodes.start, episodes.stop)
        with stopwatch(seconds):
            for _ in play(env, ReplayDriver(dataset, episodes), episodes, seed=0):
                pass
        ours.append(dataset.frames / seconds[0])
        reference.append(dataset.frames / seconds[1])
    return Line("collection / environment alone, same actions", "control steps/s", ours, reference, 0.7)


def learning_line(dataset: Dataset, *, steps: int, repeats: int) -> Line:
    """BC's updates, its preparation taken out by differencing, over a bare loop that is handed its batches."""
    agent = BehaviorCloning(batch_size=BATCH, hidden=HIDDEN)
    few = max(1, steps // 10)
    torch.set_num_threads(1)  # as BehaviorCloning itself does

    def fit(amount: int) -> Callable[[], object]:
        return lambda: agent.fit(dataset, Budget("gradient_steps", amount), np.random.default_rng(0))

    fit(1)()
    trained = cast(torch.nn.Sequential, agent._trained())
    inputs, outputs = (cast(torch.nn.Linear, trained[i]) for i in (0, -1))
    network = mlp([inputs.in_features, *HIDDEN, outputs.out_features])
    initialise(network, torch.Generator().manual_seed(0))
    x, y = torch.randn(BATCH, inputs.in_features), torch.randn(BATCH, outputs.out_features)
    optimiser = torch.optim.AdamW(network.parameters(), fused=True)

    def bare() -> None:
        for _ in range(steps - few):
            loss = torch.nn.functional.l1_loss(network(x), y)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    ours, reference = [], []
    for _ in range(repeats):
        seconds: list[float] = []
        for side in (fit(steps), fit(few), bare):
            with stopwatch(seconds):
                side()
        ours.append((steps - few) / (seconds[0] - seconds[1]))
        reference.append((steps - few) / seconds[2])
    return Line("bc / bare torch loop", "updates/s", ours, reference, 0.9)


def storage_lines(dataset: Dataset, *, repeats: int) -> list[str]:
    """How quickly a dataset is written, and read with all its checks."""
    megabytes = sum(getattr(dataset, name).nbytes for name in ("observations", "actions", "rewards", "success")) / 1e6
    written: list[float] = []
    read: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(repeats):
            path = Path(folder) / str(repeat)
            with stopwatch(written):
                lerobot.write(dataset, path, recipe={})
            with stopwatch(read):
                lerobot.read(path)
    episodes = f"{len(dataset)} episodes, {megabytes:.0f} MB of arrays"
    return [
        f"dataset written, {episodes}: {megabytes / np.median(written):.1f} MB/s, {np.median(written):.2f} s",
        f"dataset read and checked:   {megabytes / np.median(read):.1f} MB/s, {np.median(read):.2f} s",
    ]


def loading_lines(*, repeats: int) -> list[str]:
    """How quickly a large dataset is read and checked, beside numpy's read of the same bytes, and in what memory."""
    rng = np.random.default_rng(0)
    dataset = Dataset.of(
        rng.standard_normal((LARGE, 40), dtype=np.float32),
        rng.uniform(-1, 1, (LARGE, 8)).astype(np.float32),
        bounds=np.arange(0, LARGE + 1, 200),
        fps=20,
        state_dim=20,
    )
    megabytes = sum(value.nbytes for value in vars(dataset).values() if isinstance(value, np.ndarray)) / 1e6
    ours: list[float] = []
    reference: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        path, plain = Path(folder) / "dataset", Path(folder) / "plain.npy"
        lerobot.write(dataset, path, recipe={})
        np.save(plain, np.zeros(int(megabytes * 1e6), np.uint8))
        for _ in range(repeats):
            with stopwatch(reference):
                np.load(plain)
            with stopwatch(ours):
                lerobot.read(path)
        done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
        mapped = mapped_line(path, repeats=repeats)
    rates, plain_rates = ([LARGE / seconds for seconds in side] for side in (ours, reference))
    line = Line(f"{LARGE:,} frames read and checked / numpy's read", "frames/s", rates, plain_rates)
    seconds = f"median {np.median(ours):.2f} s, least {min(ours):.2f} s; want < 3 s on an idle machine"
    memory = f"most memory while it was read: {float(done.stdout) / megabytes:.2f} times its arrays; want <= 2"
    return [str(line), seconds, memory, str(mapped)]


def mapped_line(path: Path, *, repeats: int) -> Line:
    """Batches of windows that are cut from arrays on disk, in the disk's cache, over those from arrays in memory."""
    sides = [
        Windows(each, history=4, chunk=8, only_successes=False) for each in (read_mapped(path), lerobot.read(path))
    ]
    rng = np.random.default_rng(0)
    numbers = rng.integers(len(sides[0]), size=(WINDOW_BATCHES, BATCH))
    rates: tuple[list[float], list[float]] = [], []
    for _ in range(repeats + 1):  # the first fills the cache
        for side, found in zip(sides, rates, strict=True):
            seconds: list[float] = []
            with stopwatch(seconds):
                for batch in numbers:
                    side.batch(batch)
            found.append(numbers.size / seconds[0])
    return Line("windows of a mapped dataset / of one in memory", "windows/s", rates[0][1:], rates[1][1:])


def many_episodes(dataset: Dataset, times: int) -> Dataset:
    """A dataset several times over."""
    return Dataset.concatenate([dataset] * times)


def parser() -> argparse.ArgumentParser:
    """What the verb takes."""
    parser = argparse.ArgumentParser(
        prog="shopfloor bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats and smaller sizes")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for the physics of both sides")
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), help="only the engine's lines, of these tasks")
    parser.add_argument("--loading", action="store_true", help="only the line of a dataset of a million frames")
    return parser


def main(arguments: Sequence[str]) -> None:
    """Run the verb."""
    given = parser().parse_args(arguments)
    if given.threads < 1:
        raise ValueError(f"threads {given.threads}, want 1 or more")
    repeats, threads = (3, given.threads) if given.quick else (7, given.threads)
    sizes = (1, 16, 128) if given.quick else (1, 16, 128, 1024)
    fleet = Fleet("mixed", {"better": 2, "okay": 2, "worse": 2})

    print(f"{threads} threads, {repeats} repeats; ratio: median [least, most] of ours / reference\n")
    print(f"{'':<58}{'ours':>12}{'reference':>12} {'':<16}{'ratio':<22}goal")
    if given.loading:
        print(*loading_lines(repeats=repeats), sep="\n")
        return
    jobs: list[Callable[[], Line]] = []
    for task in given.tasks or TASKS:
        for n in sizes if task == DETAILED else (128,):
            steps, times = (90, repeats) if n < 1024 else (20, 3)
            jobs.append(
                lambda task=task, n=n, steps=steps, times=times: engine_line(  # type: ignore[misc]
                    task, n, threads=threads, steps=steps, repeats=times
                )
            )
    if not given.tasks:
        sample = Collector(TASKS[DETAILED], DEFAULT, fleet, sites=collection_sites(8), seed=1)(0, 100)
        jobs.append(lambda: collection_line(DETAILED, threads=threads, repeats=min(repeats, 4)))
        jobs.append(lambda: learning_line(sample, steps=150 if given.quick else 400, repeats=repeats))
    for job in progress(jobs, label="bench", unit="line"):
        print(job(), flush=True)
    if given.tasks:
        return
    print()
    for line in storage_lines(many_episodes(sample, 2 if given.quick else 10), repeats=3):
        print(line)
