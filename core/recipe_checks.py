"""Checks of a recipe's values: a recipe is a frozen dataclass whose fields a study can set."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from types import MappingProxyType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from core.errors import UserError, shown

LARGEST = 2**31  # of any number in a recipe


def check_recipe(
    recipe: Any,
    name: str,
    *,
    at_least: Mapping[str, float],
    above_zero: Iterable[str] = (),
    shares: Iterable[str] = (),
    at_most: Mapping[str, float] = MappingProxyType({}),
) -> None:
    """Check every field of a recipe against its annotation, and some against a range.

    A `Literal` field must have one of its choices. `at_least` gives lowest values by field
    and `at_most` highest ones; `above_zero` fields must be positive,
    `shares` from 0 to below 1. None is in every range.

    Raises
    ------
    UserError
        A value is not among the choices, of another type or out of range; the message has the
        recipe's `name`, the field, the value, and what is expected.
    """
    hints = get_type_hints(type(recipe))

    def require(holds: bool, field: str, expected: str) -> None:
        if not holds:
            raise UserError(f"{name}: {field} is {shown(values[field])}, expected {expected}.")

    values = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
    for field, value in values.items():
        hint = hints[field]
        if get_origin(hint) is Literal:
            *others, last = get_args(hint)
            require(value in (*others, last), field, f"{', '.join(others)} or {last}")
        elif isinstance(value, bool):
            require(hint is bool, field, "a number")
        else:
            allowed = int | float if hint is float else get_origin(hint) or hint
            allowed = hint if get_origin(hint) in (Union, UnionType) else allowed
            require(isinstance(value, allowed), field, f"a value of type {_type_name(hint)}")
        if isinstance(value, (int, float)):
            require(-LARGEST < value < LARGEST, field, f"a number below {LARGEST:,}")
    numbers = {field: value for field, value in values.items() if value is not None}
    for field, lowest in at_least.items():
        require(numbers.get(field, lowest) >= lowest, field, f"at least {lowest}")
    for field, highest in at_most.items():
        require(numbers.get(field, highest) <= highest, field, f"at most {highest}")
    for field in above_zero:
        require(numbers[field] > 0, field, "above 0")
    for field in shares:
        require(0 <= numbers[field] < 1, field, "from 0 to below 1")


def _type_name(hint: Any) -> str:
    return getattr(hint, "__name__", str(hint))
