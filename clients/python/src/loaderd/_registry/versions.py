"""Versions: records of one family, which have the stem of their ``uid`` in common."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, ClassVar, Final

from loaderd._errors import DoesNotExist, FieldValidationError, InvalidArgument, LoaderdWarning
from loaderd._registry import together, wire
from loaderd._registry.fields import Field
from loaderd._registry.record import BASE62, Record, random_uid
from loaderd._warn import warn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

    from loaderd._registry.queryset import QuerySet
    from loaderd._registry.wire import Row

SUFFIX: Final = 4
"""Characters of a ``uid`` that number the versions of a family."""


class Version(Field["str | None"]):
    """The column of versions, which also shows the number that a successor gives before it is saved."""

    def __init__(self) -> None:
        super().__init__(str)

    def shown(self, record: Record) -> Any:
        """Give the value that people see: the registry's, or that which it will have."""
        found = super().shown(record)
        return record._numbered if found is None and isinstance(record, Versioned) else found

    def write(self, record: Record, value: Any) -> None:
        """Check a version, which is one that somebody chose from then on."""
        super().write(record, value)
        if isinstance(record, Versioned):
            record._counted = False

    def plain(self, record: Record, value: Any) -> Any:
        """Make a value as messages have it.

        Raises
        ------
        InvalidArgument
            It is no text, or an empty one.
        """
        found = super().plain(record, value)
        if found is not None and not found.strip():
            message = f"{type(record).__name__}.{self.name}={value!r}; it is a text such as '2' or '1.3.0', or None"
            raise InvalidArgument(message, stage="registry", object=self.name)
        return found

    def read(self, record: Record) -> str | None:
        """Give the value of a record."""
        found: str | None = self.shown(record)
        return found


