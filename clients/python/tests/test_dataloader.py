"""The stock ways of PyTorch work on a collection, and give what collating its rows one by one would give."""

from __future__ import annotations

import multiprocessing
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    RandomSampler,
    Subset,
    WeightedRandomSampler,
    default_collate,
    random_split,
)

import loaderd


def equal(found: Any, wanted: Any) -> None:
    """Compare batches: keys and their order, types, values."""
    assert list(found) == list(wanted)
    for key, value in wanted.items():
        if isinstance(value, torch.Tensor):
            assert found[key].dtype == value.dtype, key
            assert torch.equal(torch.nan_to_num(found[key], -5), torch.nan_to_num(value, -5)), key
        else:
            assert found[key] == value, key


KEYS: dict[str, Any] = {
    "layers_keys": ["X", "counts"],
    "obs_keys": ["donor", "kind", "depth", "score", "good", "note"],
    "encode_labels": ["donor", "kind"],
    "obsm_keys": ["pca"],
}


@pytest.mark.parametrize(
    "rows",
    [range(100), [5, 5, 149, 150, 299, -1], [200], [155, 2], [2, 155]],
    ids=["of one file", "repeated and from the end", "one", "of two files, later first", "of two files"],
)
def test_a_batch_is_what_collating_its_rows_would_be(mapped: Any, rows: Any) -> None:
    data = mapped(**KEYS)
    fetched = data.__getitems__(list(rows))
    wanted = default_collate([data[i] for i in rows])
    equal(default_collate(fetched), wanted)
    assert isinstance(default_collate(fetched), loaderd.Batch)
    equal(default_collate([dict(row) for row in fetched]), wanted)
    equal(default_collate(list(fetched)), wanted)


def test_missing_labels_come_as_the_reference_has_them(mapped: Any, files: Any) -> None:
    data = mapped(obs_keys="kind")
    codes = files.codes("kind")
    gone, there = codes.index(None), [i for i, c in enumerate(codes) if c is not None][:3]
    for rows in ([*there], [*there, gone], [gone, *there]):
        equal(default_collate(data.__getitems__(rows)), default_collate([data[i] for i in rows]))
    batch = default_collate(data.__getitems__([there[0], gone]))
    assert batch.mask["kind"].tolist() == [True, False]


def test_every_requested_key_is_in_a_batch_even_if_files_lack_it(mapped: Any, files: Any) -> None:
    data = mapped(obsm_keys="first", obs_keys="only_first", encode_labels=False, layers_keys=["X", "partial"])
    batch = default_collate(data.__getitems__([0, 150, 299]))
    assert list(batch) == ["_store_idx", "X", "partial", "obsm_first", "only_first"]
    assert batch["obsm_first"].isnan().all(dim=1).tolist() == [False, True, True]
    assert batch.mask["partial"].tolist() == [True, True, False]
    assert batch["only_first"].tolist()[0] == 0
    assert batch["only_first"].isnan().tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("workers", "start"),
    [(0, None), (2, "fork"), (2, "spawn")],
    ids=["no workers", "forked workers", "spawned workers"],
)
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_an_epoch_has_every_row_once(mapped: Any, files: Any, workers: int, start: Any) -> None:
    data = mapped(obs_keys=["kind", "donor"])
    data[0]  # connected before the fork
    x = files.matrix("inner")
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=workers, multiprocessing_context=start)
    for _ in range(1 if start == "spawn" else 2):
        seen = []
        for batch in loader:
            assert isinstance(batch, loaderd.Batch)
            for row, store in zip(batch["X"].numpy(), batch["_store_idx"], strict=True):
                (i,) = np.flatnonzero((x == row).all(axis=1))
                assert files.store[i] == store
                seen.append(i)
        assert sorted(seen) == list(range(files.n_obs))
    assert data[3]["_store_idx"] == 0


