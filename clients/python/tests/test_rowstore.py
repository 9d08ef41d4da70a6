"""Rows that are kept once they are decoded: what is said of them, and writing them ahead."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

import loaderd
from conftest import BINARY, ROOT, Daemon
from loaderd import _progress, _rowstore, _start

PBMC = ROOT / "testdata" / "10x_pbmc68k_reduced.h5ad"  # X and raw.X of 700 cells, both compressed
BOTH = {"layers_keys": ["X", "raw.X"]}
ROWS = 1400


@pytest.fixture
def copies(tmp_path: Path) -> list[str]:
    """Files that take a moment to prepare."""
    return [str(shutil.copy(PBMC, tmp_path / f"{i}.h5ad")) for i in range(4)]


@pytest.fixture(autouse=True)
def nothing_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_rowstore, "_told", set())


def test_opening_says_what_is_to_be_written_and_where(
    daemon: Daemon, mapped: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    data = mapped(PBMC, **BOTH)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"loaderd: rows are kept in {daemon.folder / 'rows'}, ")
    assert "are still to be written" in line
    assert "are allowed" in line
    store = data.row_store
    assert (store.dir, store.rows, store.stored) == (str(daemon.folder / "rows"), ROWS, 0)
    assert 0 < store.needs < store.allowed <= 1 << 30
    assert store.allowed <= store.free
    assert not store.complete
    assert data.prepare(progress=False).complete
    mapped(PBMC, **BOTH)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


@pytest.fixture
def dense(tmp_path: Path) -> str:
    """A file of which nothing goes to the row store."""
    path = tmp_path / "dense.h5ad"
    anndata.AnnData(np.ones((9, 4), np.float32), pd.DataFrame(index=list("abcdefghi"))).write_h5ad(path)
    return str(path)


def test_nothing_is_said_of_files_that_are_read_in_place(
    mapped: Any, dense: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = mapped(dense)
    assert capsys.readouterr().err == ""
    assert data.row_store is None
    assert data.prepare() is None


def test_only_the_first_of_several_ranks_says_it(
    mapped: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    mapped(PBMC)
    assert capsys.readouterr().err == ""


def test_prepare_writes_all_rows_and_they_stay(daemon: Daemon, mapped: Any) -> None:
    plain = [np.asarray(b["X"]).copy() for b in mapped(PBMC, **BOTH).loader(100, to="numpy")]
    told: list[tuple[int, int]] = []
    store = mapped(PBMC, **BOTH).prepare(lambda done, total: told.append((done, total)))
    assert isinstance(store, loaderd.RowStore)
    assert (store.stored, store.complete, store.problem) == (ROWS, True, "")
    assert 0 < store.has <= store.total <= store.allowed
    assert told[-1] == (ROWS, ROWS)
    assert told == sorted(told)
    assert daemon.status()["row_store"]["total"] == store.total
    loaderd.stop()
    data = mapped(PBMC, **BOTH)
    assert data.row_store.complete
    for batch, x in zip(data.loader(100, to="numpy"), plain, strict=True):
        assert np.array_equal(batch["X"], x)


def test_prepare_counts_the_rows_that_the_filter_keeps(mapped: Any) -> None:
    data = mapped(PBMC, obs_filter={"bulk_labels": "Dendritic"})
    told: list[tuple[int, int]] = []
    store = data.prepare(lambda *now: told.append(now))
    assert told[-1] == (len(data), len(data))
    assert len(data) <= store.stored <= 700  # chunks hold others too


def test_clients_that_prepare_at_once_share_the_work(mapped: Any, copies: list[str]) -> None:
    alone = mapped(PBMC).prepare(progress=False)
    several = [mapped(copies) for _ in range(3)]
    found: list[Any] = []
    threads = [threading.Thread(target=lambda d=d: found.append(d.prepare(progress=False))) for d in several]
    for thread in threads:
        thread.start()
    loaded = [b["_idx"].tolist() for b in several[0].loader(100, shuffle=True, seed=0, to="numpy")]
    for thread in threads:
        thread.join()
    assert [store.complete for store in found] == [True] * 3
    assert sorted(sum(loaded, [])) == list(range(4 * 700))
    assert several[0].row_store.has < 4.5 * alone.has


class StopHereError(Exception):
    pass


@pytest.mark.parametrize("how", [KeyboardInterrupt, StopHereError])
def test_an_interrupted_prepare_is_gone_on_with(
    daemon: Daemon, mapped: Any, copies: list[str], how: type[BaseException]
) -> None:
    data = mapped(copies, **BOTH)

    def interrupt(done: int, total: int) -> None:
        assert 0 < done < total
        raise how

    with pytest.raises(how):
        data.prepare(interrupt)
    assert data[3]["X"].shape == (765,)  # the collection's own connection is as it was
    assert not data.row_store.complete
    assert data.prepare(progress=False).complete


@pytest.mark.parametrize("policy", ["restart", "raise"])
def test_a_daemon_that_dies_while_preparing(daemon: Daemon, mapped: Any, copies: list[str], policy: Any) -> None:
    data = mapped(copies, on_daemon_loss=policy, **BOTH)
    killed: list[int] = []

    def kill(done: int, total: int) -> None:
        if not killed:
            killed.append(daemon.pid())
            os.kill(killed[0], signal.SIGKILL)

    if policy == "raise":
        with pytest.raises(loaderd.DaemonGone):
            data.prepare(kill)
        assert data.prepare(progress=False).complete
        return
    with pytest.warns(loaderd.DaemonRestartedWarning) as caught:
        assert data.prepare(kill).complete
    assert len(caught) == 1
    assert killed != [daemon.pid()]


@pytest.mark.parametrize("parent", ["a file", "/proc"])
def test_a_folder_that_cannot_be_used_is_told_once_and_reading_goes_on(
    mapped: Any, tmp_path: Path, parent: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a file").touch()
    folder = str(tmp_path / parent / "rows")
    monkeypatch.setenv("LOADERD_ROWSTORE", folder)
    data = mapped(PBMC)
    mapped(PBMC, obs_keys="bulk_labels")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("loaderd: there is no row store, so compressed files are decoded again in every epoch: ")
    assert folder in line
    assert folder in data.row_store.problem
    assert sum(len(b["X"]) for b in data.loader(100)) == 700
    with pytest.raises(loaderd.NotEnoughDisk, match="rows") as caught:
        data.prepare()
    assert "LOADERD_ROWSTORE" in caught.value.hint


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told(mapped: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o500)
    monkeypatch.setenv("LOADERD_ROWSTORE", str(tmp_path / "rows"))
    assert "permission denied" in mapped(PBMC).row_store.problem


@pytest.mark.parametrize("off", ["off", "Off", "none", "0"])
def test_without_a_row_store_prepare_names_the_cure(
    mapped: Any, off: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOADERD_ROWSTORE", off)
    data = mapped(PBMC)
    assert capsys.readouterr().err == ""
    assert data.row_store is None
    with pytest.raises(loaderd.Unsupported, match="LOADERD_ROWSTORE is off") as caught:
        data.prepare()
    assert "loaderd stop" in caught.value.hint


def test_what_does_not_fit_is_an_error_that_names_the_sizes_and_reading_goes_on(
    mapped: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOADERD_ROWSTORE_SIZE", "100K")
    data = mapped(PBMC, **BOTH)
    assert "which is room for about " in capsys.readouterr().err
    with pytest.raises(loaderd.NotEnoughDisk, match="row store") as caught:
        data.prepare()
    assert "LOADERD_ROWSTORE" in caught.value.hint
    assert data.row_store.total <= data.row_store.allowed == 100 << 10
    assert sum(len(b["X"]) for b in data.loader(100)) == 700


def test_a_size_that_is_none_keeps_the_daemon_from_starting(mapped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADERD_ROWSTORE_SIZE", "much")
    monkeypatch.setattr(_start, "START_SECONDS", 3.0)
    with pytest.raises(loaderd.DaemonGone, match="much"):
        mapped(PBMC)


def test_the_daemon_has_the_folder_that_its_first_client_names(
    mapped: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOADERD_ROWSTORE", "here/rows")
    assert mapped(PBMC).prepare(progress=False).dir == str(tmp_path / "here" / "rows")
    assert len(capsys.readouterr().err.splitlines()) == 1
    for other in (str(tmp_path / "there"), "off"):
        monkeypatch.setenv("LOADERD_ROWSTORE", other)
        assert mapped(PBMC).row_store.complete
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"loaderd: LOADERD_ROWSTORE={other} here, but the daemon that runs keeps rows in ")
        assert "loaderd stop" in line


def test_a_folder_at_home_is_understood_without_a_shell(
    mapped: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOADERD_ROWSTORE", "~/rows")
    assert mapped(PBMC).row_store.dir == str(tmp_path / "rows")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"loaderd: rows are kept in {tmp_path / 'rows'}, ")


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({"LOADERD_CACHE_DIR": "{}/c", "XDG_CACHE_HOME": "{}/x"}, "{}/c/rowstore"),
        ({"XDG_CACHE_HOME": "{}/x"}, "{}/x/loaderd/rowstore"),
        ({"HOME": "{}/h", "XDG_CACHE_HOME": ""}, "{}/h/.cache/loaderd/rowstore"),
    ],
    ids=str,
)
def test_the_folder_without_a_name_is_in_the_users_cache(
    mapped: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], wanted: str
) -> None:
    monkeypatch.delenv("LOADERD_ROWSTORE")
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    assert mapped(PBMC).row_store.dir == wanted.format(tmp_path)


# --- the bar ----------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_a_terminal(data: loaderd.MappedCollection, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give what is shown while ``data`` is prepared."""
    terminal = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        patch.setattr(_progress, "_PATIENCE", 0.0)
        data.prepare()
    return terminal.getvalue()


