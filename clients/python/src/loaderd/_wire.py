"""Framed msgpack messages, and file descriptors, over a Unix socket."""

from __future__ import annotations

import array
import os
import select
import socket
import struct
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgpack

from loaderd import _fork
from loaderd._errors import ProtocolError
from loaderd._protocol import ANSWER_LIMIT, HEADER_SIZE, HELLO_LIMIT, REQUEST_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

Message = dict[str, Any]

_BUFFER: Final = 64 << 10
_LENGTH: Final = struct.Struct("<I")
_length: Final = _LENGTH.unpack_from
_unpack: Final = msgpack.unpackb
_ANCILLARY: Final = socket.CMSG_SPACE(16 * array.array("i").itemsize)
_RECEIVE_FLAGS: Final = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_SEND_FLAGS: Final = getattr(socket, "MSG_NOSIGNAL", 0)
_READABLE: Final = select.POLLIN | select.POLLHUP | select.POLLERR


def path_on_wire(path: str) -> str | bytes:
    """Give a path as messages carry it: one that is not UTF-8 as its bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


class ConnectionLost(Exception):
    """The other end is gone. Never reaches the user as such."""


class Channel:
    """One connection: messages out, messages and descriptors in.

    Not for several threads at once; its owner has a lock. All waits end at once with ``KeyboardInterrupt``, after
    which the channel is in no known state and must be closed.

    Parameters
    ----------
    sock
        A connected stream socket. The channel owns it from now on.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._fd = sock.fileno()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = 0  # of what was received and not yet taken
        self._end = 0
        self._queued = b""
        self._fds: deque[int] = deque()
        self._longest = HEADER_SIZE + HELLO_LIMIT
        self._id = 0
        self.closed = False
        self.daemon_pid = 0
        self.build = ""
        _fork.register(self)

    def greeted(self, pid: int) -> None:
        """Note that ``welcome`` came: longer messages are allowed, and ``pid`` is the daemon's."""
        self._longest = HEADER_SIZE + ANSWER_LIMIT
        self.daemon_pid = pid

    # --- out ------------------------------------------------------------------------------------------------

    def queue(self, message: Message) -> None:
        """Keep a message that has no answer for the next `send`: each time that something is sent wakes the daemon."""
        self._queued += self._framed(message)

    def send(self, message: Message) -> None:
        """Send one message, and before it what is queued; wait while the daemon is slow to read."""
        data = self._queued + self._framed(message)
        self._queued = b""
        try:
            sent = self._send_some(data)
            while sent < len(data):
                sent += self._send_some(data[sent:])
        except OSError as e:
            raise ConnectionLost(str(e)) from e

    @staticmethod
    def _framed(message: Message) -> bytes:
        body: bytes = msgpack.packb(message)
        if len(body) > REQUEST_LIMIT:
            raise ProtocolError(
                f"a message of {len(body)} bytes ({message.get('op')}) is longer than the {REQUEST_LIMIT} allowed",
                hint="ask for fewer rows or files at once",
            )
        return _LENGTH.pack(len(body)) + body

    def _send_some(self, data: bytes) -> int:
        try:
            return self._sock.send(data, _SEND_FLAGS)
        except BlockingIOError:
            self._wait_writable()
            return 0

    def _wait_writable(self) -> None:
        # The daemon may itself wait for us to read, so read while waiting.
        poll = select.poll()
        poll.register(self._sock, select.POLLIN | select.POLLOUT)
        ready = poll.poll()
        if any(event & select.POLLIN for _, event in ready):
            self._make_room(self._end - self._start + 1)
            self._fill()

    # --- in -------------------------------------------------------------------------------------------------

    def receive(self, timeout: float | None = None) -> Message | None:
        """Take the next message; None when ``timeout`` seconds passed, or when a watched descriptor woke us."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            # Who has just asked for something has to wait: then a look at the socket beforehand finds nothing.
            message = self.take() if self._end > self._start else None
            if message is not None:
                return message
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left < 0:
                return None
            events = self._poll.poll(None if left is None else left * 1000)
            if any(fd == self._fd for fd, _ in events):
                self._make_room(self._end - self._start + 1)
                self._fill()
            elif events or left is not None:
                return None

    def wait(self) -> bool:
        """Wait until something may have come; tell whether a watched descriptor woke us."""
        return any(fd != self._fd for fd, _ in self._poll.poll())

    def take(self) -> Message | None:
        """Take the next message if it is already here."""
        while True:
            start = self._start
            have = self._end - start
            need = HEADER_SIZE
            if have >= HEADER_SIZE:
                need += _length(self._buffer, start)[0]
                if not HEADER_SIZE < need <= self._longest:
                    raise ProtocolError(
                        f"the daemon sent a message of {need - HEADER_SIZE} bytes; "
                        f"at most {self._longest - HEADER_SIZE} are allowed"
                    )
                if have >= need:
                    return self._decode(start, start + need)
            self._make_room(need)
            if not self._fill():
                return None

    def _decode(self, start: int, end: int) -> Message:
        self._start = end
        try:
            message = _unpack(self._view[start + HEADER_SIZE : end])
        except Exception as e:
            raise ProtocolError(f"the daemon sent something that is not msgpack: {e}") from e
        if type(message) is not dict:
            raise ProtocolError(f"the daemon sent a {type(message).__name__}, not a map")
        if end == self._end:
            self._start = self._end = 0
            if len(self._buffer) > _BUFFER:
                self._resize(_BUFFER)
        return message

    def _make_room(self, size: int) -> None:
        # Room for a message of this size from _start on, moving what is there to the front if need be.
        if self._start + size <= len(self._buffer):
            return
        if size > len(self._buffer):
            self._resize(size)
        else:
            have = self._end - self._start
            self._buffer[:have] = self._buffer[self._start : self._end]
            self._start, self._end = 0, have

    def _resize(self, size: int) -> None:
        fresh = bytearray(max(size, _BUFFER))
        have = self._end - self._start
        fresh[:have] = self._view[self._start : self._end]
        self._buffer, self._view = fresh, memoryview(fresh)
        self._start, self._end = 0, have

    def _fill(self) -> bool:
        # True when bytes came, False when there are none now.
        try:
            got, ancillary, flags, _ = self._sock.recvmsg_into([self._view[self._end :]], _ANCILLARY, _RECEIVE_FLAGS)
        except BlockingIOError:
            return False
        except OSError as e:
            raise ConnectionLost(str(e)) from e
        if ancillary:
            self._queue(ancillary)
        if flags & socket.MSG_CTRUNC:
            raise ProtocolError("the daemon sent more descriptors at once than are allowed")
        if got == 0:
            raise ConnectionLost("end of file")
        self._end += got
        return True

    def _queue(self, ancillary: list[tuple[int, int, bytes]]) -> None:
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds = array.array("i")
                fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
                self._fds.extend(fds)
                if not _RECEIVE_FLAGS:
                    for fd in fds:
                        os.set_inheritable(fd, False)

    def take_fd(self) -> int:
        """Take the oldest descriptor that came; the caller owns it."""
        if not self._fds:
            raise ProtocolError("the daemon announced a descriptor and sent none")
        return self._fds.popleft()

    # --- both -----------------------------------------------------------------------------------------------

    def request(self, message: Message, tell: Callable[[Message], None] | None = None) -> Message:
        """Send a request with an ``id`` of its own and wait for its answer, an ``error`` message included.

        For connections without a stream: other messages are not expected in between, but for those of ``progress``,
        which ``tell`` is told of.
        """
        self._id += 1
        self.send(message | {"id": self._id})
        while True:
            answer = self.receive()
            if answer is None:
                continue
            if answer.get("op") == "progress":
                if tell is not None:
                    tell(answer)
                continue
            if answer.get("id") == self._id or (answer.get("op") == "error" and "id" not in answer):
                return answer

    def watch(self, fd: int) -> None:
        """Have ``receive`` return when ``fd`` is readable, too."""
        self._poll.register(fd, select.POLLIN)

    def alive(self) -> bool:
        """Tell whether the daemon has not hung up, whatever it sent before."""
        if self.closed:
            return False
        gone = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)
        poll = select.poll()
        poll.register(self._sock, gone)
        return not any(event & gone for _, event in poll.poll(0))

    def close(self) -> None:
        """Close the socket and the descriptors that nobody took. May be called again."""
        if not self.closed:
            self.closed = True
            while self._fds:
                os.close(self._fds.popleft())
            self._sock.close()

    def __del__(self) -> None:
        if not getattr(self, "closed", True):
            self.close()

    def after_fork(self) -> None:
        """Close the child's copies; the connection is the parent's and stays open there."""
        self.close()