class Versioned(Record):
    """A record that may have versions.

    Parameters
    ----------
    **fields
        Values of its fields.

    Attributes
    ----------
    version
        Text such as ``"2"`` or ``"1.3.0"``; None until there is a second version.
    is_latest
        Whether it is the newest one of its family.
    """

    _stem: ClassVar[int] = 16
    _other_names: ClassVar[dict[str, str]] = {"version_tag": "version"}

    version: Field[str | None] = Version()
    is_latest: Field[bool] = Field(bool, fixed=True)

    _revises: Self | None = None  # of one that is not saved
    _took: Row  # fields that it has from that
    _numbers = False  # it is the one that gave that a number
    _numbered: str | None = None  # the version that it has once a successor is saved
    _counted = False  # its version is one that nobody chose

    def _begin(self) -> None:
        super()._begin()
        self._took = {}

    @property
    def stem_uid(self) -> str:
        """The part of ``uid`` that all versions have in common."""
        return str(self.uid)[: self._stem]

    @property
    def version_tag(self) -> str | None:
        """Another name of ``version``."""
        return self.version

    @version_tag.setter
    def version_tag(self, version: str | None) -> None:
        self.version = version

    @property
    def versions(self) -> QuerySet[Self]:
        """All versions that are not in the trash, the newest first."""
        return self.using(self._using).filter(stem_uid=self.stem_uid).order_by("-uid")

    def _row(self, using: str | None = None, *, whole: bool = False) -> Row:
        """Give what is to be saved; of a new version, the registry finds the ``uid`` and the next whole number."""
        row = super()._row(using, whole=whole)
        follows = self._state.adding and not self._gone and not str(self.uid).endswith("0" * SUFFIX)
        if self._revises is not None or follows:  # as far as it is known now; others may do so before
            row.pop("uid", None)
        if self._counted:
            row.pop("version", None)
        return {name: value for name, value in row.items() if name not in self._taken()}

    def _taken(self) -> Row:
        """Give the fields that it has from the one before, which may have others when this one is saved."""
        if self._revises is None:
            return {}
        return {name: value for name, value in self._took.items() if value == self._values.get(name) is not None}

    def save(self, using: str | None = None) -> Self:
        """Write the record, or what was changed of it; parameters as of `Record.save`."""
        super().save(using)
        self._numbered = None
        return self

    def _take(self, row: Row, using: str | None = None) -> None:
        super()._take(row, using)
        self._numbered = None

    def delete(self, permanent: bool | None = None) -> None:
        """Delete the record; parameters and errors as of `Record.delete`."""
        super().delete(permanent)
        if self._gone:
            self._values["version"] = None  # it was a version of the others

    def _saved(self, answer: Row, using: str | None) -> None:
        """Take what the registry answered to a save; it may have numbered the version before."""
        super()._saved(answer, using)
        self._counted = False
        revised = answer.get("revised")
        if self._revises is not None and not answer["created"]:
            self._was_there(answer.get("notes") or ())
        # It is another one where somebody else's version came in between: that has an object of its own.
        elif self._revises is not None and revised is not None and revised["uid"] == self._revises.uid:
            self._revises._followed(revised)
        self._revises = None

    def _follow(self, row: Row, using: str | None, notes: Iterable[str]) -> None:
        """Take what the registry answered to a save of a record that this one is of."""
        self._take(row, using)
        self._counted = False
        self._was_there(notes)

    def _was_there(self, notes: Iterable[str]) -> None:
        """Be what the registry has already: the new version, if that was saved before, or no new version after all."""
        revised = self._revises
        if revised is None or self.stem_uid != revised.stem_uid or str(self.uid) <= str(revised.uid):
            return self._revise_nothing(notes)
        self._revises = None
        if not revised._gone:
            with contextlib.suppress(DoesNotExist):  # somebody else deleted it for good
                revised._followed(wire.call("get", {"model": self._model, "uid": revised.uid}, revised._using))
        return None

    def _followed(self, row: Row) -> None:
        """Take what became of this one when a new version was saved; what was set and not saved stays so."""
        self._values |= {name: value for name, value in row.items() if name not in self._changed}
        self._numbered = None

    def _revise_nothing(self, notes: Iterable[str] = ()) -> None:
        """Be no new version after all, for it turned out to be what the registry has."""
        self._take_number_back()
        revised, self._revises = self._revises, None
        if revised is not None and not any(str(revised.uid) in note for note in notes):
            said = f"is {self._named()!r} ({self.uid}), which is there already; it is no new version of {revised.uid}"
            warn(f"what is to follow {revised._named()!r} {said}", LoaderdWarning)

    def _warn_of_newer(self) -> None:
        """Say that what was to be the newest of a key is a version before."""
        newest = None if self.is_latest else self.versions.filter(is_latest=True).one_or_none()
        if newest is not None:
            said = f"what is saved as {self._named()!r} is its version {self.version} ({self.uid}), and no new version"
            hint = f"it is the latest again once the newer are deleted, such as {newest.version} ({newest.uid})"
            warn(f"{said}; {hint}", LoaderdWarning)

    def _ahead(self) -> list[Self]:
        """Give what it follows and is not saved, each after what that follows."""
        found: list[Self] = []
        one = self._revises
        while one is not None and one._state.adding and not one._gone:  # what is deleted for good stays so
            found.append(one)
            one = one._revises
        return found[::-1]

    def _sent(self, using: str | None) -> Row:
        """Give what a message says of it where it is ahead of another one."""
        return {"record": self._row(using, whole=True), "names": self._taken()}

    def _following(self, using: str | None) -> Row:
        """Give what a message says of what it follows: the uid of what is saved, and all of what is not.

        Raises
        ------
        InvalidArgument
            It is saved in another database than the default one, and this one is not to be saved there.
        """
        ahead = self._ahead()
        found: Row = {"before": [one._sent(using) | {"tag": together.tag_of(one)} for one in ahead]} if ahead else {}
        revised = ahead[0]._revises if ahead else self._revises
        if revised is not None:
            revised._be_in(using)
            found["revises"] = revised.uid
        return found | ({"names": self._taken()} if self._taken() else {})

    def _be_in(self, using: str | None) -> None:
        """Have what is saved, and is followed, in the database that what follows it is saved to."""
        if self._gone or self._using == using:
            return
        if using is None:  # the default one gives to others, and takes nothing from them
            message = f"{self!r} is of the database {self._using!r}; a new version of it is saved there"
            hint = f"save(using={self._using!r})"
            raise InvalidArgument(message, stage="registry", object="is_new_version_of", hint=hint)
        self.save(using)

    def _take_number_back(self) -> None:
        if self._revises is not None and self._numbers:
            self._revises._numbered = None

    def _revise(self, revised: Any, version: str | None) -> None:
        """Become the next version of another record, whose names it takes, and which becomes 1 if it had no version."""
        self._values["uid"] = new_uid(self._stem)
        self.version = version
        if revised is None:
            return
        if not isinstance(revised, type(self)):
            name = type(self).__name__
            message = f"is_new_version_of={revised!r}; it is a {name}"
            raise InvalidArgument(message, stage="registry", object="is_new_version_of")
        if revised._gone:
            message = f"is_new_version_of={revised!r}, which is deleted for good"
            hint = "the newest of its family that is left can be followed"
            raise InvalidArgument(message, stage="registry", object="is_new_version_of", hint=hint)
        revised = _head(revised)
        was = revised.version or "1"
        if version == was:
            message = f"version={version!r} is that of the one revised, {revised.uid}; it must be another"
            raise FieldValidationError(message, stage="registry", object="version")
        self._values["version"] = next_version(was) if version is None else version
        self._counted = version is None
        self._values["uid"] = next_uid(revised.uid, self._stem)
        for name in self._label:
            if self._values.get(name) is None:
                setattr(self, name, revised._values.get(name))
                self._took[name] = self._values.get(name)
        self._numbers = revised.version is None
        if self._numbers:
            revised._numbered = was
        self._revises = revised


def _head(revised: Any) -> Any:
    """Give the latest version of a record's family, with a warning if it is another one."""
    if revised._state.adding or revised.is_latest:
        return revised
    head = revised.versions.first()
    if head is None or head == revised:  # which became the latest since it was read
        return revised
    warn(f"{revised.uid} is not the latest version, {head.uid} is; that one is revised", LoaderdWarning)
    return head


def new_uid(stem: int) -> str:
    """Draw the ``uid`` of the first of a family."""
    return random_uid(stem) + "0" * SUFFIX


def next_uid(uid: str, stem: int) -> str:
    """Give the ``uid`` that follows; which one it is in the end, the registry decides when it is saved."""
    number = 0
    for sign in uid[stem:]:
        number = number * 62 + BASE62.index(sign)
    number, suffix = number + 1, ""
    for _ in range(SUFFIX):
        number, place = divmod(number, 62)
        suffix = BASE62[place] + suffix
    return uid[:stem] + suffix


def next_version(version: str) -> str:
    """Give the next whole version: 2 after 1, 2.0.0 after 1.3.1.

    Raises
    ------
    FieldValidationError
        The version is not made of numbers, so nobody knows what follows.
    """
    parts = version.split(".")
    if not all(part.isascii() and part.isdigit() for part in parts):
        message = f"what follows version {version!r} is not known"
        raise FieldValidationError(message, stage="registry", object="version", hint="name it: version=…")
    return ".".join([str(int(parts[0]) + 1), *("0" for _ in parts[1:])])
