"""The bare loop: what is left of delivering batches when everything that can be left out is."""

from __future__ import annotations

import contextlib
import ctypes
import json
import mmap
import os
import socket
import subprocess
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.check import Sample
from bench.job import Case
from bench.peers._base import Interpreter, Peer, Source
from bench.peers._dataloader import row_sums, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.job import Job

__all__ = ["PEER"]

_VARIANTS = (("dense", 2, 1), ("dense", 3, 2), ("dense", 4, 2), ("csr", 8, 2), ("csr", 16, 2), ("csr", 32, 2))
_QUICK = (4, 16)  # slots


_WAIT = 120.0  # seconds until the program has encoded its rows


class _Ring:
    """The ring of a running program, and what is delivered from it.

    Parameters
    ----------
    peer
        The socket to the program.
    job
        What is asked for.
    """

    def __init__(self, peer: socket.socket, job: Job) -> None:
        peer.settimeout(_WAIT)
        line, descriptors, _, _ = socket.recv_fds(peer, 4096, 1)
        if not descriptors:
            raise RuntimeError("bareloop ended before it had a ring")
        self._about = json.loads(line)
        self._memory = mmap.mmap(descriptors[0], self._about["size"])
        os.close(descriptors[0])
        peer.settimeout(None)
        self._peer = peer
        self._batch = job.batch
        self._csr = job.format == "csr"
        self.delivers = "CSR torch, no labels" if self._csr else "dense torch, no labels"

    def epoch(self, number: int) -> Iterator[Any]:
        """Give batches without end."""
        import torch

        held: dict[int, Any] = {}
        give_back = [self._releaser(slot) for slot in range(256)]
        size, batch, columns = self._about["slot"], self._batch, self._about["columns"]
        indices, values = self._about["indices"], self._about["values"]
        buffer_type = ctypes.c_char * size
        while True:
            full = self._peer.recv(64)
            if not full:
                raise RuntimeError("bareloop has ended")
            for slot in full:
                buffer = buffer_type.from_buffer(self._memory, slot * size)
                held[slot] = weakref.ref(buffer, give_back[slot])
                if self._csr:
                    pointers = np.frombuffer(buffer, np.int32, batch + 1)
                    count = int(pointers[-1])
                    x = torch.sparse_csr_tensor(
                        torch.from_numpy(pointers),
                        torch.from_numpy(np.frombuffer(buffer, np.int32, count, indices)),
                        torch.from_numpy(np.frombuffer(buffer, np.float32, count, values)),
                        size=(batch, columns),
                        check_invariants=False,
                    )
                    del pointers
                else:
                    x = torch.from_numpy(np.frombuffer(buffer, np.float32, batch * columns).reshape(batch, columns))
                del buffer
                yield x
                del x

    def _releaser(self, slot: int) -> Callable[[Any], None]:
        message = bytes([slot])

        def release(_: Any) -> None:
            with contextlib.suppress(OSError):  # after the end there is nobody to tell
                self._peer.send(message)

        return release

    def cells(self, batch: Any) -> int:
        """Return the number of rows."""
        return self._batch

    def sample(self, batch: Any) -> Sample:
        """Return sums."""
        return Sample(row_sums(batch))


class BareLoopPeer(Peer):
    """The Go program of bench/bareloop, and views of its ring that are dropped at once.

    Rows are drawn with replacement, so that nothing has to be remembered, and there are no labels.
    """

    interpreter = Interpreter.PROJECT
    modules = ("torch",)
    prepared_by = "scipy_memory"

    def cases(self) -> list[Case]:
        """Return some sizes of the ring; the best one is the limit."""
        return [
            Case(
                f"bare loop, {form}, {slots} slots, {workers} worker{'s' if workers > 1 else ''}",
                "bare_ring",
                mode=f"{slots} {workers}",
                formats=("csr",) if form == "csr" else ("dense",),
                role="limit",
                quick=slots in _QUICK,
            )
            for form, slots, workers in _VARIANTS
        ]

    @contextlib.contextmanager
    def open(self, job: Job) -> Iterator[Source]:
        """Start the program, and map its ring."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        slots, workers = job.case.mode.split()
        command = [f"{job.tools}/bareloop", str(job.prepared), job.format, str(job.batch), slots, workers]
        with theirs:
            words = [*command, str(job.seed), str(theirs.fileno())]
            process = subprocess.Popen(words, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        try:
            yield _Ring(ours, job)
        finally:
            ours.shutdown(socket.SHUT_RDWR)
            process.wait()

    def versions(self) -> dict[str, str]:
        """Return those of torch and numpy."""
        return versions()


PEER: Peer = BareLoopPeer()
