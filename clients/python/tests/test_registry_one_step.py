"""What is saved in one step: the record, what it is a new version of, members and runs, all of it or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import loaderd as ln


def table(at: int, **fields: Any) -> ln.Artifact:
    return ln.Artifact(pd.DataFrame({"z": [at]}), **(fields or {"description": f"table {at}"}))


def missing(**fields: Any) -> ln.Artifact:
    """An artifact of a file that is gone when it is saved, until `back` is called."""
    made = ln.Artifact("b.h5ad", **(fields or {"description": "missing"}))
    os.rename("b.h5ad", "gone")
    return made


def an_artifact() -> list[Any]:
    first = table(0, key="k")
    return [first, missing(is_new_version_of=first)]


def a_chain_of_artifacts() -> list[Any]:
    first = table(0, key="k")
    second = table(1, is_new_version_of=first)
    return [first, second, missing(is_new_version_of=second)]


def a_collection() -> list[Any]:
    first = ln.Collection([table(0)], name="c")
    return [first, ln.Collection([table(1), missing()], is_new_version_of=first)]


def a_collection_and_metadata() -> list[Any]:
    first = ln.Collection([table(0)], name="c", meta=pd.DataFrame({"m": [0]}))
    return [first, ln.Collection([table(1)], is_new_version_of=first, meta=missing())]


def a_run_each() -> list[Any]:
    runs = [ln.Run(transform=ln.Transform(key=f"{at}.py")) for at in range(2)]
    first = ln.Collection([table(0)], name="c", run=runs[0])
    return [first, ln.Collection([missing()], is_new_version_of=first, run=runs[1])]


def an_appended_one() -> list[Any]:
    first = ln.Collection([table(0)], name="c")
    return [first, first.append(missing())]


def a_chain_of_appended_ones() -> list[Any]:
    first = ln.Collection([table(0)], name="c")
    second = first.append(table(1))
    return [first, second, second.append(missing())]


def a_member() -> list[Any]:
    first = table(0, key="k")
    return [first, ln.Collection([missing(is_new_version_of=first)], name="c")]


def members_of_one_family() -> list[Any]:
    first = table(0, key="k")
    second = table(1, is_new_version_of=first)
    return [first, second, ln.Collection([missing(is_new_version_of=second), first, second], name="c")]


def everything() -> dict[str, Any]:
    models = (ln.Artifact, ln.Collection, ln.Run, ln.Transform)
    return {model.__name__: sorted(map(repr, model.filter(**hidden(model)))) for model in models}


def hidden(model: Any) -> dict[str, Any]:
    return {"visibility": None} if model in (ln.Artifact, ln.Collection) else {}


@pytest.mark.parametrize(
    "make",
    [
        an_artifact, a_chain_of_artifacts, a_collection, a_collection_and_metadata, a_run_each, an_appended_one,
        a_chain_of_appended_ones, a_member, members_of_one_family,
    ],
)  # fmt: skip
def test_what_is_refused_leaves_nothing_of_what_it_follows(registry: Path, make: Callable[[], list[Any]]) -> None:
    made = make()
    before = everything()
    with pytest.raises(ln.NotFound):
        made[-1].save()
    assert everything() == before
    assert all(one._state.adding for one in made)
    os.rename("gone", "b.h5ad")
    last = made[-1].save()
    assert not any(one._state.adding for one in made)
    for one in made:
        assert type(one).get(one.uid) == one
        assert type(one).get(one.uid)._values == one._values
    family = [one for one in made if type(one) is type(last)]
    versions = [str(at + 1) for at in range(len(family))] if len(family) > 1 else [None]
    assert [one.version for one in family] == versions
    assert list(last.versions) == family[::-1]
    for artifact in ln.Artifact.filter():
        assert len(artifact.load()) > 0
    for collection in ln.Collection.filter():
        assert collection.ordered_artifacts.count() > 0


def test_a_run_that_makes_again_what_is_there_is_saved_with_it(registry: Path) -> None:
    first = ln.Artifact("b.h5ad", key="k").save()
    run = ln.Run(transform=ln.Transform(key="again.py"))
    again = ln.Artifact("b.h5ad", key="k", run=run)
    os.rename("b.h5ad", "gone")
    before = everything()
    with pytest.raises(ln.NotFound):
        again.save()
    assert everything() == before
    assert run._state.adding
    os.rename("gone", "b.h5ad")
    again.save()
    assert again == first
    assert again.run == run
    assert run.transform.key == "again.py"


def test_what_each_of_a_chain_was_made_of_is_an_input_of_its_run(registry: Path) -> None:
    run = ln.track(key="chain.py")
    members = [table(at, run=False, description=str(at)).save() for at in range(3)]
    first = ln.Collection(members[:1], name="c")
    ln.Collection(members[1:], is_new_version_of=first).save()
    assert set(run.input_artifacts) == set(members)


def test_a_long_chain_is_saved(registry: Path) -> None:
    members = [table(at) for at in range(12)]
    chain = ln.Collection(members[:1], name="c")
    for at in range(1, 600):  # more than calls or messages nest
        some = [member for bit, member in enumerate(members) if at + 1 >> bit & 1]
        chain = ln.Collection(some, is_new_version_of=chain)
    chain.save()
    assert chain.version == "600"
    assert chain.versions.count() == 600
