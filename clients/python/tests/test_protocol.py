"""Against a daemon that keeps, or breaks, the protocol."""

from __future__ import annotations

import os
import signal
import struct
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import loaderd
from fakedaemon import Connection, FakeDaemon
from loaderd import _start
from loaderd._registry import wire

ROOT = Path(__file__).resolve().parents[3]


def opened(**options: Any) -> loaderd.MappedCollection:
    return loaderd.mapped("/nowhere.h5ad", obs_keys="label", **options)


# --- greeting ---------------------------------------------------------------------------------------------------


def test_a_daemon_that_hangs_up_before_welcome_is_tried_again(fakes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fakes()
    turns = iter(range(100))

    def leave_at_first(connection: Connection, message: Any) -> None:
        if next(turns) < 3:
            connection.close()
        else:
            connection.on_hello(message)

    fake.handlers["hello"] = leave_at_first
    monkeypatch.setenv("LOADERD_AUTOSTART", "1")
    monkeypatch.setattr(_start, "_spawn", lambda path, lock: os.getpid())  # nobody else comes
    with opened() as data:
        assert len(data) == 100
    assert len(fake.connections) == 4


def test_leaving_is_as_good_as_hanging_up(fakes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fakes()
    turns = iter(range(100))

    def leaving(connection: Connection, message: Any) -> None:
        if next(turns) == 0:
            connection.send({"op": "error", "code": "shutting_down", "message": "leaving"})
            connection.close()
        else:
            connection.on_hello(message)

    fake.handlers["hello"] = leaving
    monkeypatch.setenv("LOADERD_AUTOSTART", "1")
    monkeypatch.setattr(_start, "_spawn", lambda path, lock: os.getpid())
    opened().close()


def test_another_major_version_is_an_error_that_names_both(fakes: Any) -> None:
    text = "client speaks 1.0, this daemon 2.0"
    fakes().handlers["hello"] = lambda c, m: c.send(
        {"op": "error", "code": "version", "message": text, "hint": "update"}
    )
    with pytest.raises(loaderd.VersionError, match=r"1\.0.*2\.0"):
        opened()


def test_hello_says_who_we_are(fakes: Any) -> None:
    fake = fakes()
    opened().close()
    (hello,) = fake.messages("hello")
    assert hello["protocol"] == [1, 2]
    assert hello["pid"] == os.getpid()
    assert hello["client"].startswith("loaderd-python ")


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_a_daemon_of_another_build_is_replaced_if_idle(fakes: Any, monkeypatch: pytest.MonkeyPatch, busy: bool) -> None:
    old = fakes()
    old.busy = busy
    spawned = []

    def spawn(path: str, lock: int) -> int:
        spawned.append(fakes())
        spawned[0].build = "new"
        return os.getpid()

    monkeypatch.setenv("LOADERD_AUTOSTART", "1")
    monkeypatch.setattr(_start, "own_build", lambda: "new")
    monkeypatch.setattr(_start, "_spawn", spawn)
    with opened() as data:
        assert len(data) == 100
    assert old.messages("shutdown") == [{"op": "shutdown", "if_idle": True}]
    assert len(spawned) == (0 if busy else 1)


# --- what a broken daemon sends ---------------------------------------------------------------------------------

BROKEN: dict[str, Callable[[Connection, Any], None]] = {
    "an empty message": lambda c, m: c.send_raw(struct.pack("<I", 0)),
    "a length beyond the limit": lambda c, m: c.send_raw(struct.pack("<I", (256 << 20) + 1)),
    "not msgpack": lambda c, m: c.send_raw(struct.pack("<I", 2) + b"\xc1\xc1"),
    "not a map": lambda c, m: c.send_raw(struct.pack("<I", 1) + b"\x07"),
    "another answer": lambda c, m: c.send({"op": "bye", "id": m["id"]}),
    "a descriptor that is not there": lambda c, m: c.send(
        {"op": "ready", "id": m["id"], "gen": -1, "seq": 0, "n": 1, "seg": 0, "base": 0, "size": 64, "at": [0] * 4}
        | {"var": [], "schema": c.schema, "seg_size": 64, "fds": 1}
    ),
    "a frame outside its segment": lambda c, m: c.send(
        {"op": "ready", "id": m["id"], "gen": -1, "seq": 0, "n": 1, "seg": 0, "base": 64, "size": 64, "at": [0] * 4}
        | {"var": [], "schema": c.schema, "seg_size": 64, "fds": 1},
        c.memory(64),
    ),
    "a segment smaller than announced": lambda c, m: c.send(
        {"op": "ready", "id": m["id"], "gen": -1, "seq": 0, "n": 1, "seg": 0, "base": 0, "size": 64, "at": [0] * 4}
        | {"var": [], "schema": c.schema, "seg_size": 1 << 20, "fds": 1},
        c.memory(64),
    ),
    "rows without a schema": lambda c, m: c.send(
        {
            "op": "ready",
            "id": m["id"],
            "gen": -1,
            "seq": 0,
            "n": 1,
            "seg": 0,
            "base": 0,
            "size": 64,
            "at": [],
            "var": [],
        }
    ),
    "a kind of field from the future": lambda c, m: c.send(
        {
            "op": "ready",
            "id": m["id"],
            "gen": -1,
            "seq": 0,
            "n": 1,
            "seg": 0,
            "base": 0,
            "size": 64,
            "at": [0],
            "var": [],
        }
        | {
            "schema": [{"name": "Z", "kind": "tree", "dtype": "int8", "width": 1, "buffers": 1}],
            "seg_size": 64,
            "fds": 1,
        },
        c.memory(64),
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_breaks_the_protocol_is_an_error_and_the_next_request_works(fakes: Any, broken: str) -> None:
    fake = fakes()
    with opened() as data:
        fake.handlers["get"] = BROKEN[broken]
        with pytest.raises(loaderd.ProtocolError):
            data[0]
        del fake.handlers["get"]
        assert data[3]["X"][0] == 3.0


def test_messages_may_come_byte_by_byte_and_unknown_keys_are_ignored(fakes: Any) -> None:
    fake = fakes()

    def slowly(connection: Connection, message: Any) -> None:
        import msgpack

        body = msgpack.packb({"op": "status", "id": message["id"], "pid": 7, "from_the_future": {"a": [1]}})
        for byte in struct.pack("<I", len(body)) + body:
            connection.send_raw(bytes([byte]))

    fake.handlers["status"] = slowly
    assert loaderd.status() == {"pid": 7, "from_the_future": {"a": [1]}}


def test_a_large_answer_arrives_whole(fakes: Any) -> None:
    fake = fakes(width=300_000)  # names of variables: megabytes
    with opened() as data:
        assert list(data.var_joint[[0, 299_999]]) == ["g0", "g299999"]
        assert data[2]["X"][299_999] == 2.0
    assert len(fake.messages("open")) == 1


def test_errors_of_a_request_carry_all_that_the_daemon_said(fakes: Any) -> None:
    fake = fakes()
    error = {
        "op": "error",
        "code": "bad_file",
        "stage": "open",
        "object": "a.h5ad",
        "message": "a.h5ad: cut",
        "hint": "copy",
    }
    fake.handlers["open"] = lambda c, m: c.send(error | {"id": m["id"]})
    with pytest.raises(loaderd.BadFile) as caught:
        opened()
    e = caught.value
    assert (e.code, e.stage, e.object, e.hint) == ("bad_file", "open", "a.h5ad", "copy")
    assert str(e) == "a.h5ad: cut\n  hint: copy"
    assert isinstance(e, OSError)
    assert e.filename == "a.h5ad"


def test_an_unknown_code_is_an_internal_error(fakes: Any) -> None:
    fakes().handlers["open"] = lambda c, m: c.send({"op": "error", "id": m["id"], "code": "from the future"})
    with pytest.raises(loaderd.InternalError, match="from the future"):
        opened()


def test_an_error_in_the_place_of_a_batch_is_raised_there_and_ends_the_stream(fakes: Any) -> None:
    fake = fakes()

    def fail_at_third(connection: Connection, gen: int, seq: int) -> None:
        if seq == 2:
            what = {"code": "source_changed", "message": "a.h5ad changed", "object": "a.h5ad"}
            connection.send({"op": "error", "gen": gen, "seq": seq} | what)
            raise OSError

    fake.before_ready = fail_at_third
    with opened() as data:
        loader = data.loader(10)
        batches = iter(loader)
        assert [next(batches)["_idx"][0], next(batches)["_idx"][0]] == [0, 10]
        with pytest.raises(loaderd.SourceChanged, match=r"a\.h5ad changed"):
            next(batches)
        assert loader.state_dict()["position"] == 20
        fake.before_ready = None
        assert [b["_idx"][0] for b in batches] == list(range(20, 100, 10))


# --- a daemon that dies -----------------------------------------------------------------------------------------


def die_at(fake: FakeDaemon, seq: int) -> None:
    def die(connection: Connection, gen: int, at: int) -> None:
        if at == seq:
            fake.before_ready = None
            fake.close()
            raise OSError

    fake.before_ready = die


@pytest.mark.parametrize("seq", [0, 1, 6, 9])
def test_a_stream_goes_on_at_the_exact_batch_with_one_warning(
    fakes: Any, monkeypatch: pytest.MonkeyPatch, seq: int
) -> None:
    monkeypatch.setenv("LOADERD_AUTOSTART", "1")
    monkeypatch.setattr(_start, "_spawn", lambda path, lock: os.getpid() * bool(fakes()))
    fake = fakes()
    with opened() as data:
        wanted = [b["_idx"].tolist() for b in data.loader(10, shuffle=True, seed=4)]
        die_at(fake, seq)
        with pytest.warns(loaderd.DaemonRestartedWarning) as caught:
            loader = data.loader(10, shuffle=True, seed=4)
            found = [b["_idx"].tolist() for b in loader]
            assert data[5]["X"][0] == 5.0  # the collection had lost the same daemon
        assert found == wanted
        assert loader.stats()["restarts"] == 1
        assert len(caught) == 1
        assert str(fake.pid) in str(caught[0].message)


def test_rows_go_on_with_another_daemon_and_one_warning(fakes: Any) -> None:
    first = fakes()
    with opened() as data:
        data[0]
        first.close()
        fakes()
        with pytest.warns(loaderd.DaemonRestartedWarning) as caught:
            assert data[1]["X"][0] == 1.0
            assert data.__getitems__([7])[0]["X"][0] == 7.0
        assert len(caught) == 1
        assert caught[0].filename == __file__


def test_a_daemon_that_somebody_else_restarts_is_waited_for(fakes: Any) -> None:
    fake = fakes()
    with opened() as data:
        die_at(fake, 5)
        later = threading.Timer(0.5, fakes)
        later.start()
        with pytest.warns(loaderd.DaemonRestartedWarning):
            found = [b["_idx"][0] for b in data.loader(10)]
        assert found == list(range(0, 100, 10))
        later.join()


def test_raise_means_daemon_gone_at_once(fakes: Any) -> None:
    fake = fakes()
    with opened(on_daemon_loss="raise") as data:
        die_at(fake, 3)
        since = time.monotonic()
        batches = iter(data.loader(10))
        with pytest.raises(loaderd.DaemonGone, match="is gone"):
            list(batches)
        assert time.monotonic() - since < 1
        with pytest.raises(loaderd.DaemonGone, match="is gone") as caught:
            data[0]
        assert "log" in caught.value.hint
        assert isinstance(caught.value, ConnectionError)


def test_a_daemon_that_dies_of_every_request_is_given_up(fakes: Any) -> None:
    fake = fakes()
    with opened() as data:
        fake.handlers["get"] = lambda c, m: c.close()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", loaderd.DaemonRestartedWarning)
            with pytest.raises(loaderd.DaemonGone, match="times in a row"):
                data[0]
    assert len(fake.messages("get")) == 4


def test_other_data_behind_the_same_paths_is_noticed(fakes: Any) -> None:
    first = fakes()
    with opened() as data:
        first.close()
        fakes().hash = "1" * 64
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", loaderd.DaemonRestartedWarning)
            with pytest.raises(loaderd.SourceChanged, match=r"call loaderd\.mapped again"):
                data[0]


# --- Ctrl-C -----------------------------------------------------------------------------------------------------


def interrupt_soon() -> None:
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()


def test_ctrl_c_ends_a_wait_for_a_batch_and_the_same_batch_comes_next(fakes: Any) -> None:
    fake = fakes()
    stuck = threading.Event()
    fake.before_ready = lambda c, gen, seq: stuck.wait(20) if seq == 2 else None  # type: ignore[assignment,return-value]
    with opened() as data:
        batches = iter(data.loader(10))
        assert [next(batches)["_idx"][0], next(batches)["_idx"][0]] == [0, 10]
        interrupt_soon()
        since = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            next(batches)
        assert time.monotonic() - since < 5
        fake.before_ready = None
        stuck.set()
        assert [b["_idx"][0] for b in batches] == list(range(20, 100, 10))


def test_ctrl_c_ends_a_wait_for_a_row(fakes: Any) -> None:
    fake = fakes()
    with opened() as data:
        fake.handlers["get"] = lambda c, m: None
        interrupt_soon()
        with pytest.raises(KeyboardInterrupt):
            data[0]
        del fake.handlers["get"]
        assert data[1]["X"][0] == 1.0


def test_ctrl_c_ends_a_wait_for_welcome(fakes: Any) -> None:
    fakes().handlers["hello"] = lambda c, m: None
    interrupt_soon()
    with pytest.raises(KeyboardInterrupt):
        opened()


# --- threads ----------------------------------------------------------------------------------------------------


def test_threads_share_a_collection(fakes: Any) -> None:
    fakes()
    wrong = []
    with opened() as data:

        def work(k: int) -> None:
            for i in range(40):
                row = (i * k) % 100
                rows = data.__getitems__([row, (row + 1) % 100])
                if rows[0]["X"][0] != row or data[row]["X"][1999] != row:
                    wrong.append(row)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 7)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


# --- the registry -----------------------------------------------------------------------------------------------


def test_a_registry_call_tells_how_far_it_is_and_outlives_daemons(fakes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fakes()
    monkeypatch.setenv("LOADERD_DATA_DIR", "/data/\udcff")
    turns = iter(range(100))

    def leave_at_first(connection: Connection, message: Any) -> None:
        if (turn := next(turns)) == 0:
            connection.close()
        elif turn == 1:
            connection.send({"op": "error", "code": "shutting_down", "message": "leaving", "id": message["id"]})
        else:
            connection.on_registry(message)

    fake.handlers["registry"] = leave_at_first
    told: list[Any] = []
    sent = {"uid": "x", "using": "other", "data_dir": b"/data/\xff"}
    assert wire.call("get", {"uid": "x"}, "other", told.append) == ["get", sent]
    monkeypatch.delenv("LOADERD_DATA_DIR")
    assert wire.call("get", {}) == ["get", {}]
    assert [(message["done"], message["total"]) for message in told] == [(1, 2)]
    assert len(fake.connections) == 4


def test_a_registry_call_gives_up_on_daemons_that_all_die(fakes: Any) -> None:
    fake = fakes()
    fake.handlers["registry"] = lambda connection, message: connection.close()
    with pytest.raises(loaderd.DaemonGone, match="4 times in a row"):
        wire.call("get", {})


def test_a_registry_answer_that_is_none_is_refused(fakes: Any) -> None:
    fake = fakes()
    fake.handlers["registry"] = lambda connection, message: connection.send({"op": "bye", "id": message["id"]})
    with pytest.raises(loaderd.ProtocolError, match="'bye'"):
        wire.call("get", {})
