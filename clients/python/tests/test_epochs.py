"""What an epoch leaves to the next one: its connection and its memory."""

from __future__ import annotations

import gc
import os
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import loaderd
from conftest import mappings


def rows(loader: Any) -> list[int]:
    return [row for batch in loader for row in np.asarray(batch["_idx"]).tolist()]


@pytest.fixture
def epochs(mapped: Any) -> Callable[..., list[list[int]]]:
    """Gives the rows of epochs, each from a loader of its own."""

    def make(count: int, **options: Any) -> list[list[int]]:
        found = []
        for epoch in range(count):
            loader = mapped().loader(64, shuffle=True, seed=3, **options)
            loader.set_epoch(epoch)
            found.append(rows(loader))
        return found

    return make


def streams(daemon: Any) -> list[Any]:
    return [s for s in daemon.status()["sessions"] if s["stream"] is not None]


@pytest.mark.parametrize("options", [{}, {"format": "csr"}, {"drop_last": True}, {"rank": 1, "world_size": 3}], ids=str)
def test_epochs_on_one_connection_are_those_on_their_own(
    mapped: Any, daemon: Any, epochs: Callable[..., list[list[int]]], options: dict[str, Any]
) -> None:
    loader = mapped().loader(64, shuffle=True, seed=3, **options)
    found, sessions = [rows(loader)], set()
    for _ in range(4):
        found.append(rows(loader))
        (session,) = streams(daemon)
        sessions.add(session["session"])
    assert found == epochs(5, **options)
    assert len(sessions) == 1


def rings() -> set[str]:
    """The inodes of the rings that are mapped."""
    return {line.split()[4] for line in mappings()}


def test_from_the_second_epoch_on_the_memory_of_one_serves_the_next(mapped: Any) -> None:
    loader = mapped().loader(64, shuffle=True, seed=1)
    seen = []
    for _ in range(4):
        found: set[str] = set()
        for _ in loader:
            found |= rings()
        seen.append(found)
    assert [len(found) for found in seen] == [1] * 4
    assert seen[0] != seen[1] == seen[2] == seen[3]


def test_a_single_pass_makes_no_batch_of_the_next_epoch(mapped: Any, daemon: Any) -> None:
    loader = mapped().loader(64)
    assert len(list(loader)) == 5
    assert rings() == set()
    assert daemon.status()["batches"] == 5


def test_the_stream_goes_with_its_loader(mapped: Any, daemon: Any) -> None:
    loader = mapped().loader(64)
    rows(loader), rows(loader)
    assert len(streams(daemon)) == 1
    del loader
    gc.collect()
    assert streams(daemon) == []


def test_what_is_not_the_next_epoch_begins_anew(mapped: Any, epochs: Callable[..., list[list[int]]]) -> None:
    wanted = epochs(4)
    loader = mapped().loader(64, shuffle=True, seed=3)
    assert rows(loader) == wanted[0]
    loader.set_epoch(3)
    assert rows(loader) == wanted[3]
    loader.set_epoch(3)
    assert rows(loader) == wanted[3]
    state = loader.state_dict()
    loader.load_state_dict(state | {"epoch": 2, "position": 128})
    assert rows(loader) == wanted[2][128:]
    loader.load_state_dict(state | {"epoch": 1, "position": 0})
    next(iter(loader))
    assert rows(loader) == wanted[2]
    loader.load_state_dict(state | {"epoch": 3, "position": 0})
    assert rows(loader) == wanted[3]


def test_another_seed_begins_anew(mapped: Any) -> None:
    data = mapped()
    loader, other = data.loader(64, shuffle=True), data.loader(64, shuffle=True, seed=3)
    rows(loader)
    loader.load_state_dict(other.state_dict() | {"epoch": 1})
    other.set_epoch(1)
    assert rows(loader) == rows(other)


def test_a_daemon_that_was_stopped_between_epochs_is_no_loss(
    mapped: Any, epochs: Callable[..., list[list[int]]]
) -> None:
    wanted = epochs(3)
    loader = mapped(on_daemon_loss="raise").loader(64, shuffle=True, seed=3)
    assert [rows(loader), rows(loader)] == wanted[:2]
    loaderd.stop()
    assert rows(loader) == wanted[2]
    assert loader.stats()["restarts"] == 0


def test_batches_of_the_last_epoch_stay_when_the_next_one_runs(mapped: Any) -> None:
    loader = mapped().loader(10, shuffle=True, seed=3)
    held = [batch for batch, _ in zip(loader, range(2), strict=False)]
    for batch in loader:
        last = batch
    kept = [*held, last]
    before = [np.asarray(batch["X"]).copy() for batch in kept]
    for _ in range(3):
        rows(loader)
    assert all(np.array_equal(batch["X"], x) for batch, x in zip(kept, before, strict=True))


def test_iterations_at_once_leave_one_stream(mapped: Any, daemon: Any, epochs: Callable[..., list[list[int]]]) -> None:
    wanted = epochs(6)
    loader = mapped().loader(64, shuffle=True, seed=3)
    assert [rows(loader), rows(loader)] == wanted[:2]
    first, second = iter(loader), iter(loader)
    assert [rows(second), rows(first)] == [wanted[3], wanted[2]]
    assert len(streams(daemon)) == 1
    assert [rows(loader), rows(loader)] == wanted[4:]


def test_threads_that_end_at_once_share_a_loader(mapped: Any, daemon: Any) -> None:
    loader = mapped().loader(50)
    found: list[list[int]] = []
    threads = [threading.Thread(target=lambda: found.extend(rows(loader) for _ in range(5))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [list(range(300))] * 15
    assert len(streams(daemon)) <= 1


def test_a_forked_child_goes_on_with_a_connection_of_its_own(
    mapped: Any, epochs: Callable[..., list[list[int]]]
) -> None:
    wanted = epochs(4)
    loader = mapped().loader(64, shuffle=True, seed=3)
    assert [rows(loader), rows(loader)] == wanted[:2]
    pid = os.fork()
    if pid == 0:
        try:
            right = rows(loader) == wanted[2]
        except BaseException:
            os._exit(2)
        os._exit(0 if right else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert [rows(loader), rows(loader)] == wanted[2:]


def test_a_pickled_loader_has_no_stream(mapped: Any, daemon: Any) -> None:
    loader = mapped().loader(64)
    rows(loader), rows(loader)
    other = pickle.loads(pickle.dumps(loader))
    assert len(streams(daemon)) == 1
    assert rows(other) == list(range(300))
