"""What the wheel holds is what the folders hold."""

import tomllib
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("envs", "demos", "agents", "study", "conf")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_every_folder_with_python_is_a_package_of_the_wheel():
    folders = {path.parent.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    packages = {"shopfloor." + ".".join(folder.parts) for folder in folders}
    assert packages | {"shopfloor"} == set(SETTINGS["packages"])


def test_every_file_that_the_code_reads_is_package_data():
    patterns = SETTINGS["package-data"]["*"]
    folders = [ROOT.joinpath(*package.split(".")[1:]) for package in SETTINGS["packages"] if package != "shopfloor"]
    held = {path for folder in folders for pattern in patterns for path in folder.glob(pattern)}
    read = {path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in (".yaml", ".html")}
    assert read
    assert read <= held


def test_the_rooms_are_linked_under_the_import_name():
    for room in ROOMS:
        assert (ROOT / "shopfloor" / room).readlink() == Path("..") / room


def test_the_rooms_are_found_as_shopfloor():
    import shopfloor
    import shopfloor.envs

    assert SETTINGS["dynamic"]["version"] == {"attr": "shopfloor.__version__"}
    assert version("shopfloor") == shopfloor.__version__
    assert (Path(shopfloor.envs.__file__).resolve()) == ROOT / "envs" / "__init__.py"
