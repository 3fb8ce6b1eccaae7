"""What a PDS3 label says: keywords, blocks and pointers, asked for by name and by type."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, NoReturn, TypeAlias

from lunarscale.errors import TileError


@dataclass(frozen=True)
class Quantity:
    """A value with the unit that the label writes after it."""

    value: "Value"
    unit: str


Value: TypeAlias = str | int | float | Quantity | tuple["Value", ...] | frozenset["Value"]


class Pointer(NamedTuple):
    """Where an object lies: a file (None: the label's own) and a byte of it, counted from 0."""

    file: str | None
    byte: int


@dataclass(frozen=True)
class Label:
    """A label, or one of its OBJECTs or GROUPs.

    Parameters
    ----------
    where : str
        The file it stands in, for messages.
    name : str
        Name of the OBJECT or GROUP; empty for the whole label.
    values : mapping of str to Value
        Keywords in upper case, pointers with their ``^``. Dates stay text; a line break in a
        text becomes one space; sequences are tuples, sets frozensets.
    blocks : tuple of Label
        The OBJECTs and GROUPs directly inside, in the label's order.
    """

    where: str
    name: str
    values: Mapping[str, Value]
    blocks: tuple["Label", ...]

    def walk(self) -> Iterator["Label"]:
        """This label and every block inside it, outer before inner."""
        yield self
        for block in self.blocks:
            yield from block.walk()

    def block(self, name: str) -> "Label":
        """The first OBJECT or GROUP of a name, at any depth; TileError if there is none."""
        for block in self.walk():
            if block.name == name:
                return block
        raise TileError(f"{self.where}: the label has no OBJECT = {name}; it is no such product")

    def holder(self, keyword: str) -> "Label":
        """This label, or the first block inside that has a keyword; itself if none has."""
        return next((block for block in self.walk() if keyword in block.values), self)

    def value(self, keyword: str) -> Value:
        """A keyword's value as it stands; TileError if it is missing."""
        if keyword in self.values:
            return self.values[keyword]
        inside = f" in its OBJECT = {self.name}" if self.name else ""
        raise TileError(f"{self.where}: the label has no {keyword}{inside}; it is no such product")

    def text(self, keyword: str) -> str:
        """A keyword's value as text; TileError if it is anything else."""
        value = self.value(keyword)
        return value if isinstance(value, str) else self._refuse(keyword, "a text")

    def integer(self, keyword: str) -> int:
        """A keyword's value as an integer; TileError if it is anything else."""
        value = bare(self.value(keyword))
        return value if isinstance(value, int) else self._refuse(keyword, "an integer")

    def number(self, keyword: str, *, units: tuple[str, ...] = ()) -> float:
        """A keyword's value as a number; TileError if it is anything else.

        Parameters
        ----------
        keyword : str
        units : tuple of str
            The units it may carry, in lower case; none given: any. No unit is always right.
        """
        value = self.value(keyword)
        wrong_unit = units and isinstance(value, Quantity) and value.unit.lower() not in units
        number = bare(value)
        if wrong_unit or not isinstance(number, int | float):
            self._refuse(keyword, f"a number{' in ' + units[0] if units else ''}")
        return float(number)

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """A keyword's sequence of numbers; TileError if it is anything else."""
        value = bare(self.value(keyword))
        items = [bare(item) for item in value] if isinstance(value, tuple) else ["none"]
        numbers = tuple(float(item) for item in items if isinstance(item, int | float))
        return numbers if len(numbers) == len(items) else self._refuse(keyword, "a list of numbers")

    def pointer(self, name: str) -> Pointer:
        """Where the object of a name lies; TileError if the label does not say.

        Written as ``^IMAGE = 3``, ``19803 <BYTES>``, ``("A.IMG", 3)``, ``("A.IMG", 1 <BYTES>)``
        or ``"A.IMG"``. Bytes and records count from 1; a record has the RECORD_BYTES of the
        block that holds the pointer. Where the RECORD_TYPE is UNDEFINED there are no records, and
        a number without a unit counts bytes too.
        """
        keyword = f"^{name}"
        holder = self.holder(keyword)
        value = holder.value(keyword)
        file: Value | None = None
        place = value
        if isinstance(value, str):
            file, place = value, 1
        elif isinstance(value, tuple) and len(value) == 2:
            file, place = value
        count = bare(place)
        if not (file is None or isinstance(file, str)) or not isinstance(count, int) or count < 1:
            holder._refuse(keyword, "a place counted from 1")
        in_bytes = holder.values.get("RECORD_TYPE") == "UNDEFINED"
        if isinstance(place, Quantity):
            in_bytes = place.unit.upper() in ("BYTES", "BYTE")
        size = 1 if in_bytes or count == 1 else holder.integer("RECORD_BYTES")
        return Pointer(file, (count - 1) * size)

    def _refuse(self, keyword: str, wanted: str) -> NoReturn:
        found = shown(self.values[keyword])
        raise TileError(f"{self.where}: {keyword} should be {wanted} but the label has {found}")


def bare(value: Value) -> Value:
    """A value without its unit."""
    return value.value if isinstance(value, Quantity) else value


def shown(value: Value) -> str:
    text = f"{bare(value)!r}" + (f" <{value.unit}>" if isinstance(value, Quantity) else "")
    return text if len(text) <= 60 else f"{text[:57]}..."
