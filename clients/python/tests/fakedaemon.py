"""A daemon in a few lines, written after ``docs/protocol.md`` alone, that can be told to misbehave.

It serves one collection: ``n`` rows of ``width`` float32, all equal to the row's number, with label ``row % 3``. Order
"shuffle" is row -> (row * 7 + seed + epoch) mod n, so n must not be a multiple of 7.
"""

from __future__ import annotations

import array
import os
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np

Message = dict[str, Any]


def aligned(size: int) -> int:
    return (size + 63) // 64 * 64


class Connection(threading.Thread):
    """One client."""

    def __init__(self, daemon: FakeDaemon, sock: socket.socket) -> None:
        super().__init__(daemon=True)
        self.owner = daemon
        self.sock = sock
        self.room = threading.Condition()
        self.frames: dict[int, list[int | None]] = {}  # gen -> seq of each frame
        self.released: list[tuple[int, int]] = []
        self.seen: list[Message] = []
        self.streams: list[threading.Thread] = []
        self.alive = True
        self.gets = 0

    def send(self, message: Message, fd: int | None = None) -> None:
        body = msgpack.packb(message)
        self.send_raw(struct.pack("<I", len(body)) + body, fd)

    def send_raw(self, data: bytes, fd: int | None = None) -> None:
        if fd is None:
            self.sock.sendall(data)
        else:
            fds = array.array("i", [fd])
            try:
                done = self.sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
                self.sock.sendall(data[done:])
            finally:
                os.close(fd)

    def receive(self) -> Message | None:
        head = self.sock.recv(4, socket.MSG_WAITALL)
        if len(head) < 4:
            return None
        (length,) = struct.unpack("<I", head)
        return dict(msgpack.unpackb(self.sock.recv(length, socket.MSG_WAITALL)))

    def run(self) -> None:
        try:
            while (message := self.receive()) is not None:
                self.seen.append(message)
                handler = self.owner.handlers.get(message["op"]) or getattr(type(self), "on_" + message["op"])
                handler(self, message)
        except OSError:
            pass
        finally:
            self.close()

    def close(self) -> None:
        with self.room:
            self.alive = False
            self.room.notify_all()
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    # --- what a daemon does -----------------------------------------------------------------------------------

    def on_hello(self, message: Message) -> None:
        self.send({"op": "welcome", "protocol": [1, 2], "build": self.owner.build, "pid": self.owner.pid})

    def on_open(self, message: Message) -> None:
        o = self.owner
        answer = {"op": "opened", "id": message["id"], "hash": o.hash, "n_obs": o.n, "n_vars": o.width}
        if not message["brief"]:
            column = {"key": "label", "dtype": "int64", "encoded": True, "categories": ["a", "b", "c"], "absent": [],
                      "encoder": [["a", 0], ["b", 1], ["c", 2]], "source": "categorical", "missing": False}  # fmt: skip
            var = [f"g{i}" for i in range(o.width)]
            answer |= {"n_obs_list": [o.n], "n_vars_list": [o.width], "shapes": [[o.n, o.width]], "var": var}
            answer |= {"columns": [column]}
        self.send(answer)

    @property
    def schema(self) -> list[Message]:
        def column(name: str) -> Message:
            return {"name": name, "kind": "column", "dtype": "int64", "width": 1, "buffers": 1}

        x = {"name": "X", "kind": "dense", "dtype": "float32", "width": self.owner.width, "buffers": 1}
        return [column("_store_idx"), x, column("label"), column("_idx")]

    def write(self, memory: int, base: int, rows: np.ndarray[Any, Any]) -> Message:
        n, width = len(rows), self.owner.width
        parts = [
            np.zeros(n, "<i8"),
            np.repeat(rows[:, None], width, 1).astype("<f4"),
            (rows % 3).astype("<i8"),
            rows.astype("<i8"),
        ]
        at, size = [], 0
        for part in parts:
            at.append(size)
            os.pwrite(memory, part.tobytes(), base + size)  # not mapped, so that tests can count the client's mappings
            size += aligned(part.nbytes)
        return {"n": n, "base": base, "size": size, "at": at, "var": []}

    def frame_size(self, n: int) -> int:
        return 3 * aligned(n * 8) + aligned(n * self.owner.width * 4)

    def memory(self, size: int) -> int:
        fd = os.memfd_create("loaderd-fake", os.MFD_CLOEXEC)
        os.truncate(fd, size)
        return fd

    def on_get(self, message: Message) -> None:
        rows = np.frombuffer(message["rows"], "<i8")
        gen = -1 - self.gets
        self.gets += 1
        size = self.frame_size(len(rows))
        fd = self.memory(size)
        frame = self.write(fd, 0, rows)
        more = {"schema": self.schema, "seg_size": size, "fds": 1}
        self.send({"op": "ready", "id": message["id"], "gen": gen, "seq": 0, "seg": 0} | frame | more, fd)

    def on_query(self, message: Message) -> None:
        fd = self.memory(4096)
        os.pwrite(fd, np.arange(6, dtype="<i2").tobytes(), 64)
        array = {"name": "a", "dtype": "int16", "shape": [2, 3], "at": 64, "categories": ["x", "y"]}
        answer = {"op": "answer", "id": message["id"], "value": [message["what"], message["args"]]}
        self.send(answer | {"arrays": [array], "seg_size": 4096, "fds": 1}, fd)

    def on_registry(self, message: Message) -> None:
        self.send({"op": "progress", "id": message["id"], "what": "files", "done": 1, "total": 2})
        self.send({"op": "answer", "id": message["id"], "value": [message["call"], message["args"]], "arrays": []})

    def on_start(self, message: Message) -> None:
        self.streams.append(threading.Thread(target=self.stream, args=(message,), daemon=True))
        self.streams[-1].start()

    def stream(self, m: Message) -> None:
        o, gen = self.owner, m["gen"]
        size = self.frame_size(m["batch_size"])
        fd = self.memory(size * o.frames)
        memory = os.dup(fd)
        self.frames[gen] = [None] * o.frames
        whole = m["batch_size"] * m["world_size"]
        left = o.n - m["position"]
        steps = left // whole if m["drop_last"] else -(-left // whole)
        started = {"op": "started", "gen": gen, "schema": self.schema, "seg": 0, "seg_size": size * o.frames, "fds": 1}
        try:
            self.send(started | {"frames": o.frames, "steps": steps, "n": m["batch_size"]}, fd)
            for seq in range(steps):
                positions = np.arange(m["position"] + seq * whole, min(m["position"] + (seq + 1) * whole, o.n))
                positions = positions[m["rank"] :: m["world_size"]]
                order = m["order"]
                rows = (positions * 7 + order["seed"] + m["epoch"]) % o.n if order["kind"] == "shuffle" else positions
                with self.room:
                    while self.alive and None not in self.frames[gen]:
                        self.room.wait()
                    if not self.alive:
                        return
                    frame = self.frames[gen].index(None)
                    self.frames[gen][frame] = seq
                if o.before_ready is not None:
                    o.before_ready(self, gen, seq)
                self.send({"op": "ready", "gen": gen, "seq": seq, "seg": 0} | self.write(memory, frame * size, rows))
            self.send({"op": "end", "gen": gen, "seq": steps})
        except OSError:
            pass
        finally:
            os.close(memory)

    def on_release(self, message: Message) -> None:
        with self.room:
            for seq in message["seqs"]:
                self.released.append((message["gen"], seq))
                held = self.frames.get(message["gen"], [])
                if seq in held:
                    held[held.index(seq)] = None
            self.room.notify_all()

    def on_stop(self, message: Message) -> None:
        with self.room:
            self.alive = False  # the stream writes nothing further
            self.room.notify_all()

    def on_stats(self, message: Message) -> None:
        self.send({"op": "stats", "id": message["id"], "gen": 0, "sent": 1})

    def on_status(self, message: Message) -> None:
        self.send({"op": "status", "id": message["id"], "pid": self.owner.pid})

    def on_shutdown(self, message: Message) -> None:
        if message["if_idle"] and self.owner.busy:
            self.send({"op": "error", "code": "busy", "stage": "", "object": "", "message": "in use", "hint": ""})
            return
        self.send({"op": "bye"})
        self.owner.close()


class FakeDaemon:
    """Listens at ``path`` until closed."""

    def __init__(self, path: str, *, n: int = 100, width: int = 2000, frames: int = 4) -> None:
        self.path, self.n, self.width, self.frames = path, n, width, frames
        self.hash = "0" * 64
        self.build = "fake"
        self.pid = 2_000_000_000 + int.from_bytes(os.urandom(3), "little")  # of no process
        self.busy = False
        self.handlers: dict[str, Callable[[Connection, Message], None]] = {}
        self.before_ready: Callable[[Connection, int, int], None] | None = None
        self.connections: list[Connection] = []
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            connection = Connection(self, sock)
            self.connections.append(connection)
            connection.start()

    def messages(self, op: str) -> list[Message]:
        return [m for c in self.connections for m in c.seen if m["op"] == op]

    def close(self) -> None:
        """Leave at once, as a killed daemon does; only the name of the socket goes too."""
        if os.path.exists(self.path):
            os.unlink(self.path)
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for connection in self.connections:
            connection.close()

    def join(self) -> None:
        self.thread.join(10)
        for connection in self.connections:
            if connection is not threading.current_thread():
                connection.join(10)
            for stream in connection.streams:
                stream.join(10)
