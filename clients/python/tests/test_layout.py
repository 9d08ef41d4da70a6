"""The wire as this client has it is the wire of the page and of the table for machines."""

from __future__ import annotations

import builtins
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import loaderd
from loaderd import _errors, _protocol, _schema
from loaderd._registry import wire

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def layout() -> dict[str, Any]:
    return dict(json.loads((ROOT / "ipc" / "testdata" / "layout.json").read_text()))


def test_constants_are_those_of_the_table(layout: dict[str, Any]) -> None:
    assert layout["protocol"] == [_protocol.MAJOR, _protocol.MINOR]
    assert (layout["head"], layout["align"]) == (_protocol.HEADER_SIZE, _protocol.ALIGNMENT)
    limits = layout["limits"]
    assert (limits["handshake"], limits["request"]) == (_protocol.HELLO_LIMIT, _protocol.REQUEST_LIMIT)
    assert limits["answer"] == _protocol.ANSWER_LIMIT


def test_kinds_have_the_buffers_of_the_table(layout: dict[str, Any]) -> None:
    table: dict[str, list[str]] = {}
    for row in layout["kinds"]:
        table.setdefault(row["kind"], []).append(row["buffer"])
    assert {kind: list(buffers) for kind, buffers in _protocol.BUFFERS.items()} == table


def test_codes_are_exceptions_with_the_names_and_bases_of_the_table(layout: dict[str, Any]) -> None:
    assert list(_errors.BY_CODE) == [row["code"] for row in layout["codes"]]
    for row in layout["codes"]:
        cls = getattr(loaderd, row["exception"])
        assert _errors.BY_CODE[row["code"]] is cls
        assert issubclass(cls, loaderd.LoaderdError)
        if row["also"]:
            assert issubclass(cls, getattr(builtins, row["also"]))
        assert cls.__doc__


def test_codes_are_those_of_the_page() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\w+)(?: \((\w+)\))? \|", page.split("## Codes")[1], re.M)
    assert [(code, cls) for code, cls, _ in rows] == [(code, cls.__name__) for code, cls in _errors.BY_CODE.items()]


def test_the_version_is_that_of_the_page() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text()
    assert f"this page is **[{_protocol.MAJOR}, {_protocol.MINOR}]**" in page


def test_requests_have_the_keys_of_the_table(layout: dict[str, Any], fakes: Any) -> None:
    fake = fakes()
    with loaderd.mapped("/nowhere.h5ad", obs_keys="label") as data:
        for batch in (loader := data.loader(10)):
            assert batch
            loader.stats()
        data[0]
        data.__getitems__([1])
        data.__getitems__([1])
        data._query("what")
    wire.call("what", {})
    loaderd.status()
    loaderd.stop()
    seen = [m for c in fake.connections for m in c.seen]
    for message in seen:
        assert set(message) - {"op"} == set(layout["requests"][message["op"]]), message["op"]
        if message["op"] == "start":
            assert set(message["order"]) == set(layout["order"])
        if message["op"] == "open":
            assert sorted(message["spec"]) == layout["spec"]
    assert {m["op"] for m in seen} == set(layout["requests"])


@pytest.mark.parametrize("number", range(4))
def test_frames_are_read_where_the_table_has_their_buffers(layout: dict[str, Any], number: int) -> None:
    case = layout["layouts"][number]
    assert len(layout["layouts"]) == 4
    schema = [f | {"name": str(i), "buffers": len(_protocol.BUFFERS[f["kind"]])} for i, f in enumerate(case["schema"])]
    rng = np.random.default_rng(number)
    size, base, n = case["size"], 128, case["n"]
    content = rng.integers(0, 2, base + size, dtype=np.uint8).tobytes()

    class Memory:
        memory = bytearray(content)

    Memory.size = len(content)  # type: ignore[attr-defined]
    released: list[Any] = []
    leases = type("Leases", (), {"drop": lambda _, key: released.append(key)})()
    ready = {"gen": 0, "seq": 5, "n": n, "base": base, "size": size, "at": case["at"], "var": case["caps"]}
    arrays = _schema.Reader(schema).read(ready, Memory(), leases, hold=False)  # type: ignore[arg-type]
    flat = [part for a in arrays for part in (a[:3] if isinstance(a, loaderd.CSR) else [a])]
    for part, at, length in zip(flat, case["at"], case["lens"], strict=True):
        assert part.tobytes() == content[base + at : base + at + length]
    for array, field in zip(arrays, case["schema"], strict=True):
        shape = (n, field["width"]) if field["kind"] in ("dense", "csr") else (n,)
        assert array.shape == shape
        assert (array.data if isinstance(array, loaderd.CSR) else array).dtype == np.dtype(field["dtype"])
    assert released == [(0, 5)]
