"""The engine: a batched Gymnasium environment over any task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal, get_args

import gymnasium
import mujoco
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, iterate
from numpy.typing import NDArray

from shopfloor.envs.arguments import (
    checked_actions,
    checked_choice,
    checked_count,
    checked_episodes,
    checked_mask,
    checked_seed,
    checked_size,
    known,
)
from shopfloor.envs.measurement import Array, Ids, Mask
from shopfloor.envs.pixels import Pixels
from shopfloor.envs.randomness import Purpose, keys
from shopfloor.envs.realism.commands import CommandPath
from shopfloor.envs.realism.realism import REALISMS, Realism
from shopfloor.envs.realism.sensing import Sensing
from shopfloor.envs.realism.site_numbers import collection_sites
from shopfloor.envs.realism.workload import shares, site_places
from shopfloor.envs.simulation import CONTROL_PERIOD, CONTROL_RATE, Simulation, State
from shopfloor.envs.tallies import Tallies
from shopfloor.envs.task import Task
from shopfloor.envs.tasks import task_class
from shopfloor.envs.views import Halves, Observations, ObsType, RawReadings, View, WholeState

RewardType = Literal["dense", "sparse"]
Info = dict[str, Any]

DEFAULT_SITES = collection_sites(8)
IMAGE_SIZE = (96, 96)  # [pixels] height, width


class Ending(IntEnum):
    """How an episode has ended: info's `ended_by`, where none is given up: that is up to who drives."""

    RUNNING = 0
    SUCCESS = 1
    LOST = 2
    DIVERGED = 3
    TIME = 4
    GAVE_UP = 5


@dataclass(frozen=True)
class EnvState:
    """The whole state of some lanes of an environment, from `state`: plain arrays, which pickle."""

    seed: int | None
    lanes: State


