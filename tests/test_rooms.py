"""Data flows one way through the house, and randomness comes from streams alone."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "envs": {"envs"},
    "demos": {"envs", "demos"},
    "agents": {"demos", "agents"},
    "study": {"envs", "demos", "agents", "study"},
}
FILES = [path for room in MAY_IMPORT for path in sorted((ROOT / room).rglob("*.py"))]
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
STREAMS = {"Generator", "SeedSequence", "default_rng"}
RESTORED = {"get_state", "set_state"}  # around stable-baselines3, which seeds the global state


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_room_imports_only_those_before_it(path):
    room = path.relative_to(ROOT).parts[0]
    names = [name.split(".") for name in imported(ast.parse(path.read_text()))]
    rooms = {parts[1] for parts in names if parts[0] == "shopfloor" and len(parts) > 1}
    assert rooms <= MAY_IMPORT[room]


@pytest.mark.parametrize("path", FILES + SCRIPTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nobody_imports_scripts(path):
    own = {script.stem for script in SCRIPTS} | {"scripts"}
    assert not own & {name.split(".")[0] for name in imported(ast.parse(path.read_text()))}


@pytest.mark.parametrize("path", FILES + SCRIPTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_global_random_state_and_no_bare_except(path):
    tree = ast.parse(path.read_text())
    assert not any(name.startswith("numpy.random") for name in imported(tree)), "want np.random.Generator by that name"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("np.random", "numpy.random"):
            assert node.attr in STREAMS | RESTORED, f"line {node.lineno}: np.random.{node.attr}"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}: bare except"


def test_agents_import_of_demos_only_the_dataset_and_the_bar():
    for path in (ROOT / "agents").glob("*.py"):
        for name in imported(ast.parse(path.read_text())):
            if name.startswith("shopfloor.demos."):
                assert name.split(".")[2] in ("dataset", "progress"), f"{path.name} imports {name}"
