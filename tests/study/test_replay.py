"""Pictures of an episode open, and show what they say."""

import numpy as np
import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf
from PIL import Image

from shopfloor.envs import TASKS
from shopfloor.study.replay import replay

pytestmark = pytest.mark.usefixtures("graphics")


def replayed(out):
    with initialize_config_module("shopfloor.conf", version_base="1.3"):
        config = compose("replay", overrides=["agent=random", f"out={out}"])
    return replay(OmegaConf.to_container(config, resolve=True), base=out.parent)


@pytest.fixture
def _short(monkeypatch):
    monkeypatch.setattr(TASKS["PegInsertion"], "horizon", 0.5)  # [s]: ten frames after the first


@pytest.mark.usefixtures("_short")
def test_a_replay_is_a_strip_of_six_moments(tmp_path):
    strip = np.asarray(Image.open(replayed(tmp_path / "strip.png")).convert("RGB"))
    assert strip.shape == (2 * 480, 3 * 640, 3)
    assert not np.array_equal(strip[:480, :640], strip[480:, 1280:])


@pytest.mark.usefixtures("_short")
def test_a_replay_is_a_film_with_every_frame(tmp_path):
    imageio = pytest.importorskip("imageio.v3", reason="extra: video")
    film = imageio.imread(replayed(tmp_path / "film.mp4"))
    assert film.shape == (11, 480, 640, 3)
    assert imageio.immeta(tmp_path / "film.mp4")["fps"] == 20
    assert film[0].std() > 10
    assert not np.array_equal(film[0], film[-1])


def test_a_replay_of_another_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"want a .png or .mp4"):
        replayed(tmp_path / "film.avi")
