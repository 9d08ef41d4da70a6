"""What a ready batch costs its consumer: the CPU time of one thread, where messages are queued, and where it goes.

A daemon announces a ring of batches; what it said is then said again, as often as is wanted, from the other end of a
socket in the same process. So the consumer never waits, and nothing runs but itself.
"""

from __future__ import annotations

import array
import contextlib
import dataclasses
import gc
import itertools
import json
import os
import socket
import statistics
import struct
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.job import Job
from bench.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["CASES", "MOST", "STAGES", "Cost", "Recording", "cost", "main", "record", "table"]

#: (format, batches announced at a time).
CASES = tuple(itertools.product(("dense", "csr"), (1, 2, 4, 8)))
MOST = {"dense": 40.0, "csr": 45.0}  # µs, in a warm cache
_FRAMES = 16
_STEP_BYTES = 16 << 20  # read, and as many written, between batches: more than a second-level cache holds
STAGES = ("receive", "arrays", "tensors", "release")


@dataclasses.dataclass(frozen=True)
class Recording:
    """What a daemon sent at the start of a stream.

    Parameters
    ----------
    source, encoded, options
        Of the loader.
    started
        The first message.
    ready
        The next ones, a ring of them.
    ring
        A descriptor of the ring.
    """

    source: Any
    encoded: list[str]
    options: Any
    started: dict[str, Any]
    ready: list[dict[str, Any]]
    ring: int


@contextlib.contextmanager
def record(dataset: Any, form: str, batch: int, seed: int) -> Iterator[Recording]:
    """Have the daemon fill a ring, and keep what it says and the ring."""
    from loaderd import _stream

    loader = dataset.loader(
        batch, shuffle=True, seed=seed, format=form, dtype="float32", to="torch", prefetch=_FRAMES - 2
    )
    options = loader._options
    channel = loader._source.attach()
    try:
        channel.send(_stream._start_message(options, 0, 0, follow=False))
        messages = [message for _ in range(1 + _FRAMES) if (message := channel.receive())]
        ring = channel.take_fd()
    finally:
        channel.close()
    try:
        yield Recording(loader._source, loader._encoded, options, messages[0], messages[1:], ring)
    finally:
        os.close(ring)


