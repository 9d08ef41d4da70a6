"""The peers' environment: what is pinned, and what happens to a peer that can not be installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.environment import BASE, BenchEnvironment, EnvironmentSetupError
from bench.job import Case, Job
from bench.turns import Runner


def test_requirements_pin_everything_for_every_peer() -> None:
    environment = BenchEnvironment(Path("nowhere"))
    assert environment.peers() == ["annbatch", "lamindb", "scdataset", "scdl"]
    for name in [BASE, *environment.peers()]:
        pins = environment._pins(name)
        assert pins
        assert all("==" in pin for pin in pins)


def requirements(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text + "\n")
    return folder


def test_an_environment_without_its_base_says_why(tmp_path: Path) -> None:
    folder = requirements(tmp_path / "pins", base="no-such-folder @ file:///no/such/folder")
    environment = BenchEnvironment(tmp_path / "venv", folder)
    with pytest.raises(EnvironmentSetupError, match="could not be made"):
        environment.ensure(lambda _: None)


class Recorded(BenchEnvironment):
    """Installs nothing; packages of the names given fail."""

    bad: tuple[str, ...] = ()

    def __init__(self, folder: Path, pins: Path) -> None:
        super().__init__(folder, pins)
        self.asked: list[list[str]] = []

    def _create(self, say: object) -> None:
        self.folder.mkdir()

    def _install(self, names: object) -> str | None:
        self.asked.append(list(names))  # type: ignore[call-overload]
        return "no such package" if set(self.bad) & set(self.asked[-1]) else None

    def _wrong(self, name: str) -> str | None:
        return None


def test_all_peers_are_installed_at_once_where_that_works(tmp_path: Path) -> None:
    environment = Recorded(tmp_path / "venv", requirements(tmp_path / "pins", base="a==1", one="b==1", two="c==1"))
    assert environment.failed("one") is not None
    environment.ensure(lambda _: None)
    assert environment.asked == [["one", "two", "base"]]
    assert environment.failed("one") is None
    assert environment.failed(None) is None
    environment.ensure(lambda _: None)
    assert len(environment.asked) == 1, "it is there"


def test_a_peer_that_fails_is_told_and_keeps_nobody_else_away(tmp_path: Path) -> None:
    environment = Recorded(tmp_path / "venv", requirements(tmp_path / "pins", base="a==1", one="b==1", two="c==1"))
    environment.bad = ("two",)
    said: list[str] = []
    environment.ensure(said.append)
    assert environment.asked == [["one", "two", "base"], ["base"], ["one"], ["two"]]
    assert environment.failed("one") is None
    assert environment.failed("two") == "no such package"
    assert said == ["two could not be installed: no such package"]
    environment.bad = ()
    environment.ensure(said.append)
    assert environment.asked[4:] == [["base"], ["two"]], "only what failed is tried again"
    assert environment.failed("two") is None


def test_other_pins_are_another_environment(tmp_path: Path) -> None:
    pins = requirements(tmp_path / "pins", base="a==1", one="b==1")
    environment = Recorded(tmp_path / "venv", pins)
    environment.ensure(lambda _: None)
    (pins / "one.txt").write_text("b==2\n")
    assert "has other pins" in str(environment.failed("one"))


def test_a_stamp_that_is_damaged_is_none(tmp_path: Path) -> None:
    environment = BenchEnvironment(tmp_path)
    (tmp_path / "stamp.json").write_text(json.dumps({"key": environment._key(), "failed": {}})[:-4])
    assert environment.failed(None) is not None


def test_a_peer_that_is_not_installed_is_a_result_that_says_so(tmp_path: Path) -> None:
    runner = Runner(BenchEnvironment(tmp_path), tmp_path / "loaderd")
    result = runner.run(Job(Case("theirs", "annbatch_loader"), (), "", 1, "dense", 1, 0, 0))
    assert "environment is not there" in str(result.error)