def test_a_terminal_shows_a_bar(mapped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = on_a_terminal(mapped(PBMC), monkeypatch)
    assert "row store: " in shown
    assert "100%" in shown
    assert "rows" in shown


def test_a_terminal_shows_a_line_where_there_is_no_tqdm(mapped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    shown = on_a_terminal(mapped(PBMC), monkeypatch)
    assert shown.endswith("100% 700 of 700 rows\n")


@pytest.mark.parametrize("progress", [True, False])
def test_what_is_no_terminal_shows_nothing(
    mapped: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], progress: bool
) -> None:
    monkeypatch.setattr(_progress, "_PATIENCE", 0.0)
    data = mapped(PBMC)
    capsys.readouterr()
    data.prepare(progress)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (123_456, "123 kB"),
        (9_999_999, "10 MB"),
        (3e12, "3 TB"),
        (5e15, "5e+03 TB"),
    ],
)
def test_sizes_are_short(count: float, words: str) -> None:
    assert _progress.size(count) == words


# --- the command ------------------------------------------------------------------------------------------------


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "loaderd", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_prepares_files_for_every_way_of_mapping_them(daemon: Daemon, mapped: Any) -> None:
    done = run("prepare", str(PBMC), "--layer", "X,raw.X")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1400 rows, ")
    assert str(daemon.folder / "rows") in done.stdout
    found = json.loads(run("prepare", str(PBMC), "--json").stdout)
    assert (found["rows"], found["complete"]) == (700, True)
    data = mapped([PBMC, PBMC], obs_keys="bulk_labels", join="outer", **BOTH)
    assert data.row_store.complete
    assert "rows kept" in run("status").stdout


def test_the_command_says_when_there_is_nothing_to_do_or_no_way(daemon: Daemon, dense: str, tmp_path: Path) -> None:
    done = run("prepare", dense)
    assert (done.returncode, done.stdout[:18]) == (0, "nothing to prepare")
    done = run("prepare", str(tmp_path / "none.h5ad"))
    assert done.returncode == 1
    assert "none.h5ad" in done.stderr


def test_ctrl_c_ends_the_command_and_keeps_what_is_written(daemon: Daemon, mapped: Any, copies: list[str]) -> None:
    loaderd_prepare = [str(BINARY), "prepare", *copies, "--layer", "X,raw.X"]
    with subprocess.Popen(loaderd_prepare, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        data = mapped(copies, **BOTH)
        while data.row_store.stored == 0 and process.poll() is None:
            pass
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert b"interrupt" in said or b"canceled" in said
    before = data.row_store
    assert before.stored > 0
    assert data.prepare(progress=False).complete
