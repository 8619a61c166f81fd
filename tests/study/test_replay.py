"""Pictures show the evaluation's own episodes, those that were asked for, whole or not at all."""

import logging
import weakref

import numpy as np
import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf
from PIL import Image

from shopfloor.agents.expert import ExpertAgent
from shopfloor.agents.random import RandomAgent
from shopfloor.demos.pool import without_demonstrations
from shopfloor.envs import DEFAULT, TASKS, ShopfloorVectorEnv, held_out_sites
from shopfloor.envs.rendering import Renderer
from shopfloor.envs.simulation import CONTROL_RATE
from shopfloor.study.replay import again, play, replay
from shopfloor.study.running.evaluation import Evaluation, evaluate, player

pytestmark = pytest.mark.usefixtures("graphics")

EVALUATION = Evaluation(8, 4, 0)
SMALL = [f"evaluation.{name}={getattr(EVALUATION, name)}" for name in ("episodes", "sites", "seed")]
TINY = [*SMALL, "width=64", "height=48"]
LITTLE_TIME = 6.0  # [s]


def replayed(out, *overrides):
    with initialize_config_module("shopfloor.conf", version_base="1.3"):
        config = compose("replay", overrides=[*overrides, f"out={out}"])
    return replay(OmegaConf.to_container(config, resolve=True), base=out.parent)


def new_env(lanes, task="PegInsertion", **arguments):
    return ShopfloorVectorEnv(
        task, lanes, sites=held_out_sites(EVALUATION.sites), autoreset_mode="Disabled", **arguments
    )


def new_agent(kind, task="PegInsertion"):
    agent = kind()
    agent.fit(without_demonstrations(TASKS[task]()), None, np.random.default_rng(5))
    return agent


def outcome(agent, task="PegInsertion"):
    return evaluate(player(agent), TASKS[task], DEFAULT, EVALUATION)


@pytest.fixture
def short(monkeypatch):
    """Random actions fail in all episodes."""
    monkeypatch.setattr(TASKS["PegInsertion"], "horizon", 0.5)  # [s]: ten frames after the first
    return ["agent=random", *TINY]


