"""Processes that fork, and processes that die."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import loaderd
from conftest import Daemon, descriptors, mappings

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def in_child(work: Callable[[], Any]) -> None:
    """Run ``work`` in a forked child and fail if it does."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


# --- fork -------------------------------------------------------------------------------------------------------


def test_a_child_attaches_anew_and_leaves_its_parent_alone(mapped: Any, files: Any) -> None:
    data = mapped(obs_keys="kind")
    loader = data.loader(60, shuffle=True, seed=1, to="numpy")
    wanted = [b["_idx"].tolist() for b in data.loader(60, shuffle=True, seed=1, to="numpy")]
    batches = iter(loader)
    first = next(batches)
    x = files.matrix("inner")

    def child() -> None:
        assert not [d for d in descriptors().values() if "memfd" not in d]  # one is kept by what was held
        assert np.array_equal(data[9]["X"], x[9])
        rest = [b["_idx"].tolist() for b in batches]  # goes on by itself where the parent stood
        assert rest == wanted[1:]
        assert len(list(loader)) == 5
        assert np.array_equal(first["X"], x[first["_idx"]])  # what was held may still be read

    for _ in range(3):
        in_child(child)
    assert np.array_equal(data[8]["X"], x[8])
    assert [b["_idx"].tolist() for b in batches] == wanted[1:]


def test_a_child_without_batches_unmaps_the_ring(mapped: Any) -> None:
    batches = iter(mapped().loader(200, to="numpy"))
    assert next(batches)["X"].shape[0] == 200
    assert len(mappings()) == 1

    def child() -> None:
        assert mappings() == []

    in_child(child)
    assert len(next(batches)["X"]) == 100


def test_what_a_child_lets_go_is_not_released_for_the_parent(daemon: Daemon, mapped: Any) -> None:
    loader = mapped().loader(100, prefetch=1, to="numpy")
    batches = iter(loader)
    held = [next(batches)]
    wanted = held[0]["X"].copy()
    in_child(lambda: held.clear())
    assert len(next(batches)["X"]) == 100
    assert np.array_equal(held[0]["X"], wanted)
    assert loader.stats()["held"] >= 1


def test_fork_while_another_thread_reads(mapped: Any, files: Any) -> None:
    import threading

    data = mapped()
    x = files.matrix("inner")
    stop = threading.Event()

    def read() -> None:
        i = 0
        while not stop.is_set():
            assert np.array_equal(data[i % 300]["X"], x[i % 300])
            i += 1

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for i in range(20):
            in_child(lambda i=i: np.testing.assert_array_equal(data[i]["X"], x[i]))
    finally:
        stop.set()
        thread.join()


# --- interrupts -------------------------------------------------------------------------------------------------


# Python reports, and drops, an interrupt that arrives within a finalizer.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupts_at_any_moment_neither_lose_nor_repeat_a_batch(mapped: Any) -> None:
    rng = random.Random(0)
    data = mapped()
    wanted = [b["_idx"].tolist() for b in data.loader(3, shuffle=True, seed=1)]

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def one_epoch() -> int:
        interrupts, got, batch = 0, [], None
        batches = iter(data.loader(3, shuffle=True, seed=1, prefetch=1))
        while True:
            try:
                for batch in batches:
                    got.append(batch)
                    signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, 3e-4))
                signal.setitimer(signal.ITIMER_REAL, 0)
                break
            except KeyboardInterrupt:
                interrupts += 1
                if batch is not None and (not got or got[-1] is not batch):
                    got.append(batch)  # it had been given to us
        assert [b["_idx"].tolist() for b in got] == wanted
        return interrupts

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        left = 300
        while left > 0:
            left -= one_epoch()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# --- clients that die -------------------------------------------------------------------------------------------

HOARDER = """
import os, sys, time, loaderd
mapped = loaderd.mapped(sys.argv[1])
loader = mapped.loader(150, prefetch=30)
batches = iter(loader)
kept = [next(batches)]
if sys.argv[3] == "left":
    del batches  # as `break` does
rows = mapped.__getitems__(list(range(150)))
if sys.argv[3] == "left":
    mapped.close()
if sys.argv[2] == "forks":
    if os.fork() == 0:
        kept_by_child = kept[0]["X"].sum()
        print(os.getpid(), flush=True)
        time.sleep(60)
        os._exit(0)
    time.sleep(0.2)
print("ready", flush=True)
time.sleep(60)
"""


def shared_memory(pid: int) -> int:
    """Add up the bytes of rings that a process has mapped and that have pages."""
    total, ours = 0, False
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            if "-" in line.split(" ")[0]:
                ours = "memfd:loaderd" in line
            elif ours and line.startswith("Rss:"):
                total += int(line.split()[1]) << 10
    return total


