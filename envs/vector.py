"""The engine: a batched Gymnasium environment over any task."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast, get_args

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, iterate
from numpy.typing import NDArray

from shopfloor.envs.randomness import Purpose, stream
from shopfloor.envs.realism.realism import REALISMS, Realism
from shopfloor.envs.realism.sensing import Sensing
from shopfloor.envs.realism.sites import collection_sites
from shopfloor.envs.simulation import CONTROL_PERIOD, CONTROL_RATE, TIMESTEP, Simulation
from shopfloor.envs.task import Task
from shopfloor.envs.tasks import TASKS

Array = NDArray[np.float64]
Ids = NDArray[np.intp]
Observations = Any  # (n, obs_dim) float32, or a dict of pictures
ObsType = Literal["state", "pixels", "pixels_agent_pos"]
RewardType = Literal["dense", "sparse"]
Info = dict[str, Any]

DEFAULT_SITES = collection_sites(8)
IMAGE_SIZE = (96, 96)  # [pixels] height, width


class ShopfloorVectorEnv(VectorEnv[Observations, NDArray[np.float32], NDArray[Any]]):
    """num_envs episodes of one task in lockstep.

    Episode number i of a seed runs at sites[i % len(sites)] and is a pure function of (task, realism,
    site, seed, i): the same to the bit in any lane, at any num_envs and any number of threads.
    Lane k plays episodes k, k + num_envs, k + 2 num_envs, ...; `reset(options={"episodes": ...})`
    plays any others. Actions are clipped to [-1, 1]; a NaN or a wrong shape is a ValueError.

    What the policy sees, by obs_type: "state", the sensors' readings (n, obs_dim) float32; "pixels", a dict that
    holds for the task's camera and the robot's own (n, height, width, 3) uint8; "pixels_agent_pos", a dict of
    these as `pixels` and of the state's proprioceptive part as `agent_pos` (n, state_dim) float32. Pictures are late
    as the cameras' readings are; they are drawn lane after lane, some 5 ms each without a graphics card.

    An episode ends by success, by loss of the part or by divergence of the physics (terminated), or at
    the horizon (truncated). Info holds per lane: success, diverged, lost, site, episode, and
    reward_terms, the raw terms of the dense reward by name.
    """

    metadata = {
        "render_modes": ["rgb_array"],
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
        reward_type: RewardType = "dense",
        obs_type: ObsType = "state",
        image_size: tuple[int, int] = IMAGE_SIZE,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        threads: int = 0,
        render_mode: str | None = None,
    ) -> None:
        """task: a fresh task object, the name of one of TASKS, or "module:Class" for any other; threads: 0 for
        one per processor.

        difficulty: easy, default or hard, of a named task; an object has its own.
        image_size: (height, width) [pixels] of the observed pictures. They need GL: GraphicsError where there is none.
        """
        if num_envs < 1:
            raise ValueError(f"{num_envs} environments, want 1 or more")
        if reward_type not in ("dense", "sparse"):
            raise ValueError(f"reward type {reward_type!r}, want 'dense' or 'sparse'")
        if obs_type not in get_args(ObsType):
            raise ValueError(f"observation type {obs_type!r}, want one of {', '.join(get_args(ObsType))}")
        if len(image_size) != 2 or min(image_size) < 1:
            raise ValueError(f"image size {image_size}, want height and width of 1 pixel or more")
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render mode {render_mode!r}, want None or one of {self.metadata['render_modes']}")
        if not sites:
            raise ValueError("no sites, want at least one")
        if difficulty is not None and not isinstance(task, str):
            raise ValueError(f"difficulty {difficulty!r} of a task object, want it given to the object itself")
        self.task = task_class(task)(difficulty=difficulty or "default") if isinstance(task, str) else task
        self.realism = _named(REALISMS, realism, "realism") if isinstance(realism, str) else realism
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "autoreset_mode": AutoresetMode(autoreset_mode)}
        self._autoreset = self.metadata["autoreset_mode"]
        self._sparse = reward_type == "sparse"
        self._sites = [self.realism.sites.site(index) for index in sites]

        spec = self.task.scene()
        if self.realism.command_latency > 0:
            for actuator in spec.actuators:
                actuator.delay = self.realism.command_latency
                actuator.nsample = int(np.ceil(self.realism.command_latency / TIMESTEP))
        self.sim = Simulation(spec.compile(), num_envs, threads=threads)
        self.task.bind(self.sim)
        self._horizon = self.task.horizon_steps
        channels = (*self.task.robot.channels, *self.task.channels)
        self._sensing = Sensing(channels, self.realism.devices, num_envs, self._horizon)
        self._weights = self.task.reward_weights

        width, actions = len(self.task.observation_names), len(self.task.robot.action_names)
        self.single_observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (width,), np.float32)
        self._pixels: Any = None
        if obs_type != "state":
            from shopfloor.envs.pixels import Pixels  # imports GL

            self._pixels = Pixels(
                self.sim,
                tuple(dict.fromkeys((self.task.camera, self.task.robot.camera))),
                size=image_size,
                delay=round(self.realism.camera.latency / CONTROL_PERIOD),
                state_dim=self.task.state_dim if obs_type == "pixels_agent_pos" else None,
            )
            self.single_observation_space = self._pixels.single_space
        self.single_action_space = gymnasium.spaces.Box(-1.0, 1.0, (actions,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

        self._seed: int | None = None
        self._episode = np.arange(num_envs, dtype=np.int64) - num_envs  # the first reset adds num_envs
        self._site = np.zeros(num_envs, dtype=np.int64)
        self._steps = np.zeros(num_envs, dtype=np.int64)
        self._over = np.ones(num_envs, dtype=bool)
        self._observations = np.zeros((num_envs, width), dtype=np.float32)
        self._renderer: Any = None

    @property
    def over(self) -> NDArray[np.bool_]:
        """Lanes (n,) whose episode has ended and that stand still until they are reset."""
        return self._over.copy()

    @property
    def steps(self) -> NDArray[np.int64]:
        """Control steps (n,) taken in each lane's episode."""
        return self._steps.copy()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observations, Info]:
        """Start new episodes in all lanes, or in those of options["reset_mask"] (n,).

        seed: start the seed's episodes from the first; None goes on with the next ones.
        options["episodes"] (n,): the episode numbers to play instead, one a lane.
        """
        options = options or {}
        unknown = set(options) - {"reset_mask", "episodes"}
        if unknown:
            raise ValueError(f"reset options {sorted(unknown)}, want reset_mask or episodes")
        mask = np.asarray(options.get("reset_mask", np.ones(self.num_envs)), dtype=bool)
        if mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(f"reset mask {mask.astype(int)}, want ({self.num_envs},) with one lane or more")
        if seed is not None:
            if seed < 0:
                raise ValueError(f"seed {seed}, want 0 or more")
            super().reset(seed=seed)
            self._seed = seed
            self._episode = np.arange(self.num_envs, dtype=np.int64) - self.num_envs
        elif self._seed is None:
            self._seed = int(self.np_random.integers(2**31))
        ids = np.flatnonzero(mask)
        if "episodes" in options:
            episodes = np.asarray(options["episodes"], dtype=np.int64)
            if episodes.shape != (self.num_envs,) or (episodes[ids] < 0).any():
                raise ValueError(f"episodes {episodes}, want ({self.num_envs},) numbers of 0 or more")
            self._episode[ids] = episodes[ids]
        else:
            self._episode[ids] += self.num_envs
        self._start(ids)
        return self._seen(), self._info(np.zeros(self.num_envs, dtype=bool))

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[Observations, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Info]:
        """Advance by one control period; lanes whose episode is over follow the autoreset mode."""
        commands = self._checked(actions)
        if self._seed is None:
            raise gymnasium.error.ResetNeeded("step before reset, want reset first")
        fresh = self._over & (self._autoreset == AutoresetMode.NEXT_STEP)
        active = np.flatnonzero(~self._over)
        self.task.robot.command(commands)
        diverged = np.zeros(self.num_envs, dtype=bool)
        if len(active):
            diverged[active] = self.sim.step(active)[active]
            self._repair(np.flatnonzero(diverged))
            self._steps[active] += 1
            self.task.after_step(active)
            self._observe(active)
        alive = ~self._over & ~diverged
        success = self.task.success() & alive
        lost = self.task.lost() & alive
        terms = self.task.reward_terms()
        dense = sum((weight * terms[name] for name, weight in self._weights.items()), np.zeros(self.num_envs))
        rewards = np.where(alive, success.astype(float) if self._sparse else dense, 0.0)
        terminated = success | lost | diverged
        truncated = ~self._over & ~terminated & (self._steps >= self._horizon)
        info = self._info(success, lost=lost, diverged=diverged, terms=terms)
        self._over |= terminated | truncated
        restarts = fresh
        if self._autoreset == AutoresetMode.SAME_STEP and self._over.any():
            restarts = self._over.copy()
            final = np.full(self.num_envs, None, dtype=object)
            for lane, observation in enumerate(iterate(self.observation_space, self._seen())):
                final[lane] = observation if restarts[lane] else None
            info |= {"final_obs": final, "_final_obs": restarts, "final_info": info.copy(), "_final_info": restarts}
        if restarts.any():
            self._next(restarts)
            info |= {"site": self._site.copy(), "episode": self._episode.copy()}
        return self._seen(), rewards, terminated, truncated, info

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """A picture (480, 640, 3) uint8 of each lane, if render_mode is rgb_array."""
        if self.render_mode is None:
            return None
        if self._renderer is None:
            from shopfloor.envs.rendering import Renderer  # imports GL

            self._renderer = Renderer(self.sim, camera=self.task.camera)
        return tuple(self._renderer.picture(lane) for lane in range(self.num_envs))

    def close_extras(self, **_: Any) -> None:
        """Give back what draws."""
        for drawing in (self._renderer, self._pixels):
            if drawing is not None:
                drawing.close()
        self._renderer = None

    def _checked(self, actions: NDArray[Any]) -> Array:
        commands = np.asarray(actions, dtype=np.float64)
        if commands.shape != self.action_space.shape:
            raise ValueError(f"actions of shape {commands.shape}, want {self.action_space.shape}")
        if not np.isfinite(commands).all():
            lane = int(np.flatnonzero(~np.isfinite(commands).all(axis=1))[0])
            raise ValueError(f"action {commands[lane]} in lane {lane}, want finite numbers in [-1, 1]")
        return np.clip(commands, -1.0, 1.0)

    def _next(self, mask: NDArray[np.bool_]) -> None:
        """Start each masked lane's next episode."""
        ids = np.flatnonzero(mask)
        self._episode[ids] += self.num_envs
        self._start(ids)

    def _start(self, ids: Ids) -> None:
        """Start the episodes whose numbers stand in lanes ids."""
        assert self._seed is not None
        choice = self._episode[ids] % len(self._sites)
        sites = [self._sites[i] for i in choice]
        keys = [(self._seed, site.index, int(episode)) for site, episode in zip(sites, self._episode[ids], strict=True)]
        worlds = [stream(Purpose.WORLD, *key) for key in keys]
        draws = {  # every episode draws in the table's order, from its own stream
            name: np.stack([distribution.sample(rng) for rng in worlds])
            for name, distribution in self.task.randomised.items()
        }
        self.sim.reset(ids)
        self.task.place(ids, draws, sites)
        self.sim.forward(ids)
        self._site[ids] = [site.index for site in sites]
        self._steps[ids] = 0
        self._over[ids] = False
        self._sensing.reset(ids, sites, keys, self._truth()[ids])
        self._observe(ids)

    def _repair(self, ids: Ids) -> None:
        """Put diverged simulations back at a finite state, so that nothing downstream meets a NaN."""
        if len(ids):
            self.sim.reset(ids)
            self.sim.forward(ids)

    def _observe(self, ids: Ids) -> None:
        readings = self._sensing.read(ids, self._truth()[ids], self._steps[ids])
        named = {name: readings[:, columns] for name, columns in self._sensing.columns.items()}
        own = self.task.state_dim
        self._observations[ids, :own] = self.task.robot.observe(named)
        self._observations[ids, own:] = self.task.observe(named)
        if self._pixels is not None:
            self._pixels.draw(ids, self._steps[ids])

    def _seen(self) -> Observations:
        """A copy of what all lanes observe."""
        return self._observations.copy() if self._pixels is None else self._pixels.observations(self._observations)

    def _truth(self) -> Array:
        return np.concatenate([self.task.robot.truth(), self.task.truth()], axis=1)

    def _info(
        self,
        success: NDArray[np.bool_],
        *,
        lost: NDArray[np.bool_] | None = None,
        diverged: NDArray[np.bool_] | None = None,
        terms: Mapping[str, Array] | None = None,
    ) -> Info:
        """Gymnasium's vector layout: each key with a mask `_key` of the lanes that have it."""
        nothing = np.zeros(self.num_envs, dtype=bool)
        everywhere = np.ones(self.num_envs, dtype=bool)
        info: Info = {
            "success": success,
            "lost": nothing if lost is None else lost,
            "diverged": nothing if diverged is None else diverged,
            "site": self._site.copy(),
            "episode": self._episode.copy(),
        }
        if terms is not None:
            info["reward_terms"] = {**terms, **{f"_{name}": everywhere for name in terms}}
        return {**info, **{f"_{name}": everywhere for name in info}}


def task_class(name: str) -> type[Task]:
    """The class of one of TASKS by its name, or of any other task by "module:Class". ValueError where there is none."""
    if ":" not in name:
        return cast(type[Task], _named(TASKS, name, "task"))
    try:
        return cast(type[Task], pkgutil.resolve_name(name))
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"task {name!r}, want module:Class that can be imported: {error}") from None


def _named(known: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in known:
        raise ValueError(f"{what} {name!r}, want one of {', '.join(sorted(known))}")
    return known[name]
