"""Runs: what made what, of what."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import loaderd as ln
from loaderd._wire import Channel, ConnectionLost


def script(path: Path, code: str) -> str:
    """Write a script and run it; give what it prints."""
    path.write_text(textwrap.dedent(code))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)], capture_output=True, text=True, timeout=60, cwd=path.parent
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_script_is_a_transform_with_a_version_for_each_source(registry: Path) -> None:
    code = """
        import loaderd as ln
        ln.track(params={"rate": 1})
        ln.Artifact("a.h5ad", key="a.h5ad").save()
        ln.finish()
    """
    script(registry / "make.py", code)
    script(registry / "make.py", code)
    script(registry / "make.py", code + "        # other")
    one, other = ln.Transform.filter(key="make.py").order_by("version")
    assert (one.version, other.version, one.stem_uid == other.stem_uid) == ("1", "2", True)
    assert (one.type, "ln.track" in one.source_code) == ("script", True)
    first, second = one.runs.order_by("id")
    assert (first.status, first.params) == ("finished", {"rate": 1})
    assert first.started_at < first.finished_at <= second.started_at
    artifact = ln.Artifact.get(key="a.h5ad")
    assert (artifact.run, artifact.transform) == (first, one)
    assert list(artifact.previous_runs.order_by("id")) == [second, other.runs.one()]
    assert first.output_artifacts.one() == artifact


def test_a_run_goes_on_until_it_is_finished(registry: Path) -> None:
    run = ln.track(key="first")
    assert ln.context.run is run
    assert ln.track(key="first") is run
    other = ln.track(key="first", new_run=True)
    assert other != run
    assert other.transform == run.transform
    third = ln.track(key="second", name="Second")
    assert third.transform.name == "Second"
    assert ln.Run.get(other.uid).status == "finished"
    assert ln.finish() == third
    assert ln.context.run is None
    with pytest.raises(ln.InvalidArgument, match="no run"):
        ln.finish()
    assert ln.track(third.transform.uid).transform == third.transform


def test_a_notebook_is_known_by_its_code(registry: Path) -> None:
    def write(output: str, source: str = "1 + 1") -> None:
        cell: dict[str, Any] = {"cell_type": "code", "source": [source], "outputs": [output]}
        Path("n.ipynb").write_text(json.dumps({"cells": [cell, {"cell_type": "markdown", "source": []}]}))

    write("2")
    first = ln.track(path="n.ipynb").transform
    assert (first.key, first.type, first.source_code) == ("n.ipynb", "notebook", "1 + 1")
    ln.finish()
    write("3")
    assert ln.track(path="n.ipynb").transform == first
    ln.finish()
    write("3", "1 + 2")
    assert ln.track(path="n.ipynb").transform.version == "2"


def test_what_is_read_is_an_input_of_the_run(registry: Path) -> None:
    artifacts = [ln.Artifact(name, key=name).save() for name in ("a.h5ad", "b.h5ad")]
    collection = ln.Collection(artifacts, name="cells").save()
    ordered = ln.Artifact.filter().order_by("key")
    uses: list[tuple[str, Any, list[Any]]] = [
        ("mapped", lambda **kw: collection.mapped(**kw).close(), [collection]),
        ("load", lambda **kw: collection.load(**kw), [collection]),
        ("cache", lambda **kw: collection.cache(**kw), [collection]),
        ("stage", lambda **kw: collection.stage(**kw), [collection]),
        ("a set, mapped", lambda **kw: ordered.mapped(**kw).close(), artifacts),
        ("a set, loaded", lambda **kw: ordered.load(**kw), artifacts),
        ("loaderd.mapped", lambda **kw: ln.mapped(collection, **kw).close(), [collection]),
        ("an artifact", lambda **kw: artifacts[0].cache(**kw), artifacts[:1]),
    ]
    elsewhere = ln.track(key="elsewhere")
    ln.finish()
    for name, use, inputs in uses:
        run = ln.track(key=name)
        use(is_run_input=False)
        assert list(run.input_artifacts) == list(run.input_collections) == [], name
        use()
        use(is_run_input=True)
        assert [*run.input_artifacts.order_by("id"), *run.input_collections] == inputs, name
        assert run in inputs[0].input_of
        ln.finish()
        use()
        with pytest.warns(ln.LoaderdWarning, match="track"):
            use(is_run_input=True)
        use(is_run_input=elsewhere)
    assert set(elsewhere.input_artifacts) == set(artifacts)
    with pytest.raises(ln.InvalidArgument, match="is_run_input='yes'"):
        collection.cache(is_run_input="yes")


def test_what_is_got_is_an_input_where_that_is_said(registry: Path) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    collection = ln.Collection([artifact], name="cells").save()
    run = ln.track(key="gets")
    for quiet in ({}, {"is_run_input": False}):
        assert ln.Artifact.get(artifact.uid, **quiet) == artifact
        assert ln.Collection.get(name="cells", **quiet) == collection
    assert list(run.input_artifacts) == list(run.input_collections) == []
    ln.Artifact.get(artifact.uid, is_run_input=True)
    ln.Collection.get(name="cells", is_run_input=run)
    assert (run.input_artifacts.one(), run.input_collections.one()) == (artifact, collection)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"transform": 7}, "transform=7"),
    ({"path": 7}, "path=7"),
    ({"key": ""}, "key=''"),
    ({"key": 7}, "key=7"),
    ({"key": "k", "new_run": "yes"}, "new_run='yes'"),
    ({"key": "k", "params": [1]}, r"params=\[1\]"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_a_run_is_not_made_of(registry: Path, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ln.InvalidArgument, match=said):
        ln.track(**arguments)
    assert ln.context.run is None
    assert not ln.Run.filter().exists()


def test_a_source_that_is_not_there(registry: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.py: there is no such file"):
        ln.track(path="none.py")


def test_parameters_keep_their_types(registry: Path) -> None:
    params = {"seed": 2**53 + 1, "rate": 1.0, "layers": [1, 2], "deep": {"on": True, "none": None, "x": 0.5}}
    run = ln.Run.get(ln.track(key="k", params=params).uid)
    assert run.params == params
    assert [type(run.params[name]) for name in ("seed", "rate")] == [int, float]
    assert run.params["seed"] == 2**53 + 1


def test_the_context_takes_nothing_else(registry: Path) -> None:
    with pytest.raises(AttributeError, match="did you mean 'track_run_inputs'"):
        ln.context.track_run_input = False
    for name, value in (("track_run_inputs", "no"), ("run", "r"), ("transform", 1)):
        with pytest.raises(TypeError, match=f"context.{name}={value!r}; it is"):
            setattr(ln.context, name, value)
    assert (ln.context.track_run_inputs, ln.context.run, ln.context.transform) == (True, None, None)


def test_what_is_opened_is_an_input(registry: Path) -> None:
    Path("t.csv").write_text("a\n1\n")
    artifact = ln.Artifact("t.csv", key="t.csv").save()
    run = ln.track(key="opens")
    artifact.open()
    assert run.input_artifacts.one() == artifact
    collection = ln.Collection([artifact], name="t", run=False).save()
    collection.open()
    assert run.input_collections.one() == collection


def test_nothing_is_noted_where_it_is_switched_off(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    monkeypatch.setattr(ln.context, "track_run_inputs", False)
    run = ln.track(key="off")
    artifact.cache()
    assert not run.input_artifacts.exists()
    artifact.cache(is_run_input=True)
    assert run.input_artifacts.one() == artifact


def test_what_a_run_made_is_no_input_of_it(registry: Path) -> None:
    run = ln.track(key="makes")
    artifact = ln.Artifact("a.h5ad").save()  # a run is name enough
    artifact.cache()
    collection = ln.Collection([artifact, ln.Artifact("b.h5ad", key="b.h5ad", run=False)], name="cells").save()
    collection.load()
    assert (artifact.run, collection.run) == (run, run)
    assert not run.input_collections.exists()
    assert run.input_artifacts.to_list("key") == ["b.h5ad"]  # of which the collection was made
    assert ln.Artifact.get(key="b.h5ad").run is None


def test_what_is_made_again_has_the_first_run_and_the_others_beside(registry: Path) -> None:
    first = ln.track(key="one")
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    second = ln.track(key="two")
    again = ln.Artifact("a.h5ad", key="a.h5ad").save()
    assert again == artifact
    assert (again.run, list(again.previous_runs)) == (first, [second])
    again.cache()
    assert not second.input_artifacts.exists()


def test_it_must_be_known_what_runs(registry: Path) -> None:
    code = "import loaderd as ln\nln.track()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "FieldValidationError" in done.stderr
    assert "track(key=" in done.stderr


def test_what_a_query_gets_is_an_input_if_it_is_said_so(registry: Path) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    run = ln.track()
    ln.Artifact.filter(suffix=".h5ad").get(key="a.h5ad")
    assert not artifact.input_of.exists()
    assert ln.Artifact.filter(suffix=".h5ad").get(key="a.h5ad", is_run_input=True) == artifact
    assert artifact.input_of.one() == run


@pytest.mark.parametrize("died", ["before it was written", "after it was written"])
def test_a_run_and_its_transform_are_saved_once_whenever_the_daemon_dies(
    registry: Path, monkeypatch: pytest.MonkeyPatch, died: str
) -> None:
    request, lost = Channel.request, []

    def once_lost(self: Channel, message: Any, *args: Any) -> Any:
        if message.get("call") != "save" or message["args"]["model"] in lost:
            return request(self, message, *args)
        lost.append(message["args"]["model"])
        if died == "after it was written":
            request(self, message, *args)
        raise ConnectionLost("the daemon died")

    monkeypatch.setattr(Channel, "request", once_lost)
    run = ln.Run(transform=ln.Transform(name="T"), name="R").save()
    assert lost == ["transform", "run"]
    assert (ln.Run.filter().one(), ln.Transform.filter().one()) == (run, run.transform)
    assert (len(run.uid), len(run.transform.uid), run.transform.uid[12:]) == (16, 16, "0000")


def test_a_run_that_is_not_saved_makes_known_content_again(registry: Path) -> None:
    first, second = (ln.Run(transform=ln.Transform(name=name), name=name) for name in ("one", "two"))
    artifact = ln.Artifact("a.h5ad", key="a.h5ad", run=first).save()
    assert (
        (artifact.run, artifact.transform)
        == (first, first.transform)
        == (ln.Run.filter().one(), ln.Transform.filter().one())
    )
    ln.Artifact("a.h5ad", key="a.h5ad", run=second).save()
    assert (artifact.run, list(artifact.previous_runs)) == (first, [second])
