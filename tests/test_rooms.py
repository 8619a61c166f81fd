"""Data flows one way through the house, in its rooms' own rooms too, and randomness comes from streams alone."""

import ast
import functools
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BELOW = {"progress", "files", "fingerprint"}  # modules of the import package itself, for every room
MAY_IMPORT = {  # the longest name that a module's begins with is its room; what it may import begins with one of these
    "envs": {"envs"},
    "demos": {"envs", "demos"},
    "agents": {"demos.dataset", "agents"},
    "study": {"envs", "demos", "agents", "study"},
    "study.running": {"envs", "demos", "agents", "study.running"},
    "study.analysis": {"study.running.rows", "study.analysis"},
    "study.showing": {
        "envs",
        "demos.dataset",
        "demos.fidelity",
        "demos.inspection",
        "study.running",
        "study.analysis",
        "study.showing",
    },
    "conf": {"conf"},
    "__main__": {"study.command_line"},
    "testing": {"demos.dataset", "agents"},
    **dict.fromkeys(BELOW, BELOW),
}
ROOMS = [room for room in MAY_IMPORT if (ROOT / room).is_dir()]
FILES = sorted([*(ROOT / "shopfloor").glob("*.py"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))])
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
STREAMS = {"Generator", "SeedSequence", "default_rng"}
RESTORED = {"get_state", "set_state"}  # around stable-baselines3, which seeds the global state


def module_of(path):
    """The dotted name below shopfloor; that of shopfloor itself is empty."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part not in ("shopfloor", "__init__"))


MODULES = {module_of(path): path for path in FILES}


@functools.cache
def tree_of(path):
    return ast.parse(path.read_text())


def imported(tree):
    """Every name that is imported anywhere in the code: in functions and for type checkers too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import, want an absolute one"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@functools.cache
def own_imports(path):
    """Our own modules that a file imports; a package counts where one of its own names is asked of it."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            asked = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name.removeprefix("shopfloor.") in MODULES else node.module for name in asked}
    return {name.removeprefix("shopfloor").lstrip(".") for name in names if name.split(".")[0] == "shopfloor"}


def begins_with(module, room):
    return module == room or module.startswith(f"{room}.")


def strays(module, imports):
    """Those of a module's imports that go against the flow."""
    room = max((room for room in MAY_IMPORT if begins_with(module, room)), key=len, default=None)
    allowed = BELOW | MAY_IMPORT[room] if room else set()
    return {name for name in imports if not any(begins_with(name, other) for other in allowed)}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_with_the_flow(module):
    assert not strays(module, own_imports(MODULES[module]))


def test_an_import_against_the_flow_is_found():
    assert strays("study.running.cell", {"envs", "study.analysis.statistics", "study.commands"}) == {
        "study.analysis.statistics",
        "study.commands",
    }
    assert strays("agents.bc", {"demos.dataset", "progress", "demos.store", "envs"}) == {"demos.store", "envs"}
    assert strays("files", {"agents.bc"}) == {"agents.bc"}
    assert "study.running.from_config" in own_imports(ROOT / "study" / "commands.py")


def test_no_module_imports_itself_through_others():
    TopologicalSorter({module: own_imports(path) for module, path in MODULES.items()}).prepare()


def test_a_room_of_the_study_imports_none_that_imports_it():
    """As a whole, that is: two rooms may be a circle though no two of their modules are."""
    rooms = ("study.running", "study.analysis", "study.showing")
    graph = {room: set() for room in rooms}
    for module, path in MODULES.items():
        for room in rooms:
            if begins_with(module, room):
                names = own_imports(path)
                graph[room] |= {other for other in rooms if other != room and any(begins_with(n, other) for n in names)}
    assert list(TopologicalSorter(graph).static_order()) == list(rooms)


@pytest.mark.parametrize("path", FILES + SCRIPTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nobody_imports_scripts(path):
    own = {script.stem for script in SCRIPTS} | {"scripts"}
    assert not own & {name.split(".")[0] for name in imported(tree_of(path))}


@pytest.mark.parametrize("path", FILES + SCRIPTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_global_random_state_and_no_bare_except(path):
    tree = tree_of(path)
    assert not any(name.startswith("numpy.random") for name in imported(tree)), "want np.random.Generator by that name"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("np.random", "numpy.random"):
            assert node.attr in STREAMS | RESTORED, f"line {node.lineno}: np.random.{node.attr}"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}: bare except"
