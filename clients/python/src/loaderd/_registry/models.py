"""The records around artifacts: users, storage, transforms, runs, labels, features."""

from __future__ import annotations

from typing import Any, Final

from loaderd._errors import FieldValidationError
from loaderd._registry import paths
from loaderd._registry.fields import Field, Time, ToOne
from loaderd._registry.record import Record, random_uid
from loaderd._registry.related import ToMany
from loaderd._registry.versions import Versioned, new_uid

DTYPES: Final = ("int", "float", "bool", "str", "cat", "datetime", "num", "object")
"""What features can be."""


class User(Record):
    """Who makes records. Made by the registry, of the account that the daemon runs under.

    Parameters
    ----------
    **fields
        Values of its fields.

    Attributes
    ----------
    handle
        The name of the account.
    name
        The name of the person.
    """

    _model = "user"
    _label = ("handle",)
    _needs = (("handle",),)

    handle: Field[str | None] = Field(str)
    name: Field[str | None] = Field(str)


class Made(Record):
    """A record of which it is known who made it.

    Parameters
    ----------
    **fields
        Values of its fields.

    Attributes
    ----------
    created_by
        The `User` who saved it first.
    """

    created_by: ToOne[User] = ToOne("user", fixed=True)


class Root(Field["str | None"]):
    """A column of folders and URLs.

    Parameters
    ----------
    kind
        Text.
    """

    def plain(self, record: Record, value: Any) -> Any:
        """Make a folder's path absolute."""
        local = paths.local_or_url(value)
        return super().plain(record, value if local is None or value == "" else local)


class Storage(Made):
    """A place under which artifacts lie.

    Parameters
    ----------
    **fields
        Values of its fields.

    Attributes
    ----------
    root
        The absolute path of a folder, or the URL of a bucket and prefix.
    type
        ``"local"``, or the scheme of the URL.
    description
        A description.
    artifacts
        Those that lie there.
    """

    _model = "storage"
    _label = ("root",)
    _needs = (("root",),)

    root: Field[str | None] = Root(str)
    type: Field[str | None] = Field(str)
    description: Field[str | None] = Field(str)

    artifacts: ToMany[Any] = ToMany("artifact", "artifacts")

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        kind = str(self.root).partition("://")[0] if paths.is_url(str(self.root)) else "local"
        if self.type not in (None, kind):
            message = f"type={self.type!r}, but {self.root} is of type {kind!r}"
            raise FieldValidationError(message, stage="registry", object="type")
        self.type = kind


class Transform(Versioned, Made):
    """A script, notebook or pipeline that makes artifacts. `track` makes it.

    Parameters
    ----------
    **fields
        Values of its fields.

    Attributes
    ----------
    key
        A name like a path.
    name
        A title.
    description
        A description.
    type
        ``"script"``, ``"notebook"``, ``"pipeline"``, ``"function"`` or ``"linker"``.
    source_code
        Its text.
    hash
        That of its text.
    reference, reference_type
        A URL or an external id, and what it is.
    runs
        Its runs.
    """

    _model = "transform"
    _label = ("key", "name")
    _needs = (("key", "name"),)
    _stem = 12

    key: Field[str | None] = Field(str)
    name: Field[str | None] = Field(str)
    description: Field[str | None] = Field(str)
    type: Field[str | None] = Field(str)
    source_code: Field[str | None] = Field(str)
    hash: Field[str | None] = Field(str)
    reference: Field[str | None] = Field(str)
    reference_type: Field[str | None] = Field(str)

    runs: ToMany[Any] = ToMany("run", "runs")
    output_artifacts: ToMany[Any] = ToMany("artifact", "output_artifacts")
    output_collections: ToMany[Any] = ToMany("collection", "output_collections")

    def _draw_uid(self) -> None:
        if self._values.get("uid") is None:
            self._values["uid"] = new_uid(self._stem)


