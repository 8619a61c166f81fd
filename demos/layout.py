"""Where a dataset's parts lie in LeRobot's v3.0 layout, and the error of a folder that is not like that."""

VERSION = "v3.0"
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
EPISODES_PATH = "meta/episodes/chunk-000/file-000.parquet"
TASKS_PATH = "meta/tasks.parquet"
TRUTH_PATH = "meta/truth.parquet"  # what learners may not see: read only where it is asked for
INFO_PATH, STATS_PATH, SEAL_PATH = "meta/info.json", "meta/stats.json", "meta/shopfloor.json"
STATE, ENVIRONMENT, ACTION = "observation.state", "observation.environment_state", "action"
REWARD, SUCCESS, DONE = "next.reward", "next.success", "next.done"
TERMINATED, TRUNCATED = "next.terminated", "next.truncated"  # Gymnasium's words, where LeRobot has only next.done
# LeRobot takes whatever begins with "observation" for a policy's input, and wants timestamp to be index / fps
SOURCE, MEASURED = "source", "measured_time"
TASK_INDEX = "task_index"  # a text's number; that of the dataset's own task is 0
TEXTS = ("__index_level_0__", "task")  # the column of texts in tasks.parquet: pandas' index, without a name or with it
LAST = "last_observation"  # of an episode's row
PER_EPISODE = {  # a Dataset's field -> its column in the episodes' table
    "sites": "site",
    "operators": "operator",
    "sessions": "session",
    "rounds": "round",
    "policies": "policy",
    "ended_by": "ended_by",
}


class DatasetError(ValueError):
    """A dataset's folder that is not as it was written, or holds what no Dataset can hold."""


class RecipeError(DatasetError):
    """A dataset that is sound, and made by another recipe than the one that was asked for."""
