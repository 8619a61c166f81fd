"""The code that decides what comes out, as a short text: an edit of code changes it, an edit of comments does not."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

OURS = "shopfloor"
BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")  # where statements stand in others
_SITE = {"site-packages", "dist-packages"}


def fingerprint(*modules: str, past: Collection[str] = ()) -> str:
    """16 hex digits over the code of modules and of all that they import, at any depth, of ours and of their own.

    Their own is what lies in their package or, for a module that is in none, beside it. Comments, docstrings,
    formatting and imports for type checkers alone do not count. past: modules that are not looked into, because
    what they lead to is named by itself. ValueError where there is no source to read.
    """
    digest = hashlib.sha256()
    for name in sorted(_reached(modules, past)):
        digest.update(f"{name} {_module(name).digest} ".encode())
    return digest.hexdigest()[:16]


def read_imported() -> None:
    """Read the source of all of our modules that this process has imported, so that it is as they were imported."""
    for name in [name for name in sys.modules if name.split(".")[0] == OURS and _source(name)]:
        _ = _module(name).imported


def _reached(modules: Collection[str], past: Collection[str]) -> set[str]:
    """The modules and all that they import."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found and name not in past:
            found.add(name)
            waiting += [other for other in _module(name).imported if _is_followed(other, name)]
    return found


def _is_followed(module: str, importer: str) -> bool:
    """Whether a module is ours, or of its importer's package or folder."""
    top = module.split(".")[0]
    if top in (OURS, importer.split(".")[0]):
        return True
    if top in sys.stdlib_module_names or "." in importer:
        return False
    path = _source(module)
    return path is not None and not _SITE & set(path.parts) and path.parent == _module(importer).path.parent


class _Module:
    """What a module says: a digest of its code, and what it imports."""

    def __init__(self, name: str) -> None:
        path = _source(name)
        if path is None:
            raise ValueError(f"module {name!r} has no source to read, want one: its code is part of a result's name")
        self.path = path
        tree = ast.parse(path.read_bytes())
        is_package = path.name == "__init__.py"
        self.digest = hashlib.sha256(_skeleton(tree).encode()).hexdigest()
        self._asked = set(_asked(tree, name if is_package else name.rpartition(".")[0]))
        from_others = self._asked if is_package else ()
        self.passed_on = {names[0].rpartition(".")[2]: names for names in from_others if len(names) > 1}

    @functools.cached_property
    def imported(self) -> set[str]:
        """The modules that it may import."""
        return {module for names in self._asked if (module := _meant(*names))}


@functools.cache
def _module(name: str) -> _Module:
    """A module as it is on disk when it is first asked for: a process goes on with the code that it has imported."""
    return _Module(name)


@functools.cache
def _source(name: str) -> Path | None:
    """The file of a module, or None where there is no such module of Python."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):
        return None
    path = Path(spec.origin) if spec and spec.origin else None
    return path if path and path.suffix == ".py" and path.exists() else None


def _skeleton(tree: ast.Module) -> str:
    """A syntax tree as text, without what no result depends on: docstrings, places, empty fields."""
    parts: list[str] = []
    _write(tree, parts)
    return " ".join(parts)


def _write(node: Any, parts: list[str]) -> None:
    if isinstance(node, ast.AST):
        parts.append(f"{type(node).__name__}(")
        for name in node._fields:
            value = getattr(node, name, None)
            if value is not None and value != [] and name != "ctx":  # whether it is read or set shows where it stands
                parts.append(name)
                _write(value, parts)
        parts.append(")")
    elif isinstance(node, list):
        parts.append("[")
        for part in node:
            if not _is_text_alone(part):
                _write(part, parts)
        parts.append("]")
    else:
        parts.append(repr(node))


def _is_text_alone(node: Any) -> bool:
    """Whether a statement is a string and no more: a docstring, of whatever it stands in or below."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _asked(tree: ast.Module, package: str) -> Iterator[tuple[str, ...]]:
    """Each import's name, and what it is asked of: (a.b,) of `import a.b`, (a.b.c, a.b) of `from a.b import c`."""
    for node in _running(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name,) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from ((f"{base}.{alias.name}", base) for alias in node.names)


def _running(tree: ast.Module) -> Iterator[ast.stmt]:
    """All statements, at any depth, but those that only type checkers see."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
        unseen = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for name in ("orelse",) if unseen else BLOCKS:
            waiting += getattr(node, name, ())


def _meant(name: str, package: str = "") -> str | None:
    """The module that an import means: a module of that name, or else where the package has the name from."""
    if _source(name):
        return name
    if not _source(package):
        return None
    passed_on = _module(package).passed_on.get(name.rpartition(".")[2])
    return _meant(*passed_on) if passed_on and passed_on[1] != package else package


def targets(config: Any) -> set[str]:
    """The modules of every class that a resolved config names by `_target_`."""
    if isinstance(config, Mapping):
        own = {config["_target_"].rpartition(".")[0]} if isinstance(config.get("_target_"), str) else set()
        return own.union(*map(targets, config.values()))
    if isinstance(config, (list, tuple)):
        return set().union(*map(targets, config))
    return set()
