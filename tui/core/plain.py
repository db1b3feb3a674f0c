"""Model values as plain JSON data and back, by their declared types."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Dataclasses become objects, tuples lists, moments ISO texts, decimals texts."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Decimal) else value


def from_plain(kind: type[T], data: Any) -> T:
    """The inverse for a dataclass; names the class does not have are ignored.

    Raises:
        ValueError: The data does not fit.
    """
    try:
        result: T = _read(kind, data)
    except (TypeError, KeyError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"does not fit {kind.__name__}") from error
    return result


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, data: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if data is None:
            return None
        return _read(next(arm for arm in get_args(kind) if arm is not type(None)), data)
    if origin is tuple:
        item = get_args(kind)[0]
        return tuple(_read(item, entry) for entry in data)
    if origin is Literal:
        if data not in get_args(kind):
            raise ValueError(f"{data!r} is not allowed")
        return data
    if is_dataclass(kind):
        hints = _hints(kind)  # type: ignore[arg-type]
        known = {f.name: _read(hints[f.name], data[f.name]) for f in fields(kind) if f.name in data}
        return kind(**known)  # type: ignore[operator]
    return _scalar(kind, data)


def _scalar(kind: Any, data: Any) -> Any:
    if kind is datetime:
        return datetime.fromisoformat(data)
    if kind is Decimal:
        return Decimal(data)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    if not isinstance(data, kind):
        raise ValueError(f"expected {kind.__name__}")
    return data
