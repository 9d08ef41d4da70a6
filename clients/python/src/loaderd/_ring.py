"""Shared memory of a connection, and who still looks at which frame of it."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import sys
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from loaderd import _fork
from loaderd._errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from loaderd._wire import Channel, Message

LARGE: Final = 64 << 10
"""Arrays of at least this many bytes are views of a frame; smaller ones are copied out of it."""

Key = tuple[int, int]
"""What a release names: (gen, seq)."""


class Segment:
    """One shared memory file, mapped readable and writable.

    The mapping goes when the segment and the last array on its memory are gone, whatever the order.

    Parameters
    ----------
    fd
        Its descriptor. Closed here.
    size
        Its size in bytes, as the daemon announced it.

    Attributes
    ----------
    memory
        What arrays are made on. It is no ndarray and no memoryview, which numpy would look through: an array made on it
        has it as ``base``, and every view of that array has that array as ``base``. So one array can stand for a frame:
        it lives as long as anything that looks at the frame.
    """

    def __init__(self, fd: int, size: int) -> None:
        try:
            if size <= 0 or os.fstat(fd).st_size < size:
                raise ProtocolError(f"the daemon announced a segment of {size} bytes and sent one that is smaller")
            # No MAP_POPULATE: it takes time for pages that may never be used, and zeroes those that the daemon is about
            # to write. First touches, 16 pages at a time, cost 0.1 ms per MB of a frame, once.
            flags = mmap.MAP_SHARED
            # The mapping alone keeps the memory; before 3.13 the module keeps a descriptor of its own besides.
            more = {"trackfd": False} if sys.version_info >= (3, 13) else {}
            mapping = mmap.mmap(fd, size, flags=flags, prot=mmap.PROT_READ | mmap.PROT_WRITE, **more)
        finally:
            os.close(fd)
        self.size = size
        self.memory: Any = (ctypes.c_char * size).from_buffer(mapping)


class _Lease(weakref.ref[Any]):
    """Watches a lease, and knows its frame."""

    __slots__ = ("key",)
    key: Key


class Leases:
    """The frames of one connection that arrays still look at, and those to be released.

    A frame is let go by the garbage collector, at any point of any thread. What runs then takes no lock: it appends
    to a deque, and writes to a descriptor if somebody waits for frames.

    Parameters
    ----------
    wakeable
        Make the descriptor ``wake_fd``, on which a finalizer writes while ``waiting`` is set.
    """

    def __init__(self, *, wakeable: bool = False) -> None:
        self._dead: deque[Key] = deque()
        self._held: dict[Key, _Lease] = {}
        self._last: list[Channel | None] = [None]  # to be closed with the last frame
        self._wake = [-1, -1]  # [to write to while somebody waits, to read from]
        self._writer = -1
        if wakeable:
            self._writer, self._wake[1] = _wake_pair()
        self._on_death = _finalizer(self._dead, self._wake, self._held, self._last)
        _fork.register(self)

    @property
    def wake_fd(self) -> int:
        """The descriptor to poll, or -1."""
        return self._wake[1]

    @property
    def waiting(self) -> bool:
        """Whether finalizers write to ``wake_fd``."""
        return self._wake[0] >= 0

    @waiting.setter
    def waiting(self, value: bool) -> None:
        self._wake[0] = self._writer if value else -1

    def watch(self, array: Any, key: Key) -> None:
        """Note that ``array`` stands for the frame ``key``, which is released once it is gone."""
        watch = _Lease(array, self._on_death)
        watch.key = key
        self._held[key] = watch

    def drop(self, key: Key) -> None:
        """Release a frame that nothing looks at."""
        self._dead.append(key)

    def holds(self, frames: int) -> bool:
        """Tell whether arrays look at so many frames, or more."""
        return len(self._held) >= frames and self.held() >= frames

    def held(self) -> int:
        """Count the frames that arrays look at."""
        return len(self.looked_at())

    def looked_at(self) -> list[Key]:
        """List the frames that arrays look at."""
        # By asking each, for a Ctrl-C that arrives within a finalizer cuts it short; what it left undone is done here.
        held = self._held
        for watch in list(held.values()):
            if watch() is None and held.pop(watch.key, None) is not None:
                self._dead.append(watch.key)
        return list(held)

    def due(self, frames: int) -> bool:
        """Tell whether so many frames, or more, are to be released."""
        return len(self._dead) >= frames

    def flush(self, channel: Channel) -> None:
        """Send what is to be released."""
        while self._dead:
            for message in self._releases():
                channel.send(message)

    def queue(self, channel: Channel) -> None:
        """Have what is to be released go with the next message."""
        for message in self._releases():
            channel.queue(message)

    def _releases(self) -> list[Message]:
        dead = self._dead
        by_gen: dict[int, list[int]] = {}
        while dead:
            gen, seq = dead.popleft()
            by_gen.setdefault(gen, []).append(seq)
        return [{"op": "release", "gen": gen, "seqs": seqs} for gen, seqs in by_gen.items()]

    def drain_wake(self) -> None:
        """Take what finalizers wrote."""
        if self._wake[1] >= 0:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake[1], 4096)

    def retire(self, channel: Channel) -> None:
        """Close ``channel`` when nothing looks at its frames any more, which may be now.

        Until then the daemon keeps an eye on this process: if it is killed, the memory of these frames is given back
        even where forked children still map it.
        """
        self._unwake()
        _retired[id(self._held)] = self._held
        self._last[0] = channel
        self._dead.clear()
        if not self.looked_at():
            _close_last(self._held, self._last)

    def _unwake(self) -> None:
        self.waiting = False
        for fd in {self._writer, self._wake[1]} - {-1}:
            os.close(fd)
        self._writer = self._wake[1] = -1

    def __del__(self) -> None:
        self._unwake()

    def after_fork(self) -> None:
        """Forget the parent's frames."""
        self._unwake()
        self._held.clear()
        self._dead.clear()


_retired: dict[int, dict[Key, _Lease]] = {}
"""Frames that outlive their stream: what watches them must itself be kept."""


def _close_last(held: dict[Key, _Lease], last: list[Channel | None]) -> None:
    channel, last[0] = last[0], None
    _retired.pop(id(held), None)
    if channel is not None:
        channel.close()


def _finalizer(
    dead: deque[Key], wake: list[int], held: dict[Key, _Lease], last: list[Channel | None]
) -> Callable[[Any], None]:
    # A closure over nothing but these, so that no cycle keeps a connection alive.
    pid, getpid, write = os.getpid(), os.getpid, os.write

    def on_death(lease: Any) -> None:
        if getpid() != pid:
            return
        key = lease.key
        if last[0] is not None:
            held.pop(key, None)
            if not held:
                _close_last(held, last)
            return
        dead.append(key)  # first: were we cut short after the other, nobody would know of it any more
        held.pop(key, None)
        fd = wake[0]
        if fd >= 0:
            with contextlib.suppress(OSError):
                write(fd, b"\1\0\0\0\0\0\0\0")

    return on_death


def _wake_pair() -> tuple[int, int]:
    """Make a non-blocking descriptor to write to and one to read from; an eventfd is both."""
    if hasattr(os, "eventfd"):
        fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        return fd, fd
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    return writer, reader
