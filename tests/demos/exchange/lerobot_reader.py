"""Run by LeRobot's interpreter (0.4.4), where nothing of ours is: reads a dataset, edits it, and says what it read.

lerobot_reader.py FOLDER OTHER OUT: all frames of FOLDER go to OUT/frames.npz, and into OUT come FOLDER less episode 1,
FOLDER in two parts, and FOLDER with OTHER, as LeRobot's own tools write them.
"""

import json
import sys
from pathlib import Path

import numpy as np
from lerobot.datasets.dataset_tools import delete_episodes, merge_datasets, split_dataset
from lerobot.datasets.lerobot_dataset import LeRobotDataset

folder, other, out = map(Path, sys.argv[1:])
out.mkdir(parents=True, exist_ok=True)
dataset = LeRobotDataset("local/one", root=folder)
frames = [dataset[index] for index in range(len(dataset))]
names = [name for name, value in frames[0].items() if hasattr(value, "numpy")]
np.savez(out / "frames.npz", **{name: np.stack([frame[name].numpy() for frame in frames]) for name in names})
(out / "texts.json").write_text(json.dumps([frame["task"] for frame in frames]))
delete_episodes(dataset, [1], output_dir=out / "deleted", repo_id="local/deleted")
split_dataset(dataset, {"first": [0, 1], "rest": list(range(2, dataset.meta.total_episodes))}, output_dir=out / "split")
both = [dataset, LeRobotDataset("local/two", root=other)]
merge_datasets(both, output_repo_id="local/merged", output_dir=out / "merged")
