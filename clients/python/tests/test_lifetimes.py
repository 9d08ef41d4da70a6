"""What is held stays as it is, what is let go is given back, and nothing else happens to memory."""

from __future__ import annotations

import gc
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

import loaderd
from conftest import mappings
from fakedaemon import FakeDaemon

BATCH = 10  # rows of 2000 float32: 80 kB, a view


@pytest.fixture
def fake(fakes: Callable[..., FakeDaemon]) -> FakeDaemon:
    return fakes()


@pytest.fixture
def data(fake: FakeDaemon) -> Iterator[loaderd.MappedCollection]:
    with loaderd.mapped("/nowhere.h5ad", obs_keys="label") as found:
        yield found


def eventually(check: Callable[[], bool]) -> bool:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + 10
    while not check() and time.monotonic() < deadline:
        time.sleep(0.001)
    return check()


def released(fake: FakeDaemon) -> list[tuple[int, int]]:
    return sorted(r for c in fake.connections for r in c.released)


def test_a_view_keeps_its_frame_and_the_last_one_gives_it_back(fake: FakeDaemon, data: Any) -> None:
    batches = iter(data.loader(BATCH, to="torch"))
    batch = next(batches)
    view = batch["X"][2:4, 10:20].T
    later = next(batches)
    del batch, later
    third = next(batches)  # sends what was let go
    assert eventually(lambda: released(fake) == [(0, 1)])
    assert view.tolist() == [[2.0, 3.0]] * 10
    del view
    fourth = next(batches)
    assert eventually(lambda: released(fake) == [(0, 0), (0, 1)])
    assert (third["X"][0, 0], fourth["X"][0, 0]) == (20.0, 30.0)


def test_arrays_outlive_iterator_loader_and_collection(fake: FakeDaemon, data: Any) -> None:
    batch = next(iter(data.loader(BATCH, to="numpy")))
    x = batch["X"][5]
    del batch
    data.close()
    gc.collect()
    assert len(mappings()) == 1
    assert (x == 5.0).all()
    del x
    gc.collect()
    assert mappings() == []


def test_small_arrays_keep_nothing(fake: FakeDaemon, data: Any) -> None:
    labels = [(b["label"], b["_idx"]) for b in data.loader(BATCH, to="torch")]
    assert [y.tolist() for y, _ in labels] == [[(10 * b + i) % 3 for i in range(BATCH)] for b in range(10)]
    assert eventually(lambda: len(released(fake)) >= 8)  # the last go with the connection


def test_a_batch_of_small_arrays_is_released_at_once(fake: FakeDaemon, data: Any) -> None:
    batches = iter(data.loader(4))  # 32 kB
    kept = [next(batches), next(batches)]
    assert eventually(lambda: (0, 0) in released(fake))
    assert kept[0]["X"].tolist()[3] == [3.0] * 2000


