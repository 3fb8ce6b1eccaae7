"""What one shard, or the whole Moon, adds up to: an immutable value that merges exactly."""

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numcodecs import blosc

from lunarscale.errors import ParametersError, TornError
from lunarscale.grid.cells import BandedCells
from lunarscale.grid.raster import SPHERE_WEIGHT
from lunarscale.moon import AREA_KM2
from lunarscale.reduce.histogram import Histogram

#: First bytes of the written form; the digit is the version.
MAGIC = b"lunarscale statistics 1\n"

#: Group numbers of one place under every grouping, in order: what tells atoms apart.
Atom = tuple[int, ...]


class Label(NamedTuple):
    """What statistics remember of a grouping."""

    name: str
    groups: tuple[str, ...]
    digest: str


class CellsLabel(NamedTuple):
    """What statistics and samples remember of the cells whose centres were sampled.

    ``area_km2`` is a cell's mean area.
    """

    name: str
    digest: str
    area_km2: float

    @classmethod
    def of(cls, cells: BandedCells) -> "CellsLabel":
        """The label of some cells."""
        areas = cells.band_areas_km2() @ np.asarray(cells.per_band)
        return cls(cells.name, cells.digest, float(areas) / cells.count)


class Sums(NamedTuple):
    """Of one layer in one atom: areas of counts, and of flags whether there is a count or not."""

    counts: Histogram
    flags: Histogram


class Cell(NamedTuple):
    """An atom: its weight and pixels, valid or not, and each layer's sums.

    The weight is its area (2**62 to the sphere), or its number of cells where cells are sampled.
    """

    weight: int
    pixels: int
    layers: tuple[Sums, ...]


#: Bytes that one packed byte may unfold to: zstd and Blosc's blocks make fewer of any.
_MOST_PACKED = 65_536

#: What bytes that are no statistics raise, at one place or another.
_DAMAGE = (RuntimeError, ValueError, KeyError, TypeError, RecursionError, struct.error)