class Run(Made):
    """One run of a transform. `track` begins it, `finish` ends it.

    Parameters
    ----------
    **fields
        Values of its fields.

    Attributes
    ----------
    transform
        What ran.
    name
        A name.
    status
        ``"started"``, ``"finished"``, ``"errored"`` or ``"aborted"``.
    started_at, finished_at
        When it began and ended.
    params
        Its parameters, a dict.
    reference, reference_type
        A URL or an external id, and what it is.
    input_artifacts, input_collections
        What it read.
    output_artifacts, output_collections
        What it made.
    """

    _model = "run"
    _label = ("name",)
    _needs = (("transform",),)

    transform: ToOne[Transform | None] = ToOne("transform")
    name: Field[str | None] = Field(str)
    status: Field[str | None] = Field(str)
    started_at = Time()
    finished_at = Time()
    params: Field[dict[str, Any] | None] = Field(dict)
    reference: Field[str | None] = Field(str)
    reference_type: Field[str | None] = Field(str)

    input_artifacts: ToMany[Any] = ToMany("artifact", "input_artifacts")
    input_collections: ToMany[Any] = ToMany("collection", "input_collections")
    output_artifacts: ToMany[Any] = ToMany("artifact", "output_artifacts")
    output_collections: ToMany[Any] = ToMany("collection", "output_collections")

    def _draw_uid(self) -> None:
        if self._values.get("uid") is None:
            self._values["uid"] = random_uid(16)


class ULabel(Made):
    """A label for artifacts and collections.

    Parameters
    ----------
    **fields
        Values of its fields.

    Attributes
    ----------
    name
        The label. There is one record of a name.
    description
        A description.
    type, is_type
        Another label that says what kind this one is of, and whether this one says so of others.
    reference, reference_type
        A URL or an external id, and what it is.
    artifacts, collections
        What has the label.
    """

    _model = "ulabel"
    _needs = (("name",),)

    name: Field[str | None] = Field(str)
    description: Field[str | None] = Field(str)
    type: ToOne[ULabel | None] = ToOne("ulabel")
    is_type: Field[bool | None] = Field(bool)
    reference: Field[str | None] = Field(str)
    reference_type: Field[str | None] = Field(str)

    artifacts: ToMany[Any] = ToMany("artifact", "artifacts")
    collections: ToMany[Any] = ToMany("collection", "collections")
    labels: ToMany[ULabel] = ToMany("ulabel", "labels")


class Feature(Made):
    """A column of ``obs``, a variable, or a column of a table. Made when an artifact that has it is saved.

    Parameters
    ----------
    **fields
        Values of its fields.

    Attributes
    ----------
    name
        Its name in the files.
    dtype
        ``"int"``, ``"float"``, ``"bool"``, ``"str"``, ``"cat"``, ``"datetime"``, ``"num"`` of a variable, or
        ``"object"``.
    description
        A description.
    feature_sets
        The sets that have it.
    """

    _model = "feature"
    _needs = (("name",), ("dtype",))

    name: Field[str | None] = Field(str)
    dtype: Field[str | None] = Field(str, choices=DTYPES)
    description: Field[str | None] = Field(str)

    feature_sets: ToMany[Any] = ToMany("featureset", "feature_sets")


class FeatureSet(Made):
    """The features that artifacts have in one slot: ``obs``, ``var``, or ``columns``. Made when one is saved.

    Parameters
    ----------
    **fields
        Values of its fields.

    Attributes
    ----------
    name
        A name.
    description
        A description.
    n
        How many features there are.
    dtype
        That of all of them, where they have one in common.
    hash
        That of names, dtypes and their order.
    features
        The features, in the order of the file.
    artifacts, collections
        What has them.
    """

    _model = "featureset"

    name: Field[str | None] = Field(str)
    description: Field[str | None] = Field(str)
    n: Field[int] = Field(int, fixed=True)
    dtype: Field[str | None] = Field(str, fixed=True)
    otype: Field[str | None] = Field(str, fixed=True)
    hash: Field[str | None] = Field(str, fixed=True)

    features: ToMany[Feature] = ToMany("feature", "features", in_order=True)
    artifacts: ToMany[Any] = ToMany("artifact", "artifacts")
    collections: ToMany[Any] = ToMany("collection", "collections")
