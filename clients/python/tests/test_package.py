"""The package itself: what it exports, what it imports, what it says."""

from __future__ import annotations

import importlib.metadata
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import loaderd

PACKAGE = Path(loaderd.__file__).parent
PROJECT = Path(__file__).resolve().parents[1]


def test_versions_agree() -> None:
    project = (PROJECT / "pyproject.toml").read_text()
    assert re.search(r'^version = "(.+)"$', project, re.M).group(1) == loaderd.__version__  # type: ignore[union-attr]
    assert importlib.metadata.version("loaderd") == loaderd.__version__


def test_every_public_name_is_there_and_documented() -> None:
    assert len(set(loaderd.__all__)) == len(loaderd.__all__)
    for name in loaderd.__all__:
        thing = getattr(loaderd, name)
        if name != "__version__":
            assert inspect.getdoc(thing), name


@pytest.mark.parametrize("thing", [loaderd.mapped, loaderd.MappedCollection.loader], ids=lambda t: t.__name__)
def test_every_parameter_is_documented(thing: object) -> None:
    parameters = [p for p in inspect.signature(thing).parameters if p != "self"]  # type: ignore[arg-type]
    section = inspect.getdoc(thing).split("Parameters\n----------\n")[1].split("\nReturns\n")[0]  # type: ignore[union-attr]
    documented = [n.strip() for line in re.findall(r"^(\w[\w, ]*)$", section, re.M) for n in line.split(",")]
    assert documented == parameters


def test_import_is_light() -> None:
    heavy = ["torch", "pandas", "scipy", "anndata", "pyarrow", "h5py"]
    script = f"import sys, loaderd; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_modules_are_small_and_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()
    for module in PACKAGE.glob("*.py"):
        assert len(module.read_text().splitlines()) <= 420, module.name


def test_lifetimes_of_the_readme_are_those_of_the_package() -> None:
    readme = (PROJECT / "README.md").read_text()
    assert len(re.findall(r"^\d\. ", readme, re.M)) == len(re.findall(r"^\d\. ", loaderd.__doc__ or "", re.M)) == 5
