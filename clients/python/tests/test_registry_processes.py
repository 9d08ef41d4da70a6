"""Several processes, threads and forks with one registry."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

import loaderd as ln
from conftest import Daemon


def start(folder: Path, code: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *args],
        cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def end(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.strip()


def test_what_one_process_saves_another_finds(registry: Path) -> None:
    uid = end(start(registry, """
        import loaderd as ln
        artifacts = [ln.Artifact(name, key=name) for name in ("b.h5ad", "a.h5ad")]
        collection = ln.Collection(artifacts, name="theirs")
        collection.save()
        collection.ulabels.add(ln.ULabel(name="good").save())
        print(collection.uid)
    """))  # fmt: skip
    found = ln.Collection.get(name="theirs")
    assert found.uid == uid
    assert found.ordered_artifacts.to_list("key") == ["b.h5ad", "a.h5ad"]
    assert found.ulabels.one().name == "good"
    with found.mapped() as mapped:
        assert len(mapped) == 500


def test_processes_that_write_at_once_lose_nothing(registry: Path) -> None:
    code = """
        import sys, loaderd as ln
        me = sys.argv[1]
        seen = ln.Artifact.get(key="a.h5ad")
        for i in range(15):
            label = ln.ULabel(name=f"{me}-{i}").save()
            seen.ulabels.add(label)
            ln.ULabel(name=f"shared-{i}").save()
            setattr(label, "description", me)
            label.save()
    """
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    for process in [start(registry, code, str(at)) for at in range(4)]:
        end(process)
    assert artifact.ulabels.count() == 60
    assert ln.ULabel.filter(name__startswith="shared").count() == 15
    assert all(ln.ULabel.filter(description=str(at)).count() == 15 for at in range(4))


def test_processes_that_revise_the_same_make_one_family_with_one_head(registry: Path) -> None:
    code = """
        import sys, warnings, pandas as pd, loaderd as ln
        warnings.simplefilter("ignore")
        for i in range(5):
            old = ln.Collection.get(key="atlas")
            ln.Collection(pd.DataFrame({"x": [int(sys.argv[1]), i]}), key="atlas", is_new_version_of=old).save()
    """
    first = ln.Collection("a.h5ad", key="atlas").save()
    for process in [start(registry, code, str(at)) for at in range(3)]:
        end(process)
    family = list(first.versions)
    assert sorted(int(c.version) for c in family) == list(range(1, 17))
    assert [c.is_latest for c in family] == [True] + [False] * 15


def test_threads_share_the_registry(registry: Path) -> None:
    def work(at: int) -> None:
        for i in range(10):
            ln.ULabel(name=f"{at}-{i}").save()

    threads = [threading.Thread(target=work, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ln.ULabel.filter().count() == 40


def _in_fork(uid: str) -> None:
    artifact = ln.Artifact.get(uid)
    artifact.description = f"by {os.getpid()}"
    artifact.save()


def test_a_fork_uses_it_and_leaves_the_parents_files(registry: Path, daemon: Daemon) -> None:
    import pandas as pd

    saved = ln.Artifact("a.h5ad", key="a.h5ad").save()
    unsaved = ln.Artifact(pd.DataFrame({"x": [1]}), description="mine")
    child = multiprocessing.get_context("fork").Process(target=_in_fork, args=(saved.uid,))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    child.close()
    saved.refresh_from_db()
    assert saved.description != f"by {os.getpid()}"
    assert unsaved.save().load()["x"].tolist() == [1]


def test_a_daemon_that_dies_is_replaced(registry: Path, daemon: Daemon) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    os.kill(daemon.pid(), 9)
    assert ln.Artifact.get(key="a.h5ad") == artifact
    artifact.description = "after"
    os.kill(daemon.pid(), 9)
    artifact.save()
    assert ln.Artifact.get(key="a.h5ad").description == "after"


def test_another_database(registry: Path) -> None:
    ln.add_database("other", "other.db")
    ln.add_database("other", Path("other.db"))
    with pytest.raises(ln.IntegrityError, match=r"'other' is that of .*other\.db, not of .*third\.db\n.*replace=True"):
        ln.add_database("other", "third.db")
    assert not Path("third.db").exists()
    assert Path(ln.databases()["other"]).name == "other.db"
    with pytest.raises(ln.RegistryError, match="directory"):
        ln.add_database("folder", registry)
    with pytest.raises(ln.InvalidArgument, match="name: "):
        ln.add_database("a\udcff", "x.db")
    assert set(ln.databases()) == {"default", "other"}
    assert ln.databases()["other"] == str(registry / "other.db")
    collection = ln.Collection([ln.Artifact("a.h5ad", key="a.h5ad")], name="mine").save()
    collection.save(using="other")
    assert ln.Collection.using("other").get(name="mine").ordered_artifacts.one().key == "a.h5ad"
    assert ln.Collection.get(name="mine").ordered_artifacts.one().key == "a.h5ad"
    assert not ln.Artifact.using("other").filter(key="b.h5ad").exists()
    with pytest.raises(ln.DoesNotExist, match="nowhere"):
        ln.Artifact.using("nowhere").first()
    label = ln.ULabel(name="there").save(using="other")
    with pytest.raises(ln.InvalidArgument, match="is of the database 'other', not of 'default'"):
        ln.Artifact.get(key="a.h5ad").ulabels.add(label)
    there, artifacts = ln.Collection.using("other").get(name="mine"), [ln.Artifact("b.h5ad", key="b.h5ad")]
    with pytest.raises(ln.InvalidArgument, match="save\\(using='other'\\)"):
        ln.Collection(artifacts, is_new_version_of=there).save()
    assert ln.Collection(artifacts, is_new_version_of=there).save(using="other").version == "2"
    with pytest.raises(ln.InvalidArgument, match="a/b"):
        ln.add_database("a/b", "c.db")
