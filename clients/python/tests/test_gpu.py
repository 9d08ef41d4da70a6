"""Batches on their way to a GPU. Where there is none, nothing here runs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

import loaderd

PBMC = str(Path(__file__).parents[3] / "testdata" / "10x_pbmc68k_reduced.h5ad")

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """Have CUDA and its libraries open what they keep open, before a test counts descriptors."""
    model = torch.nn.Linear(8, 8).to("cuda")
    model(torch.zeros(8, 8).pin_memory().to("cuda", non_blocking=True)).sum().backward()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its sparse tensors a beta
        torch.zeros(8, 8).to_sparse_csr().to("cuda").to_dense()
    torch.cuda.synchronize()


@pytest.fixture
def data(daemon: Any) -> Any:
    with loaderd.mapped([PBMC, PBMC], layers_keys=["X", "raw.X"], obs_keys=["bulk_labels"]) as collection:
        yield collection


def same(found: Any, wanted: Any) -> None:
    assert list(found) == list(wanted)
    for key, value in wanted.items():
        assert found[key].layout == value.layout
        assert torch.equal(found[key].cpu().to_dense(), value.to_dense()), key


@pytest.mark.parametrize("form", ["dense", "csr"])
@pytest.mark.parametrize(
    "send",
    [
        lambda batch: batch.to("cuda"),
        lambda batch: batch.to("cuda", non_blocking=True),
        lambda batch: batch.pin_memory().to("cuda", non_blocking=True),
    ],
    ids=["in one go", "without waiting", "by way of pinned memory"],
)
def test_a_batch_on_the_gpu_is_the_batch(data: Any, form: str, send: Callable[[Any], Any]) -> None:
    plain = list(data.loader(batch_size=100, shuffle=True, seed=4, format=form))
    for sent, wanted in zip(data.loader(batch_size=100, shuffle=True, seed=4, format=form), plain, strict=True):
        there = send(sent)
        assert all(value.device.type == "cuda" for value in there.values())
        torch.cuda.synchronize()
        same(there, wanted)


@pytest.mark.parametrize("form", ["dense", "csr"])
def test_frames_may_go_as_soon_as_they_were_sent(data: Any, form: str) -> None:
    # Each frame is given back, and filled again, while the copies of many others are still under way.
    sums = [
        float(b["X"].to_dense().double().sum()) for b in data.loader(batch_size=16, shuffle=True, seed=1, format=form)
    ]
    there = []
    for batch in data.loader(batch_size=16, shuffle=True, seed=1, format=form, prefetch=1):
        there.append(batch.to("cuda", non_blocking=True)["X"])
        del batch
    torch.cuda.synchronize()
    assert [float(x.to_dense().double().sum()) for x in there] == sums


def test_pinned_copies_are_pinned_and_give_their_frames_back(data: Any) -> None:
    loader = data.loader(batch_size=16, shuffle=True, seed=1, prefetch=1)
    kept = [batch.pin_memory() for batch in loader]
    assert all(batch["X"].is_pinned() for batch in kept)
    assert loader.stats()["copied"] == 0


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stock_dataloader_pins_its_batches(data: Any, workers: int) -> None:
    batches = DataLoader(
        data, batch_size=128, pin_memory=True, num_workers=workers, multiprocessing_context="spawn" if workers else None
    )
    rows = 0
    for batch in batches:
        assert batch["X"].is_pinned()
        rows += len(batch["X"].to("cuda", non_blocking=True))
    assert rows == len(data)


def test_a_model_trains_on_the_gpu(data: Any) -> None:
    torch.manual_seed(0)
    width, kinds = data[0]["X"].shape[0], len(data.encoders["bulk_labels"])
    model = torch.nn.Linear(width, kinds).to("cuda")
    steps = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    loader = data.loader(batch_size=100, shuffle=True, seed=0)
    for _ in range(8):
        for batch in loader:
            there = batch.to("cuda", non_blocking=True)
            loss = torch.nn.functional.cross_entropy(model(there["X"]), there["bulk_labels"])
            steps.zero_grad()
            loss.backward()
            steps.step()
            losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
