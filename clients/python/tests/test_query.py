"""Queries: what is known of a collection beside its rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import loaderd
from fakedaemon import Connection


@pytest.mark.parametrize("long", [False, True], ids=["on the connection of rows", "on a connection of its own"])
def test_an_answer_has_a_value_and_arrays(fakes: Any, long: bool) -> None:
    fake = fakes()
    with loaderd.mapped("/nowhere.h5ad", obs_keys="label") as data:
        value, arrays = data._query("labels", long=long, key="a")
        assert value == ["labels", {"key": "a"}]
        assert arrays["a"].categories == ["x", "y"]
        assert arrays["a"].values.dtype == np.int16
        assert arrays["a"].values.tolist() == [[0, 1, 2], [3, 4, 5]]
        arrays["a"].values[0, 0] = 7  # the caller's own
        assert float(data[3]["X"][0]) == 3
    assert len(fake.connections) == 1 + long


@pytest.mark.parametrize("long", [False, True], ids=["on the connection of rows", "on a connection of its own"])
def test_a_query_goes_on_with_another_daemon(fakes: Any, long: bool) -> None:
    first = fakes()
    data = loaderd.mapped("/nowhere.h5ad", obs_keys="label")

    def die(connection: Connection, message: dict[str, Any]) -> None:
        connection.owner.close()
        fakes()

    first.handlers["query"] = die
    with pytest.warns(loaderd.DaemonRestartedWarning):
        value, _ = data._query("labels", long=long)
    assert value == ["labels", {}]
    data.close()


@pytest.mark.parametrize(
    ("array", "says"),
    [
        ({"shape": [3000]}, "leaves its segment"),
        ({"at": -64}, "leaves its segment"),
        ({"at": 1 << 40}, "leaves its segment"),
    ],
    ids=["too long", "before it", "after it"],
)
def test_an_array_outside_its_segment_is_a_protocol_error_and_the_next_query_works(
    fakes: Any, array: dict[str, Any], says: str
) -> None:
    fake = fakes()

    def wrong(connection: Connection, message: dict[str, Any]) -> None:
        del fake.handlers["query"]
        good = {"name": "a", "dtype": "int16", "shape": [2], "at": 0, "categories": None}
        answer = {"op": "answer", "id": message["id"], "value": None, "arrays": [good | array]}
        connection.send(answer | {"seg_size": 4096, "fds": 1}, connection.memory(4096))

    fake.handlers["query"] = wrong
    with loaderd.mapped("/nowhere.h5ad", obs_keys="label") as data:
        with pytest.raises(loaderd.ProtocolError, match=says):
            data._query("labels")
        assert data._query("labels")[0] == ["labels", {}]


def test_an_unknown_query_is_an_error_that_names_the_known(files: Any, daemon: Any) -> None:
    with loaderd.mapped(files.paths) as data, pytest.raises(loaderd.InvalidArgument, match="var_list"):
        data._query("var_lost")


def test_the_lists_of_variables_are_those_of_the_files(files: Any, daemon: Any) -> None:
    with loaderd.mapped(files.paths) as data:
        value, arrays = data._query("var_list")
        text, ends, codes = (arrays[name].values for name in ("text", "ends", "codes"))
        names = [text[a:b].tobytes().decode() for a, b in zip([0, *ends], ends, strict=False)]
        parts = np.split(codes, np.cumsum(value["lengths"])[:-1])
        found = [[names[code] for code in parts[i]] for i in value["stores"]]
        assert found == [list(a.var_names) for a in files.read]