def seconds_to_free(files: Any, forks: str, stream: str) -> float:
    """Kill a client that holds batches and tell how long its memory lives on, in the daemon and in a forked child."""
    base = loaderd.status()["ring_bytes"]
    command = [sys.executable, "-c", HOARDER, str(files.paths[0]), forks, stream]
    child = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as victim:
        try:
            assert victim.stdout is not None
            if forks == "forks":
                child = int(victim.stdout.readline())
            assert victim.stdout.readline() == "ready\n"
            assert loaderd.status()["ring_bytes"] > base + (1 << 20)  # of an iteration that was left, only what is kept
            assert shared_memory(victim.pid) > 0
            assert not child or shared_memory(child) > 0
            victim.kill()
            since = time.monotonic()
            while loaderd.status()["ring_bytes"] > base or (child and shared_memory(child)):
                assert time.monotonic() - since < 10, "not free at all"
            assert not child or os.path.exists(f"/proc/{child}/exe")
            return time.monotonic() - since
        finally:
            victim.kill()
            if child:
                os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("stream", ["runs", "left"])
@pytest.mark.parametrize("forks", ["alone", "forks"])
def test_memory_of_a_killed_client_is_free_within_a_tenth_of_a_second(
    daemon: Daemon, mapped: Any, files: Any, forks: str, stream: str
) -> None:
    data = mapped(files.paths[1])
    batches = iter(data.loader(10))
    next(batches)
    for attempt in range(10):  # the machine may be busy with other things
        if seconds_to_free(files, forks, stream) < 0.1:
            break
        assert attempt < 9
    assert len(next(batches)["X"]) == 10
    assert data[3]["_store_idx"] == 0


# --- daemons that die -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", [0, 1, 13, 29])
def test_a_killed_daemon_is_replaced_and_the_stream_is_the_same(daemon: Daemon, mapped: Any, when: int) -> None:
    data = mapped(obs_keys="kind")
    wanted = [(b["_idx"].tolist(), b["X"].sum().item()) for b in data.loader(10, shuffle=True, seed=2)]
    loader = data.loader(10, shuffle=True, seed=2, prefetch=1)
    found = []
    with pytest.warns(loaderd.DaemonRestartedWarning) as caught:
        for i, batch in enumerate(loader):
            found.append((batch["_idx"].tolist(), batch["X"].sum().item()))
            if i == when:
                first = daemon.pid()
                os.kill(first, signal.SIGKILL)
        assert data[7]["_store_idx"] == 0
        assert len(data.__getitems__([1, 2])) == 2
    assert found == wanted
    assert len(caught) == 1
    assert daemon.pid() != first
    assert loaderd.status()["pid"] == daemon.pid()


def test_a_stopped_daemon_is_replaced_too(daemon: Daemon, mapped: Any) -> None:
    data = mapped()
    batches = iter(data.loader(10, prefetch=1))
    next(batches)
    assert loaderd.stop()
    with pytest.warns(loaderd.DaemonRestartedWarning):
        assert len(list(batches)) == 29


def test_raise_means_daemon_gone_within_a_second(daemon: Daemon, mapped: Any) -> None:
    data = mapped(on_daemon_loss="raise")
    batches = iter(data.loader(10, prefetch=1))
    next(batches)
    os.kill(daemon.pid(), signal.SIGKILL)
    since = time.monotonic()
    with pytest.raises(loaderd.DaemonGone, match="is gone"):
        list(batches)
    with pytest.raises(loaderd.DaemonGone, match="is gone"):
        data[0]
    assert time.monotonic() - since < 1
    assert daemon.pids() == []
    assert data[0]["_store_idx"] == 0  # asked again, it starts one


def test_batches_of_a_dead_daemon_stay_valid(daemon: Daemon, mapped: Any, files: Any) -> None:
    data = mapped()
    batch = next(iter(data.loader(300, to="numpy")))
    rows = data.__getitems__(list(range(300)))
    os.kill(daemon.pid(), signal.SIGKILL)
    time.sleep(0.1)
    assert np.array_equal(batch["X"], files.matrix("inner"))
    batch["X"] += 1
    assert np.array_equal(rows[250]["X"], files.matrix("inner")[250])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", loaderd.DaemonRestartedWarning)
        assert len(list(data.loader(100))) == 3


def test_many_iterations_leave_nothing(mapped: Any) -> None:
    data = mapped()
    before = descriptors()
    for i in range(60):
        for batch in data.loader(200):
            assert len(batch["X"]) in (100, 200)
            if i % 2:
                break
    del batch
    assert mappings() == []
    assert descriptors() == before
