"""Train a cell type classifier on real cells, read through the daemon.

The 10x PBMC file is cut into five h5ad files of 140 cells, as five samples would come from a lab: each has lost some
genes, so the gene lists differ and overlap. ``loaderd.mapped`` joins them, the loader shuffles all cells of all files,
and a small network learns ``bulk_labels``. Every fifth cell is held out.

Run it with ``make demo``. All it makes, the daemon's socket and log included, stands in one temporary folder that goes
away at the end, and the daemon is stopped. ``--json FILE`` writes the closing numbers down.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

import anndata
import numpy as np
import torch
from torch.nn import functional
from tqdm import tqdm

import loaderd

SOURCE = Path(__file__).resolve().parents[3] / "testdata" / "10x_pbmc68k_reduced.h5ad"
LABEL = "bulk_labels"
PIECES = 5
KEEP_GENE = 0.92  # the chance of a gene to be in a piece
HELD_OUT = 5  # every so many-th cell


@dataclass
class Clock:
    """Seconds by what they were spent on."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)

    def add(self, what: str) -> None:
        """Count the time since the last call as spent on ``what``."""
        now = time.perf_counter()
        self.seconds[what] = self.seconds.get(what, 0.0) + now - self._since
        self._since = now


@dataclass
class Result:
    """What the run came to."""

    cells: int
    genes: int
    epochs: int
    cells_per_second: float
    accuracy: float
    majority: float
    seconds: dict[str, float]
    daemon_pid: int


def cut(source: Path, folder: Path, pieces: int = PIECES, seed: int = 0) -> list[Path]:
    """Cut ``source`` into h5ad files whose ``X`` is its ``raw.X`` over some of its cells and genes.

    Cells are dealt out at random. Within a row, the stored values keep the order of the source, which is not ascending
    by gene: files like that exist, and the demo would be too easy without.
    """
    whole = anndata.read_h5ad(source)
    rng = np.random.default_rng(seed)
    paths = []
    for i, cells in enumerate(np.array_split(rng.permutation(whole.n_obs), pieces)):
        genes = np.flatnonzero(rng.random(whole.raw.n_vars) < KEEP_GENE)
        piece = anndata.AnnData(
            X=whole.raw.X[cells][:, genes], obs=whole.obs.iloc[cells][[LABEL]], var=whole.raw.var.iloc[genes]
        )
        paths.append(folder / f"sample_{i + 1}.h5ad")
        piece.write_h5ad(paths[-1])
    return paths


def held_out(rows: torch.Tensor) -> torch.Tensor:
    """Tell which of ``rows`` (positions in the whole collection) the network must not learn from."""
    return rows % HELD_OUT == 0


def network(genes: int, classes: int) -> torch.nn.Module:
    """Make a small network: gene expression in, a score for each class out."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # on so little work, several would mostly wait for each other
    return torch.nn.Sequential(
        torch.nn.Linear(genes, 64), torch.nn.ReLU(), torch.nn.Dropout(0.3), torch.nn.Linear(64, classes)
    )


def train(mapped: loaderd.MappedCollection, epochs: int, batch_size: int, clock: Clock) -> torch.nn.Module:
    """Learn ``LABEL`` from the cells that are not held out."""
    model = network(len(mapped.var_joint), len(mapped.encoders[LABEL]))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    clock.add("making the model")  # mostly PyTorch's own first-time imports
    loader = mapped.loader(batch_size=batch_size, shuffle=True, seed=0)
    with tqdm(total=epochs * len(mapped), unit="cell", desc="training", mininterval=0.2) as bar:
        for _ in range(epochs):
            for batch in loader:  # each turn of the outer loop is the next epoch, in a new order
                clock.add("waiting for batches")
                learn = ~held_out(batch["_idx"])
                loss = functional.cross_entropy(model(batch["X"][learn]), batch[LABEL][learn])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                bar.update(len(learn))
                clock.add("training step")
            bar.set_postfix(loss=f"{loss.item():.3f}")
    return model


def evaluate(mapped: loaderd.MappedCollection, model: torch.nn.Module) -> tuple[float, float]:
    """Give the accuracy on held-out cells, and that of always answering with the largest class."""
    model.eval()
    right, truth = [], []
    with torch.no_grad():
        for batch in mapped.loader(batch_size=256, shuffle=False):
            test = held_out(batch["_idx"])
            labels = batch[LABEL][test]
            right.append(model(batch["X"][test]).argmax(1) == labels)
            truth.append(labels)
    counts = torch.bincount(torch.cat(truth))
    return torch.cat(right).float().mean().item(), (counts.max() / counts.sum()).item()


def run(folder: Path, epochs: int = 12, batch_size: int = 64) -> Result:
    """Cut, train, evaluate, stop the daemon. Everything made stands in ``folder``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the file's layout is anndata 0.6's, and the like
        paths = cut(SOURCE, folder)
    clock = Clock()
    try:
        with loaderd.mapped(paths, obs_keys=[LABEL], join="inner") as mapped:
            clock.add("start-up")  # of the daemon, and reading what the files say of themselves
            genes = ", ".join(map(str, mapped.n_vars_list or []))
            print(f"{len(paths)} files with {genes} genes: {mapped.n_obs} cells × {mapped.n_vars} shared genes")
            pid = loaderd.status()["pid"]
            model = train(mapped, epochs, batch_size, clock)
            accuracy, majority = evaluate(mapped, model)
            clock.add("held-out cells")
            trained = epochs * len(mapped)
            spent = clock.seconds["waiting for batches"] + clock.seconds["training step"]
            return Result(
                cells=len(mapped),
                genes=len(mapped.var_joint),
                epochs=epochs,
                cells_per_second=trained / spent,
                accuracy=accuracy,
                majority=majority,
                seconds=clock.seconds,
                daemon_pid=pid,
            )
    finally:
        loaderd.stop()


def show(result: Result) -> None:
    """Print the closing lines."""
    total = sum(result.seconds.values())
    print(f"cells per second     {result.cells_per_second:>10,.0f}   ({result.epochs} epochs of {result.cells} cells)")
    print(f"held-out accuracy    {result.accuracy:>10.1%}   (the largest class alone: {result.majority:.1%})")
    for what, seconds in result.seconds.items():
        print(f"{what:<20} {seconds:>9.2f}s   {seconds / total:.0%}")


def main() -> int:
    """Run the demo in a temporary folder of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the closing numbers there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loaderd-demo-") as name:
        folder = Path(name)
        runtime = folder / "run"
        os.environ["LOADERD_RUNTIME_DIR"] = str(runtime)
        os.environ["LOADERD_STATE_DIR"] = str(folder / "state")
        os.environ["LOADERD_ROWSTORE"] = str(folder / "rows")
        os.environ["LOADERD_SOCKET"] = str(runtime / "demo.sock")
        result = run(folder, options.epochs, options.batch_size)
    show(result)
    if options.json:
        options.json.write_text(json.dumps(asdict(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
