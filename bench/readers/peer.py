"""One run of h5py or zarr-python, in a process of its own: ``python -m bench.readers.peer CASE PATH ARRAYS``.

Prints an answer as one line of JSON. The three arguments are JSON as well.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import sys
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.readers.cases import MB, Answer, Case

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]


def _h5py(path: str, arrays: list[str], cores: int) -> tuple[list[Any], dict[str, str]]:
    import h5py

    file = h5py.File(path, "r")
    return [_Dataset(file[name]) for name in arrays], {
        "h5py": importlib.metadata.version("h5py"),
        "HDF5": h5py.version.hdf5_version,
    }


class _Dataset:
    """A dataset of h5py, read into memory that is there, which is the fastest way that it has."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self._values = np.zeros(dataset.shape, dataset.dtype)

    def read(self) -> Any:
        self._dataset.read_direct(self._values)
        return self._values


def _zarr(path: str, arrays: list[str], cores: int) -> tuple[list[Any], dict[str, str]]:
    import zarr
    from numcodecs import blosc

    # As many threads as cores, and none of blosc's own beside them: faster here than its threads are.
    zarr.config.set({"threading.max_workers": cores, "async.concurrency": 10})
    blosc.set_nthreads(1)
    group = zarr.open_group(path, mode="r")
    return [_Array(group[name]) for name in arrays], {
        name: importlib.metadata.version(name) for name in ("zarr", "numcodecs")
    }


class _Array:
    """An array of zarr-python, read into memory that is there."""

    def __init__(self, array: Any) -> None:
        from zarr.core.buffer import default_buffer_prototype

        self._array = array
        self._buffer = default_buffer_prototype().nd_buffer.from_numpy_array(np.zeros(array.shape, array.dtype))

    def read(self) -> Any:
        self._array.get_basic_selection(..., out=self._buffer)
        return self._buffer.as_numpy_array()


_READERS: dict[str, Callable[[str, list[str], int], tuple[list[Any], dict[str, str]]]] = {
    "h5py": _h5py,
    "zarr-python": _zarr,
}


def measure(case: Case, path: str, arrays: list[str]) -> Answer:
    """Read all arrays twice into the same memory; the second time counts."""
    sources, versions = _READERS[case.reader](path, arrays, case.cores)
    seconds = cpu = 0.0
    values: list[Any] = []
    for _ in range(2):
        start, used = time.perf_counter(), time.process_time()
        values = [source.read() for source in sources]
        seconds, cpu = time.perf_counter() - start, time.process_time() - used
    return Answer(
        seconds=seconds,
        cpu=cpu,
        bytes=sum(value.nbytes for value in values),
        crc32=tuple(zlib.crc32(value) for value in values),
        peak=_peak(),
        versions=versions,
    )


def _peak() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / MB
    raise RuntimeError("/proc/self/status has no VmHWM")


def main() -> None:
    """Read the job from the command line, print the answer."""
    case, path, arrays = map(json.loads, sys.argv[1:])
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries that print must not spoil the answer
    with answer:
        print(json.dumps(dataclasses.asdict(measure(Case(**case), path, arrays))), file=answer)


if __name__ == "__main__":
    main()
