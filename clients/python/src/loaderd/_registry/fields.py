"""What a record has: columns, times, and other records."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from loaderd._errors import FieldValidationError, InvalidArgument
from loaderd._registry import wire

if TYPE_CHECKING:
    from typing_extensions import Self

    from loaderd._registry.record import Record

T = TypeVar("T")


class Field(Generic[T]):
    """A column of a record.

    What it is set to is checked and noted as changed, so that `Record.save` sends that alone.

    Parameters
    ----------
    kind
        The type of its values. None fits always.
    fixed
        The registry sets it, nobody else.
    choices
        The values that there are; none: any.
    least
        The least value of a number; None: any.
    """

    def __init__(
        self, kind: type[Any], *, fixed: bool = False, choices: tuple[Any, ...] = (), least: int | None = None
    ) -> None:
        self.kind = kind
        self.fixed = fixed
        self.choices = choices
        self.least = least
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, record: None, owner: type) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type) -> T: ...
    def __get__(self, record: Record | None, owner: type) -> Self | T:
        return self if record is None else self.read(record)

    def __set__(self, record: Record, value: T) -> None:
        if self.fixed:
            message = f"{type(record).__name__}.{self.name} is set by the registry"
            raise AttributeError(message)
        self.write(record, value)

    def read(self, record: Record) -> T:
        """Give the value of a record."""
        return cast("T", record._values.get(self.name))

    def shown(self, record: Record) -> Any:
        """Give the value of a record as messages have it."""
        return record._values.get(self.name)

    def write(self, record: Record, value: Any) -> None:
        """Check a value, and note it as changed if it is another one."""
        plain = self.plain(record, value)
        if record._values.get(self.name) != plain:
            record._values[self.name] = plain
            record._changed.add(self.name)

    def plain(self, record: Record, value: Any) -> Any:
        """Make a value as messages have it.

        Raises
        ------
        InvalidArgument
            It is of another type.
        """
        found = wire.to_wire(value, self.name)
        if found is not None and (not isinstance(found, self.kind) or (self.kind is int and isinstance(found, bool))):
            message = f"{type(record).__name__}.{self.name}={value!r}; it is of type {self.kind.__name__}, or None"
            raise InvalidArgument(message, stage="registry", object=self.name)
        if self.choices and found is not None and found not in self.choices:
            message = (
                f"{type(record).__name__}.{self.name}={value!r}; it is one of {', '.join(map(repr, self.choices))}"
            )
            raise FieldValidationError(message, stage="registry", object=self.name)
        if self.least is not None and found is not None and found < self.least:
            message = f"{type(record).__name__}.{self.name}={value!r}; it is {self.least} at least"
            raise FieldValidationError(message, stage="registry", object=self.name)
        if self.kind is dict and found is not None:
            self._check_json(record, found)
        return found

    def _check_json(self, record: Record, value: Any) -> None:
        try:
            json.dumps(value, allow_nan=False)
        except ValueError as e:
            message = f"{type(record).__name__}.{self.name}={value!r:.200}; JSON knows no NaN and no infinity"
            raise InvalidArgument(message, stage="registry", object=self.name, hint="use None, or a text") from e


class Key(Field["str | None"]):
    """A column of names like paths, which lead nowhere but down."""

    def __init__(self) -> None:
        super().__init__(str)

    def plain(self, record: Record, value: Any) -> Any:
        """Make a value as messages have it.

        Raises
        ------
        InvalidArgument
            It is no text, empty, absolute, or leads upwards.
        """
        found = super().plain(record, value)
        if found is not None and (not found.strip() or found.startswith("/") or ".." in found.split("/")):
            message = f"{type(record).__name__}.{self.name}={value!r}; a key is a relative path without '..'"
            hint = "such as 'atlas/a.h5ad'; it is a name, and says nothing of where the file lies"
            raise InvalidArgument(message, stage="registry", object=self.name, hint=hint)
        return found


class Time(Field[dt.datetime]):
    """A column of times, in UTC.

    Parameters
    ----------
    fixed
        The registry sets it, nobody else.
    """

    def __init__(self, *, fixed: bool = False) -> None:
        super().__init__(dt.datetime, fixed=fixed)

    def read(self, record: Record) -> dt.datetime:
        """Give the value of a record."""
        found = record._values.get(self.name)
        return cast("dt.datetime", None if found is None else wire.from_time(found))

    def plain(self, record: Record, value: Any) -> Any:
        """Make a value as messages have it."""
        if value is not None and not isinstance(value, dt.datetime):
            message = f"{type(record).__name__}.{self.name}={value!r}; it is a datetime, or None"
            raise InvalidArgument(message, stage="registry", object=self.name)
        return wire.to_wire(value, self.name)


class ToOne(Field[T]):
    """Another record, which is fetched when it is looked at.

    The record's ``_values`` have the other's ``uid``, and ``_related`` has the other itself once it is known.

    Parameters
    ----------
    model
        The model of the other.
    fixed
        The registry sets it, nobody else.
    """

    def __init__(self, model: str, *, fixed: bool = False) -> None:
        super().__init__(object, fixed=fixed)
        self.model = model

    def read(self, record: Record) -> T:
        """Give the other record of a record, or None."""
        found: Any = record._related.get(self.name)
        uid = record._values.get(self.name)
        if found is None and uid is not None:
            found = self._class()._fetch(uid, record._using)
            record._related[self.name] = found
        return found  # type: ignore[no-any-return]

    def write(self, record: Record, value: Any) -> None:
        """Check the other record, and note it as changed."""
        plain = self.plain(record, value)
        record._related.pop(self.name, None)
        if value is not None:
            record._related[self.name] = value
        if value is not None or record._values.get(self.name) is not None:
            record._values[self.name] = plain
            record._changed.add(self.name)

    def plain(self, record: Record, value: Any) -> Any:
        """Give the ``uid`` of the other record; that of an unsaved one is known when it is saved."""
        if value is not None and not isinstance(value, self._class()):
            message = f"{type(record).__name__}.{self.name}={value!r}; it is a {self._class().__name__}, or None"
            raise InvalidArgument(message, stage="registry", object=self.name)
        return None if value is None else value._values.get("uid")

    def _class(self) -> type[Record]:
        from loaderd._registry.record import MODELS

        return MODELS[self.model]