class _Feed:
    """The daemon's end of a connection."""

    def __init__(self, recording: Recording) -> None:
        import msgpack

        self._pack = msgpack.packb
        self._recording = recording
        self._sock: socket.socket | None = None
        self._seq = 0
        # The loader's source attaches to a daemon; its copy attaches here.
        self.source = dataclasses.replace(recording.source)
        self.source.attach = self._attach

    def _attach(self, **_: Any) -> Any:
        from loaderd._wire import Channel

        self.close()
        ours, theirs = socket.socketpair()
        started = self._recording.started | {"steps": 1 << 40, "frames": len(self._recording.ready)}
        fds = array.array("i", [self._recording.ring])
        ours.sendmsg([self._framed(started)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        ours.setblocking(False)
        self._sock, self._seq = ours, 0
        channel = Channel(theirs)
        channel.greeted(os.getpid())
        return channel

    def _framed(self, message: dict[str, Any]) -> bytes:
        body: bytes = self._pack(message)
        return struct.pack("<I", len(body)) + body

    def announce(self, batches: int) -> None:
        """Announce so many batches in one write, as a daemon does that is ahead; take what was released."""
        assert self._sock is not None
        with contextlib.suppress(BlockingIOError):
            while self._sock.recv(1 << 16):
                pass
        ready = self._recording.ready
        data = b""
        for _ in range(batches):
            data += self._framed(ready[self._seq % len(ready)] | {"seq": self._seq})
            self._seq += 1
        self._sock.sendall(data)

    def close(self) -> None:
        """Hang up. May be called again."""
        if self._sock is not None:
            self._sock.close()


@dataclasses.dataclass(frozen=True)
class Cost:
    """CPU time of the consumer's thread for one batch, in µs; medians.

    Parameters
    ----------
    format
        Of batches.
    queued
        Batches that were announced at a time.
    warm
        Batch after batch.
    after_step
        After a step that went through more memory than the second-level cache holds, as a training step does.
    stages
        Of a warm batch: receiving its message, making arrays, making tensors of them, giving its frame back.
    """

    format: str
    queued: int
    warm: float
    after_step: float
    stages: dict[str, float]


def cost(recording: Recording, queued: int, rounds: int = 2000) -> Cost:
    """Measure batches that are announced so many at a time.

    Parameters
    ----------
    recording
        What is announced.
    queued
        How many at a time.
    rounds
        How often; a tenth as often after a step.
    """
    feed = _Feed(recording)
    try:
        gc.collect()
        warm = _whole(feed, recording, queued, rounds, step=False)
        after = _whole(feed, recording, queued, max(1, rounds // 10), step=True)
        return Cost(recording.options.format, queued, warm, after, _stages(feed, recording, queued, rounds))
    finally:
        feed.close()


def _whole(feed: _Feed, recording: Recording, queued: int, rounds: int, *, step: bool) -> float:
    """Go through batches as a ``for`` loop does, looking at X and a label."""
    from loaderd.loader import Loader

    loader = Loader(recording.source, recording.encoded, recording.options)
    loader._source = feed.source
    batches = iter(loader)
    a, b = (np.ones(_STEP_BYTES // 8) for _ in range(2))
    took = []
    batch = None
    for _ in range(rounds):
        feed.announce(queued)
        if step:
            np.copyto(a, b)
        start = time.thread_time()
        for _ in range(queued):
            batch = next(batches)
            x, y = batch["X"], batch["cell_type"]
            del x, y
        took.append((time.thread_time() - start) / queued)
    del batch
    batches.close()
    return statistics.median(took) * 1e6


def _stages(feed: _Feed, recording: Recording, queued: int, rounds: int) -> dict[str, float]:
    """Do what a stream does, with a clock between the steps."""
    from loaderd._stream import Counters, Stream

    stream = Stream(feed.source, recording.encoded, recording.options, 0, 0, Counters(), follow=False)
    clock = time.perf_counter
    took: dict[str, list[float]] = {name: [] for name in STAGES}
    (segment,) = stream._segments.values()
    for _ in range(rounds):
        feed.announce(queued)
        for number in range(queued):
            begin = clock()
            ready = stream.channel.take()
            received = clock()
            arrays = stream._reader.read(ready, segment, stream._leases, hold=True)
            made = clock()
            batch = stream._convert(arrays)
            done = clock()
            del arrays, batch
            gone = clock()
            if stream._leases.due(stream._most_due) or number == queued - 1:
                stream._leases.flush(stream.channel)
            released = clock()
            for name, seconds in zip(
                STAGES, (received - begin, made - received, done - made, released - gone), strict=True
            ):
                took[name].append(seconds)
    stream.close()
    return {name: statistics.mean(sorted(each)[: len(each) * 9 // 10]) * 1e6 for name, each in took.items()}


def table(found: Sequence[Cost]) -> Table:
    """Return the costs as a table."""
    stages = tuple(f"{name} µs" for name in STAGES)
    head = ("batches", "queued", "µs warm", "µs after a step", *stages, "rest µs")
    return Table(head, tuple(map(_cells, found)))


def _cells(each: Cost) -> tuple[str, ...]:
    rest = each.warm - sum(each.stages.values())
    numbers = [each.warm, each.after_step, *each.stages.values(), max(0.0, rest)]
    return each.format, str(each.queued), *(f"{number:.1f}" for number in numbers)


def main() -> None:
    """Measure all of `CASES` as a worker: ``python -m bench.clientcost JOB`` prints them as one line of JSON."""
    job = Job.loads(sys.argv[1])
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import loaderd

    found = []
    with loaderd.mapped(list(job.paths), obs_keys=["cell_type"], join="inner") as dataset:
        for form, queued in CASES:
            with record(dataset, form, job.batch, job.seed) as recording:
                found.append(dataclasses.asdict(cost(recording, queued)))
    with contextlib.closing(answer):
        print(json.dumps(found), file=answer)


if __name__ == "__main__":
    main()