def test_persistent_workers_keep_their_connection(mapped: Any, files: Any) -> None:
    data = mapped()
    loader = DataLoader(data, batch_size=50, num_workers=2, persistent_workers=True, prefetch_factor=4)
    for _ in range(3):
        assert sum(len(b["X"]) for b in loader) == files.n_obs
    del loader


def test_subset_random_split_concat_and_samplers(mapped: Any, files: Any) -> None:
    data = mapped(obs_keys="donor")
    x = torch.from_numpy(files.matrix("inner"))
    picked = list(range(299, 0, -7))
    (batch,) = DataLoader(Subset(data, picked), batch_size=300)
    assert torch.equal(batch["X"], x[picked])
    parts = random_split(data, [200, 100], generator=torch.Generator().manual_seed(0))
    for part in parts:
        (batch,) = DataLoader(part, batch_size=300)
        assert torch.equal(batch["X"], x[list(part.indices)])
    both = ConcatDataset([data, Subset(data, [1, 2])])
    (batch,) = DataLoader(both, batch_size=400)
    assert torch.equal(batch["X"], torch.cat([x, x[[1, 2]]]))
    for sampler in (RandomSampler(data), WeightedRandomSampler(torch.ones(len(data)), 300)):
        assert sum(len(b["X"]) for b in DataLoader(data, batch_size=64, sampler=sampler)) == 300
    whole = DataLoader(data, sampler=BatchSampler(RandomSampler(data), 64, drop_last=True), batch_size=None)
    with pytest.raises(TypeError, match="DataLoader and loader"):
        next(iter(whole))  # this passes lists to [i], which takes one


def test_a_custom_collation_sees_rows(mapped: Any, files: Any) -> None:
    def collate(rows: Any) -> Any:
        assert len(rows) == len(list(rows))
        return torch.stack([torch.from_numpy(row["X"]) for row in rows]), [row["donor"] for row in rows]

    loader = DataLoader(mapped(obs_keys="donor"), batch_size=100, collate_fn=collate)
    x, donors = zip(*loader, strict=True)
    assert np.array_equal(torch.cat(x).numpy(), files.matrix("inner"))
    assert sum(donors, []) == files.codes("donor")


class Doubled(Dataset[Any]):
    """A dataset around a dataset, which changes rows before they are collated."""

    def __init__(self, inner: Any, in_place: bool) -> None:
        self.inner, self.in_place = inner, in_place

    def __len__(self) -> int:
        return len(self.inner)

    def __getitems__(self, indices: list[int]) -> Any:
        rows = self.inner.__getitems__(indices)
        for row in rows:
            if self.in_place:
                row["X"] *= 2
            else:
                row["X"] = row["X"] * 2
                row["extra"] = 1
        return rows


@pytest.mark.parametrize("in_place", [False, True], ids=["replaced", "in place"])
def test_rows_that_were_changed_are_collated_as_changed(mapped: Any, files: Any, in_place: bool) -> None:
    (batch,) = DataLoader(Doubled(mapped(), in_place), batch_size=300)
    assert np.array_equal(batch["X"].numpy(), files.matrix("inner") * 2)
    assert ("extra" in batch) is not in_place


@pytest.mark.parametrize("change", ["update", "pop", "popitem", "clear", "setdefault", "del", "ior"])
def test_any_change_of_a_row_is_noticed(mapped: Any, change: str) -> None:
    rows = mapped().__getitems__([0, 1])
    row = rows[1]
    if change == "update":
        row.update(X=np.zeros(1))
    elif change == "del":
        del row["X"]
    elif change == "ior":
        row |= {"X": np.zeros(1)}
    else:
        getattr(row, change)(*{"pop": ["X"], "setdefault": ["Y", 1]}.get(change, []))
    assert rows.collate() is None


