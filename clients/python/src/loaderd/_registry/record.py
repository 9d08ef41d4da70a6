"""What all records of the registry have: fields, saving, queries."""

from __future__ import annotations

import difflib
import secrets
import string
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from loaderd._errors import DoesNotExist, FieldValidationError, InvalidArgument, LoaderdWarning
from loaderd._registry import together, wire
from loaderd._registry.fields import Field, Time, ToOne
from loaderd._warn import warn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

    from loaderd._registry.queryset import QuerySet
    from loaderd._registry.wire import Row

MODELS: dict[str, type[Record]] = {}
"""The class of each model, by the model's name on the wire."""

_LAST = ("created_at", "updated_at", "created_by")
_UNSHOWN = ("updated_at", "source_code", "order_hash", "rest_hash")

BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
"""The characters of a ``uid``, in the order in which versions count."""

TRASH = 2
"""The visibility of what was deleted, but not for good."""


class State(NamedTuple):
    """Where a record stands. The name and the form are those of Django's, which code for lamindb may look at."""

    adding: bool
    """It is not saved yet."""
    db: str | None
    """Of which database it is; None: the default one."""


class Record:
    """One record of the registry.

    Fields are attributes. What is set is written by `save`, and a field that does not exist cannot be set.

    Parameters
    ----------
    **fields
        Values of its fields.

    Attributes
    ----------
    id
        A number that holds in one database.
    uid
        A text that holds in every database.
    created_at, updated_at
        When it was first saved, and when it was last changed.
    """

    _model: ClassVar[str] = ""
    _fields: ClassVar[dict[str, Field[Any]]] = {}
    _label: ClassVar[tuple[str, ...]] = ("name",)
    """The fields that name a record to people, the first that is set."""

    _needs: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """The fields that must be given, each with others that may stand in for it."""

    _other_names: ClassVar[dict[str, str]] = {}
    """Other names of fields in queries."""

    id: Field[int] = Field(int, fixed=True)
    uid: Field[str] = Field(str, fixed=True)
    created_at = Time(fixed=True)
    updated_at = Time(fixed=True)

    _values: Row
    _related: dict[str, Any]
    _changed: set[str]
    _using: str | None
    _gone = False  # deleted for good

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        found = {
            name: field
            for each in reversed(cls.__mro__)
            for name, field in vars(each).items()
            if isinstance(field, Field)
        }
        cls._fields = {name: found[name] for name in sorted(found, key=_LAST.__contains__)}  # stable
        if "_model" in vars(cls):
            MODELS[cls._model] = cls

    def __init__(self, **fields: Any) -> None:
        self._begin()
        settable = [name for name, field in self._fields.items() if not field.fixed]
        check_names(type(self).__name__, fields, settable)
        for name, value in fields.items():
            setattr(self, name, value)
        self._check_needs()

    def _check_needs(self) -> None:
        for names in self._needs:
            if not any(self._has(name) for name in names):
                what, one = type(self).__name__, " or ".join(names)
                hint = f"{what}({names[0]}=…)"
                raise FieldValidationError(f"a {what} needs a {one}", stage="registry", object=names[0], hint=hint)

    def _has(self, name: str) -> bool:
        value = self._related.get(name, self._values.get(name))
        return bool(value.strip()) if isinstance(value, str) else value is not None

    def __copy__(self) -> Self:
        made = object.__new__(type(self))
        vars(made).update(vars(self), _values=dict(self._values), _related=dict(self._related))
        made._changed = set(self._changed)
        return made

    def _begin(self) -> None:
        self._values, self._related, self._changed, self._using = {}, {}, set(), None

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            near = difflib.get_close_matches(name, self._fields, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; fields are {', '.join(self._fields)}"
            raise AttributeError(f"{type(self).__name__} has no field {name!r}{hint}")
        super().__setattr__(name, value)

    # --- to and from messages -------------------------------------------------------------------------------

    @classmethod
    def _of(cls, row: Row, using: str | None = None) -> Self:
        """Make a record of what the registry answered."""
        made = object.__new__(cls)
        made._begin()
        made._take(row, using)
        return made

    @classmethod
    def _fetch(cls, uid: str, using: str | None = None) -> Self:
        return cls._of(wire.call("get", {"model": cls._model, "uid": uid}, using), using)

    def _take(self, row: Row, using: str | None = None) -> None:
        """Become what the registry has; records that are related and known stay so."""
        for name, known in list(self._related.items()):
            if known._values.get("uid") != row.get(name):
                del self._related[name]
        self._values, self._changed, self._using, self._gone = dict(row), set(), using, False

    def _row(self, using: str | None = None, *, whole: bool = False) -> Row:
        """Give what is to be saved; records that it refers to are saved first, or stand in place of their uids."""
        row: Row = {}
        for name, field in self._fields.items():
            if isinstance(field, ToOne) and name in self._related:
                other = self._related[name]
                if other._state.adding and whole:
                    row[name] = together.row_of(other, using)
                    continue
                if other._state.adding:
                    other.save(using)
                self._values[name] = other._values["uid"]
            if self._values.get(name) is not None and name != "id":
                row[name] = self._values[name]
        return row

    @property
    def _state(self) -> State:
        return State(adding=self._values.get("id") is None, db=self._using)

    # --- its life -------------------------------------------------------------------------------------------

    def save(self, using: str | None = None) -> Self:
        """Write the record, or what was changed of it.

        Saving twice changes nothing. A record that the registry has already, by what identifies it (its content, or
        its name), becomes this object instead of a second one. What somebody deleted for good is not made anew: that is
        `DoesNotExist`.

        Parameters
        ----------
        using
            The database to save to. None: the one it is of, else the default one.

        Returns
        -------
        Record
            Itself.
        """
        using = self._to(using)
        if self._state.adding or self._changed:
            self._check_needs()
        self._draw_uid()
        with together.told_of_databases([self], using):
            self._write(using)
        return self

    def _to(self, using: str | None) -> str | None:
        """Give the database to save to."""
        return self._using if using is None else together.database(using)

    def _write(self, using: str | None) -> None:
        if self._state.adding or using != self._using:
            self._saved(wire.call("save", {"model": self._model, "record": self._row(using)}, using), using)
        elif self._changed:
            row = self._row(using)
            change = {name: row.get(name) for name in sorted(self._changed)}
            self._take(wire.call("update", {"model": self._model, "uid": self.uid, "set": change}, using), using)
        else:
            self._check_there()

    def _check_there(self) -> None:
        """Say that the record is gone, of which nothing else would be heard: what is not changed is not written."""
        try:
            wire.call("get", {"model": self._model, "uid": self.uid}, self._using)
        except DoesNotExist as e:
            message, hint = f"{self!r} was deleted for good since it was read", "make it anew, of what it was made of"
            raise DoesNotExist(message, stage="registry", object=str(self.uid), hint=hint) from e

    def _draw_uid(self) -> None:
        """Have a ``uid``, where nothing else tells the registry that it was asked to save this record before."""

    def _saved(self, answer: Row, using: str | None) -> None:
        """Take what the registry answered to a save, and tell what it has to say."""
        self._take(answer["record"], using)
        for note in answer.get("notes") or ():
            warn(note, LoaderdWarning)

    def refresh_from_db(self) -> None:
        """Forget what was changed and not saved, and read the record again."""
        self._check_saved("read it again")
        self._related.clear()
        self._take(wire.call("get", {"model": self._model, "uid": self.uid}, self._using), self._using)

    def delete(self, permanent: bool | None = None) -> None:
        """Delete the record: artifacts and collections into the trash; others have none, and go for good if at all.

        Parameters
        ----------
        permanent
            True: for good at once. False: never for good. None: into the trash; what is there already, or has no trash,
            is deleted for good if you say so at the terminal.

        Raises
        ------
        InvalidArgument
            Records of its kind have no trash, and nobody said that it goes for good.
        ProtectedError
            Others refer to it. The message names them.
        IntegrityError
            The version before would be the latest again, and its key is that of another record's latest by now.
        """
        check_permanent(permanent)
        if self._state.adding:
            warn(f"{self!r} is not saved, so there is nothing to delete", LoaderdWarning)
            return
        if self._values.get("visibility") == TRASH:  # unless somebody took it out since
            row = wire.call("get", {"model": self._model, "uid": self.uid}, self._using)
            self._values["visibility"] = row["visibility"]
        if not permanent and (self._values.get("visibility") == TRASH or "visibility" not in self._fields):
            if permanent is False or not sys.stdin.isatty():
                self._keep(permanent)
                return
            answer = input(f"Delete {self!r} for good? (y/n) ")
            if answer.strip().lower() not in ("y", "yes"):
                return
            permanent = True
        args = {"model": self._model, "uid": self.uid, "permanent": permanent is True}
        row = wire.call("delete", args, self._using)
        if row is None:  # it is gone for good
            self._values["id"] = None
            self._gone = True
            if "visibility" in self._fields:  # what is saved anew is not deleted
                self._values["visibility"] = 0
        else:
            self._take(row, self._using)

    def _keep(self, permanent: bool | None) -> None:
        """Say why nothing is deleted: it is in the trash, or there is none."""
        hint = "delete(permanent=True) deletes it for good"
        if "visibility" not in self._fields:
            message = f"{self!r} stays: a {type(self).__name__} has no trash, so what is deleted is gone for good"
            raise InvalidArgument(message, stage="registry", object="permanent", hint=hint)
        if permanent is None:
            warn(f"{self!r} is in the trash already; {hint}", LoaderdWarning)

    def _check_saved(self, to: str) -> None:
        if self._gone:
            message = f"{self!r} is deleted for good, so nobody can {to}"
            raise InvalidArgument(message, stage="registry", object=type(self).__name__, hint="save() makes it anew")
        if self._state.adding:
            message = f"{self!r} is not saved; save it to {to}"
            raise InvalidArgument(message, stage="registry", object=type(self).__name__)

    # --- queries --------------------------------------------------------------------------------------------

    @classmethod
    def filter(cls, *queries: Any, **lookups: Any) -> QuerySet[Self]:
        """Give the records for which all of the conditions hold.

        Parameters
        ----------
        *queries
            `Q` objects; ``...`` stands for no condition.
        **lookups
            Values by field: ``name="x"``, ``size__gt=1000``, ``created_by__handle="me"``.

        Returns
        -------
        QuerySet
            Lazy: it asks when it is looked at.
        """
        from loaderd._registry.queryset import set_of

        return set_of(cls).filter(*queries, **lookups)

    @classmethod
    def exclude(cls, *queries: Any, **lookups: Any) -> QuerySet[Self]:
        """Give the records for which the conditions do not all hold; parameters as of `filter`."""
        return cls.filter().exclude(*queries, **lookups)

    @classmethod
    def all(cls) -> QuerySet[Self]:
        """Give all records that are not hidden or in the trash."""
        return cls.filter()

    @classmethod
    def get(cls, *queries: Any, is_run_input: Any = False, **lookups: Any) -> Self:
        """Give one record.

        Parameters
        ----------
        *queries
            Its ``id``; or its ``uid``, or the beginning of one, which gives the latest version; or `Q` objects.
        is_run_input
            Whether to note it as an input of the run: True, or a `Run`; None as `context` is set. False, unless said:
            who gets a record may only look at it.
        **lookups
            As of `filter`. Of several, the one that is the latest of its versions is given, if one is.

        Returns
        -------
        Record
            The one.

        Raises
        ------
        DoesNotExist, MultipleResultsFound
            There is none, or there are several.
        """
        return cls.filter().get(*queries, is_run_input=is_run_input, **lookups)

    @classmethod
    def get_or_none(cls, *queries: Any, **lookups: Any) -> Self | None:
        """Give one record, or None; parameters as of `get`."""
        try:
            return cls.filter().get(*queries, **lookups)
        except DoesNotExist:
            return None

    @classmethod
    def using(cls, name: str | None) -> QuerySet[Self]:
        """Give the records of another registered database; None: of the default one."""
        from loaderd._registry.queryset import set_of

        return set_of(cls, name)

    @classmethod
    def df(cls, **options: Any) -> Any:
        """Give the newest records as a ``pandas.DataFrame``; parameters as of `QuerySet.to_dataframe`."""
        return cls.filter().to_dataframe(**options)

    @classmethod
    def to_dataframe(cls, **options: Any) -> Any:
        """Give the newest records as a ``pandas.DataFrame``; parameters as of `QuerySet.to_dataframe`."""
        return cls.filter().to_dataframe(**options)

    @classmethod
    def search(cls, text: str, limit: int = 20) -> QuerySet[Self]:
        """Give the records that fit a text best; parameters as of `QuerySet.search`."""
        return cls.filter().search(text, limit)

    def _track_as_input(self, is_run_input: Any) -> None:
        """Note the record as an input of the run, where records of its kind can be one."""

    # --- to look at -----------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record) or other._model != self._model or self._state.adding:
            return self is other
        return not other._state.adding and (self.uid, self._using) == (other.uid, other._using)

    def __hash__(self) -> int:
        if self._state.adding:
            raise TypeError(f"{type(self).__name__} is not saved, so it has no hash yet")
        return hash((self._model, self.uid))

    def __repr__(self) -> str:
        shown = {}
        for name, field in self._fields.items():
            value = field.shown(self)
            if value is not None and name not in _UNSHOWN:
                known = self._related.get(name)
                shown[name] = known._named() if known is not None else value
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def _named(self) -> str | None:
        """Name the record to people."""
        names = (self._values.get(name) for name in (*self._label, "uid"))
        return next((str(name) for name in names if name is not None), None)

    def describe(self, return_str: bool = False) -> str | None:
        """Show the record and what it is related to.

        Parameters
        ----------
        return_str
            Give the text instead of printing it.

        Returns
        -------
        str or None
            The text, with ``return_str``.
        """
        from loaderd._registry.describe import text_of

        text = text_of(self)
        if return_str:
            return text
        print(text)
        return None


def random_uid(length: int) -> str:
    """Draw characters of a ``uid``."""
    return "".join(secrets.choice(BASE62) for _ in range(length))


def check_names(what: str, given: Iterable[str], allowed: list[str], noun: str = "field") -> None:
    """Check the names of fields, or of keywords.

    Raises
    ------
    FieldValidationError
        With those that are allowed, and the nearest.
    """
    for name in given:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1)
            said = f"did you mean {near[0]!r}? " if near else ""
            message = f"{what} has no {noun} {name!r}; {said}There are {', '.join(allowed)}"
            hint = f"did you mean {near[0]!r}?" if near else ""
            raise FieldValidationError(message, stage="registry", object=name, hint=hint)


def check_permanent(permanent: Any) -> None:
    """Check what `Record.delete` is told.

    Raises
    ------
    InvalidArgument
        It is no bool, and not None.
    """
    if permanent is not None and not isinstance(permanent, bool):
        message = f"permanent={permanent!r}; it is True, False or None"
        raise InvalidArgument(message, stage="registry", object="permanent")
