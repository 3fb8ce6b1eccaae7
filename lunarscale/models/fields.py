"""Strict reading of what people write: keys and types, the wrong ones told in a sentence."""

import difflib
import math
import re
from collections.abc import Mapping
from typing import Any

from lunarscale.errors import ModelError

_TYPE_NAMES = {
    bool: "yes or no",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
    type(None): "nothing",
}


class Fields:
    """The fields of a mapping, each read as one type.

    Parameters
    ----------
    given : object
        What was parsed; anything but a mapping is refused.
    known : iterable of str
        The keys there are; others are refused, with the nearest known one.
    where : str
        What messages call the mapping, ``feo.yaml: outputs[0]``.

    Raises
    ------
    ModelError
        From the constructor and every method, in one sentence that starts with ``where``.
    """

    def __init__(self, given: object, known: tuple[str, ...], *, where: str) -> None:
        self.where = where
        if not isinstance(given, Mapping):
            raise ModelError(
                f"{where} is {_is(given)} but should be a mapping; its keys are {', '.join(known)}"
            )
        for key in given:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                offer = f"did you mean {near[0]}?" if near else f"use {', '.join(known)}"
                raise ModelError(f"{where} has the key {key!r}, which means nothing here; {offer}")
        self._given = given

    def __contains__(self, key: str) -> bool:
        return key in self._given

    def require(self, *keys: str) -> None:
        """Refuse if a key is missing."""
        missing = [key for key in keys if key not in self._given]
        if missing:
            raise ModelError(f"{self.where} lacks {' and '.join(missing)}; add it")

    def wrong(self, key: str, promised: str) -> ModelError:
        """The error of a value that is not what its key promises."""
        value = self._given.get(key)
        return ModelError(f"{self.where}: {key} is {_is(value)} but should be {promised}; mend it")

    def raw(self, key: str, default: Any = None) -> Any:
        """The value as it was parsed."""
        return self._given.get(key, default)

    def text(self, key: str, default: str = "") -> str:
        """A text; numbers (``version: 2``) are taken as written."""
        value = self._given.get(key, default)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.wrong(key, "text")
        return str(value)

    def flag(self, key: str) -> bool:
        """True or false; false where missing."""
        value = self._given.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def number(self, key: str, default: float) -> float:
        """A finite number."""
        value = self._given.get(key, default)
        if not is_number(value):
            raise self.wrong(key, "a finite number")
        return float(value)

    def integer(self, key: str, default: int) -> int:
        """A whole number."""
        value = self._given.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(key, "a whole number")
        return value

    def items(self, key: str) -> list[Any]:
        """A list; an empty one where missing."""
        value = self._given.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        """A mapping with text for keys; an empty one where missing."""
        value = self._given.get(key, {})
        if not isinstance(value, Mapping) or not all(isinstance(k, str) for k in value):
            raise self.wrong(key, "a mapping")
        return dict(value)


def is_number(value: object) -> bool:
    """Whether a parsed value is a finite number; true and false are none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of more digits than any float has
        return False


#: What `is_name` asks for, for messages.
NAME_RULE = "1 to 80 letters, digits, spaces or . _ + - that begin with a letter or digit"


def is_name(text: str) -> bool:
    """Whether a text may name a model; layers, tables and messages carry it, on one line."""
    return re.fullmatch(r"\w(?:[\w .+-]{0,78}[\w+-])?", text) is not None


def _is(value: object) -> str:
    kind = _TYPE_NAMES.get(type(value), f"a {type(value).__name__}")
    if value is None or isinstance(value, list | dict):
        return kind
    text = repr(value)
    return f"{kind} ({text if len(text) <= 80 else text[:80] + '…'})"