def test_in_place_operations_work_and_touch_nothing_else(fake: FakeDaemon, data: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for b, batch in enumerate(data.loader(BATCH, to="torch")):
            assert batch["X"][:, 7].tolist() == [10.0 * b + i for i in range(BATCH)]
            batch["X"].log1p_().mul_(-1)
            batch["label"] += 100
    for b, batch in enumerate(data.loader(BATCH, to="numpy")):
        assert batch["X"][:, 7].tolist() == [10.0 * b + i for i in range(BATCH)]
        batch["X"] -= 1


def test_a_for_loop_is_not_hoarding(fake: FakeDaemon, data: Any) -> None:
    loader = data.loader(BATCH)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = None
        for batch in loader:
            if before is not None:
                assert batch["X"][0, 0] - before["X"][0, 0] == BATCH
            before = batch
    assert loader.stats()["copied"] == 0


@pytest.mark.parametrize("frames", [3, 4, 7])
def test_hoarding_copies_warns_once_and_never_stalls(fake: FakeDaemon, data: Any, frames: int) -> None:
    fake.frames = frames
    loader = data.loader(BATCH)
    with pytest.warns(loaderd.BatchesHeldWarning) as caught:
        batches = list(loader)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert [b["X"][3, 3] for b in batches] == [10.0 * b + 3 for b in range(10)]
    assert loader.stats()["copied"] == 10 - (frames - 1)


def test_a_warning_that_is_an_error_costs_no_batch(fake: FakeDaemon, data: Any) -> None:
    batches, held = iter(data.loader(BATCH)), []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(loaderd.BatchesHeldWarning):
            while True:
                held.append(next(batches))
    assert len(held) == 3
    assert [b["X"][0, 0] for b in held + list(batches)] == [10.0 * b for b in range(10)]


def test_hoarding_ends_when_batches_are_let_go(fake: FakeDaemon, data: Any) -> None:
    loader = data.loader(BATCH, to="numpy")
    batches = iter(loader)
    kept = [next(batches) for _ in range(3)]
    with pytest.warns(loaderd.BatchesHeldWarning):
        copied = next(batches)
    kept.clear()
    for batch in batches:
        assert (batch["X"] == batch["_idx"][:, None]).all()
    assert loader.stats()["copied"] == 1
    assert (copied["X"][0] == 30).all()


def test_a_batch_let_go_by_another_thread_wakes_a_blocked_next(fake: FakeDaemon, data: Any) -> None:
    fake.frames = 2
    batches = iter(data.loader(BATCH))
    held, second = [next(batches)], next(batches)
    timer = threading.Timer(0.1, held.clear)
    timer.start()
    third = next(batches)  # both frames were in our hands
    assert held == []
    assert (second["X"][0, 0], third["X"][0, 0]) == (10, 20)
    timer.join()


def test_frames_may_be_let_go_in_any_order(fake: FakeDaemon, data: Any) -> None:
    fake.frames = 5
    rng = np.random.default_rng(0)
    for epoch in range(3):
        held: list[Any] = []
        for batch in data.loader(BATCH, to="numpy", shuffle=True, seed=epoch):
            held.append(batch)
            if len(held) == 3:
                held.pop(rng.integers(3))
            for b in held:
                assert (b["X"] == b["_idx"][:, None]).all()


def test_rows_of_a_dataloader_keep_their_frame(fake: FakeDaemon, data: Any) -> None:
    rows = data.__getitems__([5, 6, 50, *range(20)])
    x = rows[2]["X"]
    del rows
    assert released(fake) == []
    assert (x == 50).all()
    del x
    data.__getitems__([1])
    assert eventually(lambda: released(fake) == [(-1, 0)])


def test_hoarding_rows_copies_and_warns_once(fake: FakeDaemon, data: Any) -> None:
    with pytest.warns(loaderd.BatchesHeldWarning) as caught:
        kept = [data.__getitems__(list(range(i, i + 20))) for i in range(8)]
    assert len(caught) == 1
    assert [rows[3]["X"][0] for rows in kept] == [float(i + 3) for i in range(8)]
    assert len(mappings()) == 3 + 1  # those held, and the one that the next would use


def test_one_row_holds_no_frame(fake: FakeDaemon, data: Any) -> None:
    fake.width = 30_000  # one row is above 64 KiB
    with loaderd.mapped("/nowhere.h5ad") as wide, warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = [wide[i]["X"] for i in range(20)]
    assert [row[29_999] for row in rows] == [float(i) for i in range(20)]


def test_an_iteration_left_with_break_is_stopped_at_once_and_closed_with_its_last_view(
    fake: FakeDaemon, data: Any
) -> None:
    for batch in data.loader(BATCH):
        kept = batch["X"][9:]
        break
    del batch
    stream = fake.connections[-1]
    assert eventually(lambda: {"op": "stop", "gen": 0, "keep": [0]} in stream.seen)
    assert stream.sock.fileno() >= 0  # open: should we be killed, the daemon empties what forked children still map
    assert kept[0, 0] == 9.0
    del kept
    assert eventually(lambda: stream.sock.fileno() < 0)


def test_a_second_iteration_does_not_meet_the_first(fake: FakeDaemon, data: Any) -> None:
    loader = data.loader(BATCH)
    one, two = iter(loader), iter(loader)
    for b in range(10):
        assert next(one)["X"][0, 0] == next(two)["X"][0, 0] == 10 * b
    for iterator in (one, two):
        with pytest.raises(StopIteration):
            next(iterator)
        with pytest.raises(StopIteration):
            next(iterator)


def test_tensors_are_writable_and_share_the_frame(fake: FakeDaemon, data: Any) -> None:
    batch = next(iter(data.loader(BATCH, to="torch")))
    assert batch["X"].is_contiguous()
    assert torch.from_numpy(batch["X"].numpy()).data_ptr() == batch["X"].data_ptr()
    assert batch["X"].data_ptr() % 64 == 0
