"""The examples that users of lamindb have read run here as they are printed; only the import is another."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anndata
import pandas as pd
import pytest

import loaderd as ln

TEXT = (Path(__file__).parent / "lamindb_examples.txt").read_text()
EXAMPLES = {
    part.partition("\n")[0]: [line[4:] for line in part.splitlines() if line.startswith(">>> ")]
    for part in TEXT.split("\n\n# ")[1:]
}


MADE: list[Any] = []
"""What was mapped; examples do not close it."""


@pytest.fixture(autouse=True)
def close_what_is_mapped() -> Iterator[None]:
    yield
    while MADE:
        made = MADE.pop()
        if made is not None:
            made.close()


def run(name: str, names: dict[str, Any]) -> Any:
    """Run an example line by line, as at a prompt; give what its last line shows."""
    names |= {"ln": ln}
    shown = None
    for line in EXAMPLES[name]:
        code = line.replace("import lamindb as ln", "import loaderd as ln")
        tree = ast.parse(code)
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            shown = eval(code, names)
        else:
            exec(code, names)
        MADE.append(names.get("mapped"))
    return shown


@pytest.fixture
def names(registry: Path) -> dict[str, Any]:
    """What the examples take as given: a saved collection of cells with batches, among others."""
    for name in ("a.h5ad", "b.h5ad"):
        cells = anndata.read_h5ad(name)
        cells.obs["batch"] = pd.Categorical(["p", "q"] * (cells.n_obs // 2))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cells.write_h5ad(name)
    made: dict[str, Any] = {f"artifact{i}": ln.Artifact(f"{c}.h5ad", key=c) for i, c in ((1, "a"), (2, "b"))}
    made |= {f"df{i}": pd.DataFrame({"x": list(range(i))}) for i in (1, 2)}
    made |= {"df": pd.DataFrame({"plate": ["p"]})}
    made["collection"] = ln.Collection([made["artifact1"], made["artifact2"]], description="my collection").save()
    Path("myfile.csv").write_text("a,b\n1,2\n")
    return made


def test_a_collection_of_artifacts(registry: Path) -> None:
    names: dict[str, Any] = {f"artifact{i}": ln.Artifact(f"{c}.h5ad", key=c) for i, c in ((1, "a"), (2, "b"))}
    run("a collection of artifacts", names)
    found = ln.Collection.filter(name="My collection").one()
    assert list(found.ordered_artifacts) == [names["artifact1"], names["artifact2"]]


def test_a_collection_of_a_directory(names: dict[str, Any]) -> None:
    run("a collection of a directory", names)
    found = ln.Collection.get(name="My collection")
    assert str(found.artifact.path).rstrip("/") == "s3://my-bucket/my-images"
    pd.testing.assert_frame_equal(found.meta_artifact.load(), names["df"])


def test_a_new_version(names: dict[str, Any]) -> None:
    run("a new version", names)
    old, new = names["collection"], names["new_collection"]
    assert ln.Collection.get(old.uid).version is None  # until the new one is saved
    new.save()
    assert [ln.Collection.get(c.uid).version for c in (old, new)] == ["1", "2"]
    assert new.artifact.load()["x"].tolist() == [0, 1]


def test_delete_and_restore(names: dict[str, Any]) -> None:
    run("delete", names)
    assert not ln.Collection.filter().exists()
    run("restore", names)
    assert ln.Collection.filter().one() == names["collection"]


def test_a_mapped_collection(names: dict[str, Any]) -> None:
    with pytest.warns(ln.LoaderdWarning, match="label_keys"):
        run("a mapped collection", names)
    batches = list(names["dl"])
    assert sum(len(batch["batch"]) for batch in batches) == 500
    assert set(batches[0]) == {"X", "_store_idx", "cell_type", "batch"}
    assert names["ds"] == names["collection"]


def test_save(names: dict[str, Any]) -> None:
    run("save", names)
    assert ln.Collection.get(name="myfile").artifact.path == Path("myfile.csv").absolute()


def test_a_set_of_artifacts(names: dict[str, Any]) -> None:
    shown = run("a set of artifacts", names)
    assert type(shown) is ln.ArtifactQuerySet
    assert issubclass(ln.ArtifactQuerySet, ln.ArtifactSet)
    assert ln.models.ArtifactSet is ln.ArtifactSet
    assert isinstance(shown, ln.ArtifactSet)
    assert [a.key for a in shown] == ["a", "b"]


def test_a_mapped_set_of_artifacts(names: dict[str, Any]) -> None:
    run("a mapped set of artifacts", names)
    assert names["ds"] == names["collection"]
    assert sum(len(batch["batch"]) for batch in names["dl"]) == 500
    assert [Path(p).name for p in names["mapped"].path_list] == ["b.h5ad", "a.h5ad"]


def test_every_example_is_run() -> None:
    source = Path(__file__).read_text()
    assert len(EXAMPLES) == 9
    assert all(f'run("{name}"' in source for name in EXAMPLES)
