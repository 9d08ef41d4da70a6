"""What is held stays as it is, what is let go is given back, and nothing else happens to memory."""

from __future__ import annotations

import gc
import os
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
from fakedaemon import FakeDaemon, aligned
from loaderd._ring import Leases, Segment
from loaderd._schema import Reader

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


DERIVED: dict[str, Callable[[Any], Any]] = {
    "a slice of a slice": lambda x: x[1:][:, 3:][2],
    "the transpose": lambda x: x.T,
    "another shape": lambda x: x.reshape(-1)[::7],
    "another type": lambda x: x.view(np.int32)[0],
    "another class": lambda x: x.view(np.recarray)[1:],
    "strides": lambda x: np.lib.stride_tricks.sliding_window_view(x, 3, 0),
    "the buffer": lambda x: memoryview(x)[2:],
    "an array on the buffer": lambda x: np.frombuffer(x, np.uint8)[9:],
    "dlpack": lambda x: np.from_dlpack(x)[1:],
    "a tensor's view": lambda x: torch.from_numpy(x)[1].numpy(),
    "a tensor's storage": lambda x: torch.from_numpy(x).untyped_storage(),
}


@pytest.mark.parametrize("what", DERIVED)
def test_whatever_is_made_of_an_array_keeps_its_frame(fake: FakeDaemon, data: Any, what: str) -> None:
    batches = iter(data.loader(BATCH, to="numpy"))
    derived = DERIVED[what](next(batches)["X"])
    others = [next(batches)["X"][0, 0] for _ in range(4)]
    assert others == [10.0, 20.0, 30.0, 40.0]
    assert eventually(lambda: (0, 2) in released(fake))
    assert (0, 0) not in released(fake)
    del derived
    assert next(batches)["X"][0, 0] == 50.0
    assert eventually(lambda: (0, 0) in released(fake))


def test_frames_of_several_large_arrays_go_with_the_last_of_them() -> None:
    n, width, nnz = 20, 1000, 30_000
    fields = [("dense", "float32", 1), ("csr", "float64", 3), ("dense", "float64", 1), ("column", "int64", 1)]
    schema = [
        {"name": str(i), "kind": kind, "dtype": dtype, "width": width, "buffers": buffers}
        for i, (kind, dtype, buffers) in enumerate(fields)
    ]
    sizes = [n * width * 4, (n + 1) * 4, nnz * 4, nnz * 8, n * width * 8, n * 8]
    at = [sum(aligned(s) for s in sizes[:i]) for i in range(len(sizes))]
    size, base = sum(map(aligned, sizes)), 128
    fd = os.memfd_create("loaderd-fake", os.MFD_CLOEXEC)
    os.truncate(fd, base + size)
    for number, (place, length) in enumerate(zip(at, sizes, strict=True)):
        os.pwrite(fd, bytes([number]) * length, base + place)
    segment, leases = Segment(fd, base + size), Leases()
    ready = {"gen": 0, "n": n, "base": base, "size": size, "at": at, "var": [nnz]}
    reader = Reader(schema)
    for seq, kept in enumerate(range(4)):
        x, csr, y, column = reader.read(ready | {"seq": seq}, segment, leases, hold=True)
        parts = [x, csr.indices, csr.data, y]
        assert [set(a.tobytes()) for a in (*parts, csr.indptr, column)] == [{0}, {2}, {3}, {4}, {1}, {5}]
        last = parts[kept][1:]
        del x, csr, y, parts
        gc.collect()
        assert leases.looked_at() == [(0, seq)]
        assert not leases.due(seq + 1)
        del last
        assert leases.looked_at() == []
        assert leases.due(seq + 1)
        assert column.base is None
    assert len(mappings()) == 1
    del segment
    assert mappings() == []


def test_masks_are_made_when_they_are_asked_for_and_keep_no_frame(fake: FakeDaemon, data: Any) -> None:
    batches = iter(data.loader(BATCH, to="torch"))
    first = next(batches)
    del first["X"]  # the batch stays, and what its masks are made of
    kept = [next(batches)["X"] for _ in range(2)]
    assert eventually(lambda: (0, 0) in released(fake))
    assert first.mask is first.mask
    assert first.mask["label"].tolist() == [True] * BATCH
    first.mask = {"label": None}
    assert first.mask == {"label": None}
    assert len(kept) == 2


def test_a_large_ring_is_given_back_in_several_frames_at_a_time(fake: FakeDaemon, data: Any) -> None:
    fake.frames = 8
    batches = iter(data.loader(BATCH, to="numpy"))
    stream = fake.connections[-1]
    assert eventually(lambda: None not in stream.frames.get(0, [None]))
    time.sleep(0.05)  # until the last is announced too
    assert [next(batches)["X"][0, 0] for _ in range(6)] == [10.0 * b for b in range(6)]
    assert eventually(lambda: len(released(fake)) == 4)
    assert [m["seqs"] for m in fake.messages("release")] == [[0, 1], [2, 3]]
    assert [b["X"][0, 0] for b in batches] == [60.0, 70.0, 80.0, 90.0]  # what is held back goes before a wait


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
