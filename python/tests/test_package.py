"""The package itself: names, types, examples, and what an import costs."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import forescale
from forescale import _native

PACKAGE = Path(forescale.__file__).parent
MODULES = ["forescale"] + [f"forescale.{module.name}" for module in pkgutil.iter_modules([PACKAGE])]


def test_every_public_name_is_there_and_documented() -> None:
    for name in forescale.__all__:
        thing = getattr(forescale, name)
        assert isinstance(thing, str) or inspect.getdoc(thing), name
    assert forescale.__all__ == sorted(forescale.__all__)


def names(members: dict[str, object]) -> set[str]:
    return {name for name in members if not name.startswith("_")}


def test_the_stub_has_the_names_of_the_compiled_part() -> None:
    stub = ast.parse((PACKAGE / "_native.pyi").read_text(encoding="utf-8"))
    classes = {node.name: node for node in stub.body if isinstance(node, ast.ClassDef)}
    functions = {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    assert names(vars(_native)) == classes.keys() | functions
    for name, node in classes.items():
        methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
        compiled = vars(getattr(_native, name))
        assert names(dict(methods)) == names(compiled), name
        for method, written in methods.items():
            actual = compiled[method]
            is_property = any(
                isinstance(each, ast.Name) and each.id == "property"
                for each in written.decorator_list
            )
            assert is_property == inspect.isgetsetdescriptor(actual), f"{name}.{method}"
            if method.startswith("_") or is_property:
                continue
            wanted = [argument.arg for argument in written.args.args if argument.arg != "self"]
            known = [each for each in inspect.signature(actual).parameters if each != "self"]
            assert known == wanted, f"{name}.{method}"


def test_the_build_names_its_kinds() -> None:
    kinds = _native.kinds()
    assert {"policies", "guards", "capacity"} <= kinds.keys()
    assert all(kinds.values())
    assert "target" in kinds["policies"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert outcome.failed == 0


def test_the_readme_holds() -> None:
    readme = Path(__file__).parents[1] / "README.md"
    outcome = doctest.testfile(str(readme), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert outcome.attempted > 0 and outcome.failed == 0


def fresh(code: str) -> str:
    """What a new interpreter prints, which has not imported anything yet."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_importing_needs_no_other_package() -> None:
    code = """if True:
        import sys
        before = set(sys.modules)
        import forescale
        known = sys.stdlib_module_names | {"forescale"}
        print(*{name.partition(".")[0] for name in set(sys.modules) - before} - known)
    """
    assert not fresh(code).split()


def test_importing_is_quick() -> None:
    code = """if True:
        import time
        before = time.process_time()
        import forescale
        print(time.process_time() - before)
    """
    # Processor time, and the best of some, as other processes may have the machine meanwhile.
    assert min(float(fresh(code)) for _ in range(10)) < 0.1
