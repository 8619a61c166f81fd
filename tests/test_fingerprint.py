"""A fingerprint changes with any code that takes part, and with nothing else."""

import importlib
import sys
import textwrap

import pytest

from shopfloor.fingerprint import _module as module_on_disk
from shopfloor.fingerprint import _reached, fingerprint, targets
from shopfloor.fingerprint import _source as source

FILES = {
    "floor/__init__.py": "from floor.tasks import Task\n",
    "floor/tasks.py": '''
        """A task."""
        from __future__ import annotations
        from typing import TYPE_CHECKING
        from floor import parts
        from .numbers import LENGTH
        from shopfloor.envs import Task as Base
        if TYPE_CHECKING:
            from floor.seen_by_checkers import Kind

        class Task(Base):
            """Its docstring."""
            size = 3  # [m]
            """What size is."""
            def length(self):
                return LENGTH * parts.COUNT
        ''',
    "floor/parts.py": "import floor.deep.one\nCOUNT = 2\n",
    "floor/numbers.py": "LENGTH = 1.0\n",
    "floor/deep/__init__.py": "from floor.deep.other import OTHER\n",
    "floor/deep/one.py": "from floor.deep import OTHER\n",
    "floor/deep/other.py": "OTHER = 1\n",
    "floor/seen_by_checkers.py": "Kind = int\n",
    "floor/not_imported.py": "HERE = 1\n",
    "alone.py": "import beside\nimport json\nimport numpy\n",
    "beside.py": "HERE = 1\n",
    "not_beside.py": "HERE = 1\n",
}


def forget():
    """As in a new process, which reads all anew."""
    importlib.invalidate_caches()
    module_on_disk.cache_clear()
    source.cache_clear()


@pytest.fixture
def floor(tmp_path, monkeypatch):
    """A user's package and modules, and a function that writes one of their files anew."""

    def write(path, code):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(textwrap.dedent(code))
        forget()

    for path, code in FILES.items():
        write(path, code)
    monkeypatch.syspath_prepend(tmp_path)
    yield write
    for name in [name for name in sys.modules if name.split(".")[0] in ("floor", "alone", "beside")]:
        del sys.modules[name]
    forget()


@pytest.mark.parametrize("path", ["floor/tasks.py", "floor/parts.py", "floor/numbers.py", "floor/deep/other.py"])
def test_an_edit_of_what_takes_part_changes_it(floor, path):
    before = fingerprint("floor.tasks")
    floor(path, textwrap.dedent(FILES[path]) + "\nMORE = 1\n")
    assert fingerprint("floor.tasks") != before
    floor(path, FILES[path])
    assert fingerprint("floor.tasks") == before


@pytest.mark.parametrize(
    "path", ["floor/__init__.py", "floor/not_imported.py", "floor/seen_by_checkers.py", "alone.py"]
)
def test_an_edit_of_what_does_not_take_part_does_not_change_it(floor, path):
    before = fingerprint("floor.tasks")
    floor(path, textwrap.dedent(FILES[path]) + "\nMORE = 1\n")
    assert fingerprint("floor.tasks") == before


def test_comments_docstrings_and_layout_do_not_count(floor):
    before = fingerprint("floor.tasks")
    code = FILES["floor/tasks.py"].replace("A task.", "Another text.").replace("Its docstring.", "A better one.")
    code = (
        code.replace("# [m]", "# [mm]").replace("What size is.", "How large.").replace("LENGTH * parts", "LENGTH*parts")
    )
    floor("floor/tasks.py", code)
    assert fingerprint("floor.tasks") == before
    floor("floor/tasks.py", code.replace("size = 3", "size = 4"))
    assert fingerprint("floor.tasks") != before


def test_a_module_in_no_package_takes_those_beside_it_along(floor):
    before = fingerprint("alone")
    floor("beside.py", "HERE = 2\n")
    changed = fingerprint("alone")
    assert changed != before
    floor("not_beside.py", "HERE = 2\n")
    assert fingerprint("alone") == changed


def test_what_is_passed_is_not_looked_into(floor):
    before = fingerprint("floor.tasks", past=["floor.parts"])
    floor("floor/parts.py", "COUNT = 3\n")
    assert fingerprint("floor.tasks", past=["floor.parts"]) == before


def test_our_own_rooms_take_part_as_far_as_they_are_imported():
    found = _reached(
        ["shopfloor.demos.collect", "shopfloor.demos.operators.fleet", "shopfloor.envs.tasks.peg_insertion"],
        ["shopfloor.envs.tasks"],
    )
    assert {"shopfloor.envs.vector", "shopfloor.envs.robots.arm", "shopfloor.demos.operators.aim"} <= found
    assert not any(name.startswith(("shopfloor.study", "shopfloor.envs.tasks.kitting")) for name in found)


def test_a_module_without_source_is_one_clear_error():
    for name in ("no_such_module", "numpy._core._multiarray_umath"):
        with pytest.raises(ValueError, match=f"module '{name}' has no source to read, want one"):
            fingerprint(name)


def test_every_target_of_a_config_names_its_module():
    config = {"task": {"_target_": "a.b.C", "name": "d.e.F"}, "devices": [{"_target_": "g.H"}, 1], "seed": 0}
    assert targets(config) == {"a.b", "g"}