@dataclass(frozen=True, eq=False)
class Statistics:
    """Exact sums of some layers under some groupings.

    A place's group numbers under all groupings make its *atom*; sums are kept an atom, so that a
    pixel is in them once however many groupings there are. All are integers: merging is
    associative and commutative bit for bit. The area of the whole sphere is 2**62 but for
    rounding, so no sum over parts of the Moon, each counted once, leaves int64.

    Parameters
    ----------
    layers : tuple of str
        Names of the maps.
    groupings : tuple of Label
    cells : mapping of atom to Cell
    sampled : CellsLabel, optional
        The cells at whose centres the maps were sampled, each of which weighs 1; None where all
        pixels were counted by their area.
    """

    layers: tuple[str, ...]
    groupings: tuple[Label, ...]
    cells: Mapping[Atom, Cell]
    sampled: CellsLabel | None = None

    @property
    def weighing(self) -> Literal["area", "cells"]:
        """What the weights are: areas of pixels, or numbers of sampled cells."""
        return "area" if self.sampled is None else "cells"

    @property
    def unit_km2(self) -> float:
        """Square kilometres of one unit of weight."""
        return AREA_KM2 / SPHERE_WEIGHT if self.sampled is None else self.sampled.area_km2

    def merge(self, other: "Statistics") -> "Statistics":
        """The statistics of both parts together.

        Raises
        ------
        ParametersError
            If they are of other layers or groupings.
        """
        return Statistics.sum([self, other])

    @classmethod
    def sum(cls, parts: Iterable["Statistics"]) -> "Statistics":
        """All parts in one: at least one, of the same layers and groupings, in any order.

        Raises
        ------
        ParametersError
            If they are of different layers or groupings.
        """
        parts = list(parts)
        first = parts[0]
        for part in parts[1:]:
            if part._kind() != first._kind():
                raise ParametersError(
                    f"statistics of {part._title()} do not add to statistics of "
                    f"{first._title()}; summarise both with the same layers, groupings and cells"
                )
        atoms = sorted({atom for part in parts for atom in part.cells})
        cells = {
            atom: sum_cells([part.cells[atom] for part in parts if atom in part.cells])
            for atom in atoms
        }
        return cls(first.layers, first.groupings, cells, first.sampled)

    def _kind(self) -> tuple[tuple[str, ...], tuple[Label, ...], CellsLabel | None]:
        return self.layers, self.groupings, self.sampled

    def _title(self) -> str:
        names = " and ".join(f"{g.name} ({g.digest[:8]})" for g in self.groupings)
        places = "all pixels" if self.sampled is None else self.sampled.name
        return f"{', '.join(self.layers)} by {names} over {places}"

    def group(self, grouping: int, group: int) -> Cell:
        """The sums of a group: of all atoms that have this number under that grouping.

        Parameters
        ----------
        grouping : int
            Position in ``groupings``.
        group : int
            Group number, from 1; 0 gives what is in no group.
        """
        found = [cell for atom, cell in self.cells.items() if atom[grouping] == group]
        nothing = Cell(0, 0, tuple(Sums(Histogram.sum([]), Histogram.sum([])) for _ in self.layers))
        return sum_cells(found) if found else nothing

    def to_bytes(self) -> bytes:
        """The statistics as bytes; equal statistics give equal bytes."""
        header: dict[str, Any] = {
            "layers": self.layers,
            "groupings": self.groupings,
            "cells": [
                [
                    atom,
                    self.cells[atom].weight,
                    self.cells[atom].pixels,
                    [[len(h.values), h.pixels] for sums in self.cells[atom].layers for h in sums],
                ]
                for atom in sorted(self.cells)
            ],
        }
        if self.sampled is not None:
            header["sampled"] = self.sampled
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        arrays = [
            array
            for atom in sorted(self.cells)
            for sums in self.cells[atom].layers
            for h in sums
            for array in (h.values.astype("<i2").tobytes(), h.weights.astype("<i8").tobytes())
        ]
        body = b"".join([len(text).to_bytes(8, "little"), text, *arrays])
        # level 1: areas are close to noise and more work finds little more
        packed: bytes = blosc.compress(body + b"\0" * (-len(body) % 8), b"zstd", 1, typesize=8)
        return MAGIC + zlib.crc32(packed).to_bytes(4, "little") + packed

    @classmethod
    def from_bytes(cls, written: bytes) -> "Statistics":
        """The statistics that ``to_bytes`` wrote.

        Raises
        ------
        TornError
            If the bytes are not what was written.
        """
        start = len(MAGIC) + 4
        crc = int.from_bytes(written[len(MAGIC) : start], "little")
        whole = written.startswith(MAGIC) and len(written) > start
        if not whole or zlib.crc32(written[start:]) != crc:
            raise TornError(
                f"partial statistics of {len(written):,} bytes are not what was written: the "
                "checksum or the version differs; compute the shard again"
            )
        try:
            (claimed,) = struct.unpack_from("<4xI", written, start)  # of Blosc's header
            if claimed > _MOST_PACKED * len(written):
                raise ValueError(f"they claim to unfold to {claimed:,}")
            return cls._unpacked(blosc.decompress(written[start:]))
        except _DAMAGE as error:
            raise TornError(
                f"partial statistics of {len(written):,} bytes are none, though their checksum "
                f"matches ({error!r:.80}); compute the shard again"
            ) from error

    @classmethod
    def _unpacked(cls, body: bytes) -> "Statistics":
        size = 8 + int.from_bytes(body[:8], "little")
        if size > len(body):
            raise ValueError("the header ends beyond them")
        header = json.loads(body[8:size])
        groupings = tuple(
            Label(n, tuple(groups), digest) for n, groups, digest in header["groupings"]
        )
        cells = {}
        for atom, weight, pixels, shapes in header["cells"]:
            histograms = []
            for bins, valid in shapes:
                if bins < 0:
                    raise ValueError("a histogram has fewer bins than none")
                values = np.frombuffer(body, "<i2", bins, size).astype(np.int16)
                weights = np.frombuffer(body, "<i8", bins, size + 2 * bins).astype(np.int64)
                histograms.append(Histogram(values, weights, valid))
                size += 10 * bins
            layers = map(Sums, histograms[::2], histograms[1::2])
            cells[tuple(atom)] = Cell(weight, pixels, tuple(layers))
        sampled = CellsLabel(*header["sampled"]) if "sampled" in header else None
        return cls(tuple(header["layers"]), groupings, cells, sampled)


def sum_cells(cells: list[Cell]) -> Cell:
    """The sums of parts of one atom, or of several atoms, at least one; in any order."""
    if len(cells) == 1:
        return cells[0]
    layers = tuple(
        Sums(Histogram.sum(s.counts for s in sums), Histogram.sum(s.flags for s in sums))
        for sums in zip(*(cell.layers for cell in cells), strict=True)
    )
    return Cell(sum(c.weight for c in cells), sum(c.pixels for c in cells), layers)