class ShopfloorVectorEnv(VectorEnv[Observations, NDArray[np.float32], NDArray[Any]]):
    """num_envs episodes of one task in lockstep.

    Episode number i of a seed runs at sites[i % len(sites)] and is a pure function of (task, realism,
    site, seed, i): the same to the bit in any lane, at any num_envs and any number of threads.
    With an imbalance, the exponent of Zipf's law, the first sites have more of the episodes than the last.
    Lane k plays episodes k, k + num_envs, k + 2 num_envs, ...; `reset(options={"episodes": ...})`
    plays any others. Actions are clipped to [-1, 1]; a NaN or a wrong shape is a ValueError.

    What the policy sees, by obs_type: "state", the sensors' readings made into one vector (n, obs_dim) float32;
    "environment_state_agent_pos", a flat dict of its proprioceptive part as `agent_pos` and the rest as
    `environment_state`; "raw", a flat dict of every channel's reading (n, size) float32 by name, with nothing derived;
    "pixels", a flat dict that holds for the task's camera and the robot's own (n, height, width, 3) uint8;
    "pixels_agent_pos", a dict of these as `pixels` and of `agent_pos`. Pictures are late as the cameras' readings are;
    they are drawn lane after lane, some 5 ms each without a graphics card.

    An episode ends by success, by loss of the part or by divergence of the physics (terminated), or at
    the horizon (truncated). Info has the same keys at every reset and step, each (n,):

    - success, is_success (the same, as stable-baselines3 and LeRobot name it), lost, diverged; ended_by, an `Ending`;
    - site, episode_index; stage, the furthest of the task's `stages` that the work has reached;
    - reward_terms, the raw terms of the dense reward by name;
    - measures, the numbers of `task.measures()` by name, so far.

    copy.deepcopy and pickle give an environment that goes on the same to the bit, as `state` and `restore` do.
    """

    metadata = {
        "render_modes": ["rgb_array", "human"],
        "render_fps": CONTROL_RATE,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        task: Task | str,
        num_envs: int = 1,
        *,
        difficulty: str | None = None,
        realism: Realism | str = "default",
        sites: Sequence[int] = DEFAULT_SITES,
        imbalance: float = 0.0,
        reward_type: RewardType = "dense",
        obs_type: ObsType = "state",
        image_size: tuple[int, int] = IMAGE_SIZE,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        threads: int = 0,
        render_mode: str | None = None,
        camera: str | None = None,
    ) -> None:
        """task: a fresh task object, the name of one of TASKS, or "module:Class" for any other; threads: 0 for
        one per processor.

        difficulty: easy, default or hard, of a named task; an object has its own.
        max_episode_steps: [control steps] after which an episode is cut; None for the task's horizon.
        image_size: (height, width) [pixels] of the observed pictures. They need GL: GraphicsError where there is none.
        render_mode: "rgb_array", or "human" for MuJoCo's viewer on lane 0; camera: of `render`, by name, the task's
        own by default.
        """
        self._arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        checked_choice("reward_type", reward_type, get_args(RewardType))
        checked_choice("obs_type", obs_type, get_args(ObsType))
        checked_choice("render_mode", render_mode, (None, *self.metadata["render_modes"]))
        mode = getattr(autoreset_mode, "value", autoreset_mode)
        mode = AutoresetMode(checked_choice("autoreset_mode", mode, [each.value for each in AutoresetMode]))
        if not np.size(sites):
            raise ValueError("no sites, want at least one")
        if difficulty is not None and not isinstance(task, str):
            raise ValueError(f"difficulty {difficulty!r} of a task object, want it given to the object itself")
        self.task = task_class(task)(difficulty=difficulty or "default") if isinstance(task, str) else task
        if not isinstance(self.task, Task):
            raise ValueError(f"task {task!r:.80}, want a Task object or the name of one of TASKS")
        self.realism = known("realism", realism, REALISMS) if isinstance(realism, str) else realism
        self.num_envs = n = checked_count("num_envs", num_envs)
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "autoreset_mode": mode}
        self._autoreset = mode
        self._sparse = reward_type == "sparse"
        self._sites = self.realism.sites.sites(sites)
        self._imbalance = imbalance
        shares(len(self._sites), imbalance)  # raises ValueError on an impossible one

        spec = self.task.scene()
        robot = self.task.robot
        self.realism.commands.delay(spec, robot.servos, robot.tool_servos, robot.slower)
        self.sim = sim = Simulation(spec.compile(), n, threads=threads)
        cameras = [sim.model.camera(i).name for i in range(sim.model.ncam)]
        self.camera = checked_choice("camera", camera or self.task.camera, cameras)
        self.task.bind(sim)
        self._horizon = self.task.horizon_steps
        if max_episode_steps is not None:
            self._horizon = checked_count("max_episode_steps", max_episode_steps)
        self._parts = self.task.observed
        self._term_names = [[term.name for term in part.terms] for part in self._parts]
        channels = [channel for part in self._parts for channel in part.channels]
        self._sensing = Sensing(channels, self.realism.devices, sim, frames=self.realism.frames)
        self._weights = self.task.reward_weights
        self._tallies = Tallies(sim, self._parts)

        width = len(self.task.observation_names)
        self._view = self._make_view(obs_type, width, checked_size(image_size))
        self.single_observation_space = self._view.single_space
        self._act_dim = len(robot.action_names)
        self._path = CommandPath(
            self.realism.commands,
            sim,
            servos=robot.servos,
            tool_servos=robot.tool_servos,
            slower=robot.slower,
            act_dim=self._act_dim,
        )
        self.single_action_space = gymnasium.spaces.Box(-1.0, 1.0, (self._act_dim,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, n)
        self.action_space = batch_space(self.single_action_space, n)

        self._seed: int | None = None
        self._episode, self._site, self._steps = (sim.record(dtype=np.int64) for _ in range(3))
        self._episode[:] = np.arange(n) - n  # the first reset adds n
        self._furthest = sim.record(dtype=np.intp)  # stage
        self._over = sim.record(dtype=np.bool_, fill=1)
        self._observations = sim.record(width, dtype=np.float32)
        self._readings = sim.record(self._sensing.width, dtype=np.float32)
        self._everywhere = np.ones(n, dtype=bool)
        self._renderer: Any = None

    @property
    def model(self) -> mujoco.MjModel:
        """The compiled scene."""
        return self.sim.model

    @property
    def seed(self) -> int | None:
        """Whose episodes are played; None before the first reset."""
        return self._seed

    @property
    def horizon_steps(self) -> int:
        """Control steps after which an episode is cut."""
        return self._horizon

    @property
    def over(self) -> Mask:
        """Lanes (n,) whose episode has ended and that stand still until they are reset."""
        return self._over.copy()

    @property
    def steps(self) -> NDArray[np.int64]:
        """Control steps (n,) taken in each lane's episode."""
        return self._steps.copy()

    @property
    def times(self) -> Array:
        """When each lane's present observation was taken (n,) [s] since its episode's start, by the loop's own clock.

        With even frames, the control steps times the control period.
        """
        return self._sensing.times(self._steps)

    @property
    def readings(self) -> dict[str, NDArray[np.float32]]:
        """What the sensors read now, (n, size) of each channel by its name: a copy."""
        return {name: self._readings[:, columns].copy() for name, columns in self._sensing.columns.items()}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observations, Info]:
        """Start new episodes in all lanes, or in those of options["reset_mask"] (n,).

        seed: start the seed's episodes from the first; None goes on with the next ones.
        options["episodes"] (n,): the episode numbers to play instead, one a lane.
        """
        options = options or {}
        unknown = set(options) - {"reset_mask", "episodes"}
        if unknown:
            raise ValueError(f"reset options {sorted(unknown)}, want reset_mask or episodes")
        ids = np.flatnonzero(checked_mask(options.get("reset_mask", self._everywhere), self.num_envs))
        episodes = None
        if "episodes" in options:
            episodes = checked_episodes(options["episodes"], ids, self.num_envs)
        if seed is not None:
            self._seed = checked_seed(seed)
            super().reset(seed=self._seed)
            self._episode[:] = np.arange(self.num_envs) - self.num_envs
        elif self._seed is None:
            self._seed = int(self.np_random.integers(2**31))
        if episodes is not None:
            self._episode[ids] = episodes[ids]
        else:
            self._episode[ids] += self.num_envs
        self._start(ids)
        nothing = ~self._everywhere
        return self._seen(), self._info(
            nothing, lost=nothing, diverged=nothing, ended_by=np.zeros(self.num_envs, np.int64)
        )

    def step(self, actions: NDArray[Any]) -> tuple[Observations, Array, Mask, Mask, Info]:
        """Advance by one control period; lanes whose episode is over follow the autoreset mode."""
        commands = checked_actions(actions, (self.num_envs, self._act_dim))
        if self._seed is None:
            raise gymnasium.error.ResetNeeded("step before reset, want reset first")
        playing = ~self._over
        active: Ids = playing.nonzero()[0]
        self.task.robot.command(self._path.arrived(commands, active, self._steps))
        alive, diverged = playing, ~self._everywhere
        if len(active):
            diverged = self.sim.step(active) & playing
            if np.count_nonzero(diverged):  # on few lanes several times quicker than any()
                self._repair(np.flatnonzero(diverged))
            alive = playing > diverged  # "and not", as below
            self._steps += playing
            for part in self._parts:
                part.after_step(active)
            np.maximum(self._furthest, self.task.stage(), out=self._furthest, where=alive)
            self._tallies.note(playing if len(active) < self.num_envs else True)
            self._observe(active)
        success = self.task.success() & alive
        lost = self.task.lost() & (alive > success)
        terminated = success | lost | diverged
        truncated = (self._steps >= self._horizon) & (playing > terminated)
        ending = terminated | truncated
        ended_by = np.zeros(self.num_envs, dtype=np.int64)
        if np.count_nonzero(ending):
            ended_by[success], ended_by[lost] = Ending.SUCCESS, Ending.LOST
            ended_by[diverged], ended_by[truncated] = Ending.DIVERGED, Ending.TIME
        info = self._info(success, lost=lost, diverged=diverged, ended_by=ended_by)
        if self._sparse:
            rewards = success.astype(float)
        else:
            terms, dense = info["reward_terms"], np.zeros(self.num_envs)
            for name, weight in self._weights.items():
                dense += weight * terms[name]
            rewards = np.where(alive, dense, 0.0)
        self._over |= ending
        restarts = ~playing if self._autoreset == AutoresetMode.NEXT_STEP else ~self._everywhere
        if self._autoreset == AutoresetMode.SAME_STEP and self._over.any():
            restarts = self._over.copy()
            final = np.full(self.num_envs, None, dtype=object)
            for lane, observation in enumerate(iterate(self.observation_space, self._seen())):
                final[lane] = observation if restarts[lane] else None
            info |= {"final_obs": final, "_final_obs": restarts, "final_info": info.copy(), "_final_info": restarts}
        if np.count_nonzero(restarts):
            ids = np.flatnonzero(restarts)
            self._episode[ids] += self.num_envs
            self._start(ids)
            info |= {"site": self._site.copy(), "episode_index": self._episode.copy(), "stage": self._furthest.copy()}
        return self._seen(), rewards, terminated, truncated, info

    def resume(self, lanes: Mask | Ids) -> None:
        """Let episodes go on that are over, in lanes (mask (n,) or numbers), as if they were not."""
        self._over[self._lanes(lanes)] = False

    def state(self, lanes: Mask | Ids | None = None) -> EnvState:
        """Everything that says how lanes (mask (n,) or numbers; all by default) go on: physics, sensors, records."""
        return EnvState(self._seed, self.sim.state(self._lanes(lanes)))

    def restore(self, state: EnvState, lanes: Mask | Ids | None = None) -> Observations:
        """Put lanes, as many as state holds, where it was taken, here or in an equal environment; what all now observe.

        From there the same actions give the same bits. Later episodes are those of this environment's own seed, or of
        the state's where this one has none.
        """
        self.sim.restore(self._lanes(lanes), state.lanes)
        if self._seed is None:
            self._seed = state.seed
        return self._seen()

    def __getstate__(self) -> dict[str, Any]:
        """The arguments and the state, from which an equal environment is made."""
        arguments = {**self._arguments, "task": self.task.fresh()}
        if isinstance(self._arguments["task"], str):
            arguments["task"] = self._arguments["task"]
        return {"arguments": arguments, "state": self.state(), "spec": self.spec, "np_random": self._np_random}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__init__(**saved["arguments"])  # type: ignore[misc]
        self.spec, self._np_random = saved["spec"], saved["np_random"]
        self.restore(saved["state"])

    def mjcf(self) -> str:
        """The scene as MJCF, which MuJoCo's own loader reads; MuJoCo writes six digits of each number."""
        spec = self.task.fresh().scene()
        spec.compile()
        xml: str = spec.to_xml()
        return xml

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """A picture (480, 640, 3) uint8 of each lane, if render_mode is rgb_array; the viewer's turn, if human."""
        if self.render_mode is None:
            return None
        if self._renderer is None:
            from shopfloor.envs.rendering import Renderer, Viewer  # imports GL

            self._renderer = (Viewer if self.render_mode == "human" else Renderer)(self.sim, camera=self.camera)
        if self.render_mode == "human":
            self._renderer.show(0)
            return None
        return tuple(self._renderer.picture(lane) for lane in range(self.num_envs))

    def close_extras(self, **_: Any) -> None:
        """Give back what draws."""
        self._view.close()
        if self._renderer is not None:
            self._renderer.close()
        self._renderer = None

    def _make_view(self, obs_type: ObsType, width: int, image_size: tuple[int, int]) -> View:
        own = self.task.state_dim
        if obs_type == "state":
            return WholeState(width)
        if obs_type == "environment_state_agent_pos":
            return Halves(width, own)
        if obs_type == "raw":
            return RawReadings(self._sensing.columns)
        cameras = tuple(dict.fromkeys((self.task.camera, self.task.robot.camera)))
        delay = round(self.realism.camera.link.latency / CONTROL_PERIOD)
        state_dim = own if obs_type == "pixels_agent_pos" else None
        return Pixels(self.sim, cameras, size=image_size, delay=delay, state_dim=state_dim)

    def _lanes(self, lanes: Mask | Ids | None) -> Ids:
        if lanes is None:
            return np.arange(self.num_envs)
        chosen = np.asarray(lanes)
        return np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.intp)

    def _start(self, ids: Ids) -> None:
        """Start the episodes whose numbers stand in lanes ids."""
        assert self._seed is not None
        episodes = self._episode[ids]
        sites = self._sites[site_places(episodes, len(self._sites), self._imbalance)]
        sites = self.realism.drift.at(sites, episodes)
        world, sensors = (
            keys(purpose, self._seed, sites.index, episodes) for purpose in (Purpose.WORLD, Purpose.SENSORS)
        )
        draws = {name: spread.draw(world, name) for name, spread in self.task.randomised.items()}
        self.sim.reset(ids)
        self.task.place(ids, draws, sites)
        self.sim.forward(ids)
        self._site[ids] = sites.index
        self._steps[ids] = 0
        self._over[ids] = False
        self._furthest[ids] = self.task.stage()[ids]
        self._tallies.start(ids)
        self._path.start(ids, sensors)
        self._sensing.reset(ids, sites, sensors, self._truth()[ids])
        self._observe(ids)

    def _repair(self, ids: Ids) -> None:
        """Put diverged simulations back at a finite state, so that nothing downstream meets a NaN."""
        self.sim.reset(ids)
        self.sim.forward(ids)

    def _observe(self, ids: Ids) -> None:
        """Read the sensors of lanes ids, and make the observation of what they say."""
        n = len(ids)
        lanes = slice(None) if n == self.num_envs else ids  # views where all lanes are read
        readings = self._sensing.read(ids, self._truth()[lanes], self._steps[lanes])
        named = {name: readings[:, columns] for name, columns in self._sensing.columns.items()}
        values = []
        for part, names in zip(self._parts, self._term_names, strict=True):
            terms = part.observe(named)
            values += [terms[name].reshape(n, -1) for name in names]
        self._readings[lanes] = readings
        self._observations[lanes] = np.concatenate(values, axis=1)
        self._view.update(ids, self._steps[lanes])

    def _seen(self) -> Observations:
        """A copy of what all lanes observe."""
        return self._view.seen(self._observations, self._readings)

    def _truth(self) -> Array:
        return np.concatenate([values for part in self._parts for values in part.truth()], axis=1)

    def _info(self, success: Mask, *, lost: Mask, diverged: Mask, ended_by: NDArray[np.int64]) -> Info:
        """Gymnasium's vector layout: each key with a mask `_key` of the lanes that have it."""
        measures = {"cycle_time": self._steps * CONTROL_PERIOD, **self._tallies.values()}
        terms = self.task.reward_terms()
        info: Info = {
            "success": success,
            "is_success": success.copy(),
            "lost": lost,
            "diverged": diverged,
            "ended_by": ended_by,
            "site": self._site.copy(),
            "episode_index": self._episode.copy(),
            "stage": self._furthest.copy(),
            "reward_terms": {**terms, **{f"_{name}": self._everywhere for name in terms}},
            "measures": {**measures, **{f"_{name}": self._everywhere for name in measures}},
        }
        return {**info, **{f"_{name}": self._everywhere for name in info}}
