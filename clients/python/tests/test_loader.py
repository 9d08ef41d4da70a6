"""Epochs, ranks, options and states of loaders."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest
import torch

import loaderd


def rows(loader: Any) -> list[list[int]]:
    """List the rows of each batch of one epoch."""
    return [np.asarray(batch["_idx"]).tolist() for batch in loader]


def flat(batches: list[list[int]]) -> list[int]:
    return [row for batch in batches for row in batch]


@pytest.mark.parametrize("batch_size", [1, 7, 100, 299, 300, 301, 1000])
@pytest.mark.parametrize("drop_last", [False, True])
def test_len_is_the_number_of_batches_and_every_row_comes_once(
    mapped: Any, files: Any, batch_size: int, drop_last: bool
) -> None:
    loader = mapped().loader(batch_size, shuffle=True, seed=9, drop_last=drop_last)
    batches = rows(loader)
    assert len(batches) == len(loader) == (300 // batch_size if drop_last else -(-300 // batch_size))
    assert all(len(b) == batch_size for b in batches[:-1] + batches[-1:] * drop_last)
    assert len(set(flat(batches))) == len(flat(batches)) == (300 // batch_size * batch_size if drop_last else 300)


def test_sequential_order_is_that_of_the_files(mapped: Any) -> None:
    loader = mapped().loader(64)
    assert [flat(rows(loader)) for _ in range(2)] == [list(range(300))] * 2


def test_each_iteration_is_the_next_epoch_and_set_epoch_overrides(mapped: Any) -> None:
    data = mapped()
    loader = data.loader(64, shuffle=True, seed=1)
    assert loader.epoch == 0
    epochs = [rows(loader) for _ in range(3)]
    assert len({tuple(flat(e)) for e in epochs}) == 3
    assert all(sorted(flat(e)) == list(range(300)) for e in epochs)
    assert loader.epoch == 3
    loader.set_epoch(1)
    assert rows(loader) == epochs[1]
    assert rows(loader) == epochs[2]
    again = data.loader(64, shuffle=True, seed=1)
    again.set_epoch(2)
    assert rows(again) == epochs[2]
    assert rows(data.loader(64, shuffle=True, seed=2)) != epochs[0]


def test_an_iteration_that_was_left_counts_as_an_epoch(mapped: Any) -> None:
    data = mapped()
    loader = data.loader(64, shuffle=True, seed=1)
    for _ in loader:
        break
    other = data.loader(64, shuffle=True, seed=1)
    other.set_epoch(1)
    assert rows(loader) == rows(other)


def test_a_seed_is_drawn_and_shown(mapped: Any) -> None:
    data = mapped()
    loader, other = data.loader(64, shuffle=True), data.loader(64, shuffle=True)
    assert loader.seed != other.seed
    assert f"seed={loader.seed}" in repr(loader)
    assert rows(data.loader(64, shuffle=True, seed=loader.seed)) == rows(loader)


@pytest.mark.parametrize("seed", [0, 1, (1 << 64) - 1, np.int64(5)])
def test_seeds_are_64_bits(mapped: Any, seed: Any) -> None:
    assert sorted(flat(rows(mapped().loader(100, shuffle=True, seed=seed)))) == list(range(300))


@pytest.mark.parametrize("world", [2, 3, 7])
@pytest.mark.parametrize("batch_size", [11, 50])
@pytest.mark.parametrize("drop_last", [False, True])
def test_ranks_share_the_global_batches(mapped: Any, world: int, batch_size: int, drop_last: bool) -> None:
    data = mapped()
    options: Any = {"shuffle": True, "seed": 3, "drop_last": drop_last}
    whole = rows(data.loader(batch_size * world, **options))
    ranks = [data.loader(batch_size, rank=r, world_size=world, **options) for r in range(world)]
    found = [list(loader) for loader in ranks]
    assert {len(f) for f in found} == {len(whole)} == {len(ranks[0])}
    for b, wanted in enumerate(whole):
        parts = [f[b] for f in found]
        assert len({len(p["_idx"]) for p in parts}) == 1
        real = [p["_idx"][p.mask["_idx"]] if "_idx" in p.mask else p["_idx"] for p in parts]
        dealt = [wanted[r::world] for r in range(world)]
        assert [r.tolist() for r in real] == dealt
        for part in parts:
            if "_idx" in part.mask:
                repeated = part["_idx"][~part.mask["_idx"]].tolist()
                assert set(repeated) <= {wanted[0]}


def test_rank_and_world_size_come_from_the_launcher(mapped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = mapped()
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert rows(data.loader(10)) == rows(data.loader(10, rank=2, world_size=3))
    assert "rank=2, world_size=3" in repr(data.loader(10))
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    assert rows(data.loader(10)) == rows(data.loader(10, rank=0, world_size=2))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"batch_size": 0}, "batch_size=0; it is a whole number, at least 1"),
        ({"batch_size": 2.5}, "batch_size=2.5"),
        ({"batch_size": True}, "batch_size=True"),
        ({"shuffle": "exact"}, "shuffle='exact'"),
        ({"shuffle": True, "seed": -1}, "seed=-1"),
        ({"shuffle": True, "seed": 1 << 64}, "seed=18446744073709551616"),
        ({"rank": 3, "world_size": 3}, "rank=3 of world_size=3"),
        ({"rank": 1}, "rank=1 of world_size=1"),
        ({"world_size": 0}, "world_size=0"),
        ({"shuffle": True, "rank": 0, "world_size": 2}, "same seed"),
        ({"format": "cSr"}, "did you mean 'csr'"),
        ({"to": "tensorflow"}, "to='tensorflow'"),
        ({"dtype": "complex64"}, "dtype='complex64'"),
        ({"dtype": "no such"}, "dtype='no such'"),
        ({"dtype": torch.bfloat16, "to": "numpy"}, "bfloat16"),
        ({"prefetch": -1}, "prefetch=-1"),
        ({"drop_last": "yes"}, "drop_last='yes'"),
    ],
    ids=str,
)
def test_bad_options_are_named(mapped: Any, options: Any, match: str) -> None:
    with pytest.raises(loaderd.InvalidArgument) as caught:
        mapped().loader(**options)
    assert match in str(caught.value)


def test_prefetch_and_stats(mapped: Any) -> None:
    loader = mapped().loader(60, prefetch=5)
    batches = iter(loader)
    batch = next(batches)
    stats = loader.stats()
    assert {"batches": 1, "rows": 60, "epoch": 0, "position": 60, "held": 1}.items() <= stats.items()
    assert stats["daemon"]["frames"] == 7
    assert stats["daemon"]["steps"] == 5
    del batch
    assert len(list(batches)) == 4  # what came meanwhile was kept
    assert loader.stats()["daemon"] is None
    assert loader.stats()["rows"] == 300


def test_default_target_is_torch_where_it_is_imported(mapped: Any) -> None:
    assert isinstance(next(iter(mapped().loader(5)))["X"], torch.Tensor)


# --- states -----------------------------------------------------------------------------------------------------


def test_a_state_is_small_and_plain(mapped: Any) -> None:
    loader = mapped().loader(64, shuffle=True, seed=1)
    state = loader.state_dict()
    assert json.loads(json.dumps(state)) == state
    assert len(json.dumps(state)) < 250
    assert (state["epoch"], state["position"]) == (0, 0)


def test_a_state_counts_what_was_yielded_not_what_was_prepared(mapped: Any) -> None:
    loader = mapped().loader(64, shuffle=True, seed=1)
    positions = [loader.state_dict()["position"]]
    for _ in loader:
        positions.append(loader.state_dict()["position"])
    assert positions == [0, 64, 128, 192, 256, 0]
    assert loader.state_dict()["epoch"] == 1


@pytest.mark.parametrize("trial", range(12))
def test_any_cuts_at_any_world_sizes_give_the_uninterrupted_stream(mapped: Any, trial: int) -> None:
    rng = random.Random(trial)
    data = mapped()
    shuffle, drop_last, seed = rng.random() < 0.8, False, rng.randrange(1 << 64)
    wanted = []
    for epoch in range(3):
        loader = data.loader(300, shuffle=shuffle, seed=seed)
        loader.set_epoch(epoch)
        wanted += flat(rows(loader))
    state, found = None, []
    while len(found) < len(wanted):
        world = rng.choice([1, 1, 2, 3, 5])
        options: Any = {"shuffle": shuffle, "seed": seed, "drop_last": drop_last, "world_size": world}
        size = rng.randrange(1, 90)
        ranks = [data.loader(size, rank=r, **options) for r in range(world)]
        if state is not None:
            for loader in ranks:
                loader.load_state_dict(state)
        steps = rng.randrange(1, 9)
        streams = [iter(loader) for loader in ranks]
        for _ in range(steps):
            parts = [next(stream, None) for stream in streams]
            if parts[0] is None:
                break
            kept = [p["_idx"][p.mask["_idx"]] if "_idx" in p.mask else p["_idx"] for p in parts]
            width = max(map(len, kept))
            found += [int(k[i]) for i in range(width) for k in kept if i < len(k)]
        states = [loader.state_dict() for loader in ranks]
        assert all(s == states[0] for s in states)
        state = json.loads(json.dumps(states[0]))
    assert found[: len(wanted)] == wanted


def test_a_state_at_the_end_of_an_epoch_starts_the_next(mapped: Any) -> None:
    data = mapped()
    for drop_last in (False, True):
        loader = data.loader(64, shuffle=True, seed=1, drop_last=drop_last)
        batches = iter(loader)
        for _ in range(len(loader)):
            next(batches)
        again = data.loader(64, shuffle=True, seed=1, drop_last=drop_last)
        again.load_state_dict(loader.state_dict())
        next_epoch = data.loader(64, shuffle=True, seed=1, drop_last=drop_last)
        next_epoch.set_epoch(1)
        assert rows(again) == rows(next_epoch)


def test_set_epoch_to_the_epoch_of_a_loaded_state_keeps_its_position(mapped: Any) -> None:
    loader = mapped().loader(64, shuffle=True, seed=1)
    batches = iter(loader)
    next(batches)
    state = loader.state_dict()
    rest = rows(batches)
    loader.load_state_dict(state)
    loader.set_epoch(0)
    assert rows(loader) == rest
    loader.load_state_dict(state)
    loader.set_epoch(1)
    assert len(rows(loader)) == 5


def test_a_state_brings_its_seed_if_none_was_given(mapped: Any) -> None:
    data = mapped()
    loader = data.loader(64, shuffle=True)
    batches = iter(loader)
    next(batches)
    state = loader.state_dict()
    again = data.loader(64, shuffle=True)
    again.load_state_dict(state)
    assert again.seed == loader.seed
    assert rows(again) == rows(batches)
    assert again.state_dict()["epoch"] == 1


def test_a_state_that_does_not_fit_is_refused_with_the_reason(mapped: Any, files: Any) -> None:
    data = mapped(obs_keys="kind")
    state = data.loader(64, shuffle=True, seed=1).state_dict()
    refused = {
        "dataset": mapped(files.paths[:2], obs_keys="kind").loader(64, shuffle=True, seed=1),
        "spec": mapped(obs_keys="donor").loader(64, shuffle=True, seed=1),
        "seed": data.loader(64, shuffle=True, seed=2),
    }
    for what, loader in refused.items():
        with pytest.raises(loaderd.InvalidArgument, match=f"the state's {what} is"):
            loader.load_state_dict(state)
    with pytest.raises(loaderd.InvalidArgument, match="the state's spec is"):
        data.loader(64).load_state_dict(state)
    fits = data.loader(64, shuffle=True, seed=1)
    for broken in (
        {},
        {"epoch": 1},
        state | {"position": -1},
        state | {"position": 301},
        state | {"version": 99},
        None,
    ):
        with pytest.raises(loaderd.InvalidArgument):
            fits.load_state_dict(broken)
    fits.load_state_dict(state)


def test_other_forms_and_batch_sizes_go_on_at_the_same_row(mapped: Any) -> None:
    data = mapped()
    loader = data.loader(50, shuffle=True, seed=1)
    batches = iter(loader)
    seen = [next(batches), next(batches)]
    other = data.loader(33, shuffle=True, seed=1, format="csr", to="scipy", dtype="float64")
    other.load_state_dict(loader.state_dict())
    assert flat(rows(seen)) + flat(rows(other)) == flat(rows(data.loader(300, shuffle=True, seed=1)))