@pytest.fixture(scope="module")
def expected():
    """The evaluation of the expert where it has little time: it succeeds in some episodes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TASKS["PegInsertion"], "horizon", LITTLE_TIME)
        record = outcome(ExpertAgent())
    assert 1 < sum(record["success"]) < len(record["success"]) - 1
    return record


@pytest.fixture
def mixed(monkeypatch):
    monkeypatch.setattr(TASKS["PegInsertion"], "horizon", LITTLE_TIME)
    return ["agent=expert", *TINY]


def names(expected, *, success):
    return [f"a_{number:03d}.png" for number in np.flatnonzero(np.array(expected["success"]) == success)]


@pytest.mark.parametrize("word", ["failed", "successful"])
def test_a_word_draws_the_first_episodes_that_ended_so_in_the_evaluation(mixed, expected, word, tmp_path):
    paths = replayed(tmp_path / "a.png", *mixed, f"episodes={word}", "count=2")
    assert [path.name for path in paths] == names(expected, success=word == "successful")[:2]
    assert sorted(tmp_path.iterdir()) == paths


def test_more_than_there_are_is_all_of_them(mixed, expected, tmp_path):
    paths = replayed(tmp_path / "a.png", *mixed, "episodes=successful", "count=100")
    assert [path.name for path in paths] == names(expected, success=True)


def test_all_draws_the_first_whatever_became_of_them(mixed, tmp_path):
    paths = replayed(tmp_path / "a.png", *mixed, "episodes=all", "count=3")
    assert [path.name for path in paths] == ["a_000.png", "a_001.png", "a_002.png"]


def test_a_list_draws_each_of_its_numbers_and_one_number_keeps_the_name(short, tmp_path):
    assert replayed(tmp_path / "a.png", *short, "episodes=[5,2]") == [tmp_path / "a_005.png", tmp_path / "a_002.png"]
    assert replayed(tmp_path / "a.png", *short, "episodes=5") == [tmp_path / "a.png"]
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "a_005.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "a_002.png").read_bytes()


def test_where_no_episode_ended_so_nothing_is_written(short, tmp_path):
    with pytest.raises(ValueError, match="episodes successful: none of the 8, want another of failed"):
        replayed(tmp_path / "a.png", *short, "episodes=successful")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("episodes", [[6, 1], range(8)])
def test_episodes_go_as_in_the_evaluation_whichever_are_played(mixed, expected, episodes):
    env = new_env(len(episodes))
    played = play(env, ExpertAgent().attach(env), episodes, seed=EVALUATION.seed)
    assert played.lengths.tolist() == [expected["lengths"][number] for number in episodes]
    succeeded = played.episodes[played.lanes("successful")]
    assert succeeded.tolist() == [number for number in episodes if expected["success"][number]]


@pytest.mark.parametrize("number", [0, 1])
def test_what_is_drawn_of_the_expert_ends_as_in_the_evaluation(mixed, expected, number):
    ends_as_evaluated(number, ExpertAgent(), "PegInsertion", expected)


def test_what_is_drawn_of_another_agent_ends_as_in_the_evaluation():
    agent = new_agent(RandomAgent, "ConveyorSorting")
    ends_as_evaluated(4, agent, "ConveyorSorting", outcome(agent, "ConveyorSorting"))


def ends_as_evaluated(number, agent, task, expected):
    env, stage = new_env(2, task), new_env(1, task)
    played = play(env, player(agent)(env), [6, number], seed=EVALUATION.seed)
    length = expected["lengths"][number]
    for step in again(stage, number, played.actions[:, 1], seed=EVALUATION.seed):
        assert stage.over[0] == (step >= length)
    assert stage.steps[0] == length
    assert stage.task.success()[0] == expected["success"][number]


def test_a_saved_agents_picture_is_of_the_end_that_the_evaluation_came_to(short, tmp_path):
    agent = new_agent(RandomAgent)
    agent.save(tmp_path / "agent")
    env = new_env(8, render_mode="rgb_array")
    observations, _ = env.reset(seed=EVALUATION.seed)
    agent.reset(np.ones(8, dtype=bool))
    while not env.over.all():
        observations, *_ = env.step(agent.act(observations))
    chosen = ["agent=saved", f"agent.folder={tmp_path / 'agent'}", "episodes=3", *SMALL]
    (path,) = replayed(tmp_path / "a.png", *chosen)
    np.testing.assert_array_equal(np.asarray(Image.open(path))[480:, 1280:], env.render()[3])


def test_each_episode_is_told_how_it_went(mixed, expected, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    replayed(tmp_path / "a.png", *mixed, "episodes=[0,1]")
    for number, line in enumerate(caplog.messages):
        went = "succeeded" if expected["success"][number] else "failed"
        seconds = expected["lengths"][number] / CONTROL_RATE
        ended = f"ended_by: {expected['ended_by'][number]}, stage: {expected['stages'][number]}"
        assert line == f"episode {number}: {went} after {seconds:.1f} s ({ended})"
    assert len(caplog.messages) == 2


def test_a_strip_is_six_moments_from_the_start_to_the_end_and_no_more_is_drawn(short, tmp_path, monkeypatch):
    drawn = []
    picture = Renderer.picture
    monkeypatch.setattr(Renderer, "picture", lambda *arguments: drawn.append(picture(*arguments)) or drawn[-1])
    (path,) = replayed(tmp_path / "a.png", *short)
    strip = np.asarray(Image.open(path))
    assert strip.shape == (2 * 48, 3 * 64, 3)
    np.testing.assert_array_equal(strip[:48, :64], drawn[0])
    np.testing.assert_array_equal(strip[48:, 128:], drawn[5])
    assert not np.array_equal(drawn[0], drawn[5])
    assert len(drawn) == 6


def test_an_episode_shorter_than_a_strip_fills_it(short, tmp_path, monkeypatch):
    monkeypatch.setattr(TASKS["PegInsertion"], "horizon", 0.1)  # [s]: two frames after the first
    (path,) = replayed(tmp_path / "a.png", *short)
    assert Image.open(path).size == (3 * 64, 2 * 48)


def test_a_film_has_every_frame_at_the_control_rate(short, tmp_path):
    imageio = pytest.importorskip("imageio.v3", reason="extra: video")
    (path,) = replayed(tmp_path / "a.mp4", *short)
    film = imageio.imread(path)
    assert film.shape == (11, 48, 64, 3)
    assert imageio.immeta(path)["fps"] == CONTROL_RATE
    assert film[0].std() > 10
    assert not np.array_equal(film[0], film[-1])


def test_a_film_keeps_no_picture(short, tmp_path, monkeypatch):
    pytest.importorskip("imageio", reason="extra: video")
    drawn, alive = [], []
    picture = Renderer.picture

    def watched(*arguments):
        alive.append(sum(reference() is not None for reference in drawn))
        shown = picture(*arguments)
        drawn.append(weakref.ref(shown))
        return shown

    monkeypatch.setattr(Renderer, "picture", watched)
    replayed(tmp_path / "a.mp4", *short)
    assert len(alive) == 11
    assert max(alive) <= 1


@pytest.mark.parametrize("name", ["a.png", "a.mp4"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_stop_midway_leaves_the_file_of_before_and_nothing_else(short, name, error, tmp_path, monkeypatch):
    if name.endswith(".mp4"):
        pytest.importorskip("imageio", reason="extra: video")
    (tmp_path / name).write_text("before")
    left = [None, None, None]
    picture = Renderer.picture

    def stopped(*arguments):
        if not left:
            raise error
        left.pop()
        return picture(*arguments)

    monkeypatch.setattr(Renderer, "picture", stopped)
    with pytest.raises(error):
        replayed(tmp_path / name, *short)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "before")]


def test_another_camera_shows_something_else(short, tmp_path):
    front, wrist = (replayed(tmp_path / f"{name}.png", *short, f"camera={name}")[0] for name in ("front", "wrist"))
    assert front.read_bytes() != wrist.read_bytes()
    assert replayed(tmp_path / "own.png", *short)[0].read_bytes() == front.read_bytes()


def test_another_seed_shows_another_start(short, tmp_path):
    seeds = [replayed(tmp_path / f"{seed}.png", *short, f"evaluation.seed={seed}")[0].read_bytes() for seed in (0, 1)]
    assert seeds[0] != seeds[1]


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["episodes=banana"], "episodes 'banana', want a whole number of 0 or more, a list"),
        (["episodes=-1"], "episodes -1, want a whole number of 0 or more"),
        (["episodes=[]"], r"episodes \[\], want"),
        (["episodes=[3,3]"], r"episodes \[3, 3\], want .* different"),
        (["episodes=[3,all]"], r"episodes \[3, 'all'\], want"),
        (["episodes=null"], "episodes None, want"),
        (["episodes=failed", "count=0"], "count 0, want more than 0"),
        (["camera=nowhere"], "camera 'nowhere', want one of front, wrist"),
        (["height=0"], "height 0, want more than 0"),
    ],
)
def test_bad_input_is_told_with_what_is_wanted(overrides, told, tmp_path):
    with pytest.raises(ValueError, match=told):
        replayed(tmp_path / "a.png", "agent=random", *overrides)
    assert not list(tmp_path.iterdir())


def test_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a\.gif, want a \.png or \.mp4"):
        replayed(tmp_path / "a.gif")


def test_a_film_has_even_sides(tmp_path):
    with pytest.raises(ValueError, match="width 63, height 48, want even numbers"):
        replayed(tmp_path / "a.mp4", "width=63", "height=48")


def test_a_film_without_its_extra_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("shopfloor.study.replay.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"want imageio\[ffmpeg\] installed, or a .png"):
        replayed(tmp_path / "a.mp4")


def test_a_folder_that_cannot_be_written_is_told_before_the_agent_plays(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("shopfloor.study.replay.play", lambda *arguments, **more: pytest.fail("it has played"))
    with pytest.raises(OSError, match=r"file/a\.png, want a folder that can be written"):
        replayed(tmp_path / "file" / "a.png", *TINY)