def test_rows_behave_as_a_list(mapped: Any) -> None:
    rows = mapped().__getitems__([4, 5, 6])
    assert len(rows) == 3
    assert rows[-1] is rows[2]
    assert [r["_store_idx"] for r in rows[1:]] == [0, 0]
    with pytest.raises(IndexError):
        rows[3]
    again = pickle.loads(pickle.dumps(rows))
    assert type(again) is list
    assert np.array_equal(again[1]["X"], rows[1]["X"])


def test_no_rows_are_an_empty_list(mapped: Any) -> None:
    assert mapped().__getitems__([]) == []


@pytest.mark.parametrize("options", [{"batch_size": None}, {}], ids=["batch_size=None", "the default batch_size"])
def test_a_loader_is_an_iterable_dataset(mapped: Any, files: Any, options: Any) -> None:
    loader = mapped(obs_keys="kind").loader(70, shuffle=True, seed=5)
    stock = DataLoader(loader, **options)
    batches = list(stock)
    again = list(mapped(obs_keys="kind").loader(70, shuffle=True, seed=5))
    for found, wanted in zip(batches, again, strict=True):
        assert isinstance(found, loaderd.Batch)
        equal(found, wanted)
        equal(found.mask, wanted.mask)
    assert torch.cat([b["_idx"] for b in stock]).tolist() != torch.cat([b["_idx"] for b in batches]).tolist()
    if options:
        assert len(stock) == len(loader)


def test_a_loader_of_batches_is_not_batched_again(mapped: Any) -> None:
    with pytest.raises(loaderd.InvalidArgument, match="batch_size=None"):
        next(iter(DataLoader(mapped().loader(10), batch_size=4)))


def test_a_loader_refuses_to_run_in_workers(mapped: Any) -> None:
    stock = DataLoader(mapped().loader(10), batch_size=None, num_workers=2)
    workers = iter(stock)
    with pytest.raises(loaderd.InvalidArgument, match="num_workers=0"):
        next(workers)
    workers._shutdown_workers()  # at once; the garbage collector would find their queues gone, and wait for them


def test_a_batch_pickles_with_its_masks(mapped: Any) -> None:
    batch = next(iter(mapped(obs_keys="kind").loader(200)))
    again = pickle.loads(pickle.dumps(batch))
    equal(again, batch)
    equal(again.mask, batch.mask)
    moved = batch.to("cpu", non_blocking=True)
    assert isinstance(moved, loaderd.Batch)
    equal(moved, batch)
    equal(batch.to(torch.float64), {k: v.to(torch.float64) for k, v in batch.items()})


def test_a_batch_without_tensors_cannot_move(mapped: Any) -> None:
    batch = next(iter(mapped().loader(20, to="numpy")))
    with pytest.raises(loaderd.InvalidArgument, match="no tensors"):
        batch.to("cpu")


def test_a_pickled_collection_is_small_and_attaches_again(mapped: Any, files: Any) -> None:
    data = mapped(**KEYS)
    arguments = pickle.dumps([[str(p) for p in files.paths], KEYS])
    pickled = pickle.dumps(data)
    assert len(pickled) - len(arguments) < 4096
    again = pickle.loads(pickled)
    assert (len(again), again.shape, repr(again)) == (len(data), data.shape, repr(data))
    assert np.array_equal(again[4]["X"], data[4]["X"])
    assert again.encoders == data.encoders
    assert list(again.var_joint) == list(data.var_joint)
    again.close()


def work(data: Any, row: int, answers: Any) -> None:
    answers.put((data[row]["X"].tolist(), len(list(data.loader(100)))))
    data.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
def test_a_collection_works_in_a_process_of_any_kind(mapped: Any, files: Any, start: str) -> None:
    data = mapped()
    context = multiprocessing.get_context(start)
    answers = context.Queue()
    process = context.Process(target=work, args=(data, 7, answers))
    process.start()
    row, batches = answers.get(timeout=60)
    process.join()
    assert process.exitcode == 0
    process.close()
    answers.close()
    assert row == files.matrix("inner")[7].tolist()
    assert batches == 3
    assert data[7]["X"].tolist() == row
