"""Where a dataset's parts lie in LeRobot's v3.0 layout, and the error of a folder that is not like that."""

VERSION = "v3.0"
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
EPISODES_PATH = "meta/episodes/chunk-000/file-000.parquet"
TASKS_PATH = "meta/tasks.parquet"
INFO_PATH, STATS_PATH, SEAL_PATH = "meta/info.json", "meta/stats.json", "meta/shopfloor.json"
STATE, ENVIRONMENT = "observation.state", "observation.environment_state"


class DatasetError(ValueError):
    """A dataset's folder that is not as it was written, or holds what no Dataset can hold."""
