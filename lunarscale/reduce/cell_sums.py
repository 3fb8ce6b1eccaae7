"""What every cell holds: exact area, moments to order two and extremes of each map."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from typing import Any, NamedTuple, Self

import numba
import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import ParametersError
from lunarscale.grid.cells import BandedCells
from lunarscale.grid.raster import SPHERE_WEIGHT
from lunarscale.moon import AREA_KM2
from lunarscale.quantities import Quantity
from lunarscale.reduce.wide import Wide, minus, nearest, plus, product

#: Extremes of a cell without a value: any count lies on the other side.
NO_LOWEST, NO_HIGHEST = 32767, -32768

#: Most bytes of a merged sum: a cell's number, area and pixels, and each layer's sums of it.
CELL_BYTES, CELL_LAYER_BYTES = 24, 52


class LayerSums(NamedTuple):
    """Of every layer in every cell, each ``(layer, cell)``.

    Areas are in units of which the sphere has 2**62: ``weights`` (int64) that of the pixels with
    a value x, of which there are ``pixels`` (int64); ``first`` and ``second`` the sums of area
    times x and times x squared; ``lowest`` and ``highest`` (int16) the extremes of x.
    """

    weights: NDArray[np.int64]
    pixels: NDArray[np.int64]
    first: Wide
    second: Wide
    lowest: NDArray[np.int16]
    highest: NDArray[np.int16]

    @classmethod
    def nothing(cls, layers: int, cells: int) -> "LayerSums":
        """The sums of no pixel."""
        shape = (layers, cells)
        return cls(
            np.zeros(shape, np.int64), np.zeros(shape, np.int64), Wide.zeros(shape),
            Wide.zeros(shape), np.full(shape, NO_LOWEST, np.int16),
            np.full(shape, NO_HIGHEST, np.int16),
        )  # fmt: skip

    def of(self, cells: NDArray[np.intp]) -> "LayerSums":
        """The sums of some of the cells."""
        # np.take is several times as fast as an index beside a slice
        take = partial(np.take, indices=cells, axis=1)
        first, second = (Wide(take(w.low), take(w.high)) for w in (self.first, self.second))
        return LayerSums(
            take(self.weights), take(self.pixels), first, second,
            take(self.lowest), take(self.highest),
        )  # fmt: skip

    def before(self, place: int) -> "LayerSums":
        """The sums of the first cells, in the same memory."""
        own = (slice(None), slice(place))
        return LayerSums(
            self.weights[own], self.pixels[own], self.first[own], self.second[own],
            self.lowest[own], self.highest[own],
        )  # fmt: skip

    def take_in(self, cells: NDArray[np.intp], other: "LayerSums") -> None:
        """Add another's sums to those of these cells, each named once, in place."""
        for layer in range(len(self.weights)):
            self.weights[layer, cells] += other.weights[layer]
            self.pixels[layer, cells] += other.pixels[layer]
            self.first.add_at((layer, cells), other.first[layer])
            self.second.add_at((layer, cells), other.second[layer])
            low, high = self.lowest[layer], self.highest[layer]
            low[cells] = np.minimum(low[cells], other.lowest[layer])
            high[cells] = np.maximum(high[cells], other.highest[layer])


@dataclass(frozen=True, eq=False)
class CellSums:
    """Sums of the pixels of each cell that some shards touch; merges in any order, to the bit.

    Parameters
    ----------
    layers : tuple of str
    cells : BandedCells
    numbers : ndarray of int64, (cell,)
        The cells that hold a pixel, rising.
    weights : ndarray of int64, (cell,)
        Area of a cell's pixels with a value or not, of which the sphere has 2**62.
    pixels : ndarray of int64, (cell,)
    sums : LayerSums
    """

    layers: tuple[str, ...]
    cells: BandedCells
    numbers: NDArray[np.int64]
    weights: NDArray[np.int64]
    pixels: NDArray[np.int64]
    sums: LayerSums

    def merge(self, other: Self) -> "CellSums":
        """The sums of both parts together.

        Raises
        ------
        ParametersError
            If they are of other layers or cells.
        """
        return CellSums.sum([self, other])

    @classmethod
    def sum(cls, parts: "Iterable[CellSums]") -> "CellSums":
        """All parts in one: at least one, of the same layers and cells, in any order.

        Raises
        ------
        ParametersError
            If they are of different layers or cells.
        """
        parts = list(parts)
        one = parts[0]
        for part in parts[1:]:
            if (part.layers, part.cells.digest) != (one.layers, one.cells.digest):
                raise ParametersError(
                    f"sums of {part._title()} do not add to sums of {one._title()}; sum both over "
                    "the same layers and cells"
                )
        parts = [part for part in parts if part.numbers.size] or [one]
        if len(parts) == 1:
            return parts[0]
        numbers = np.unique(np.concatenate([part.numbers for part in parts]))
        weights, pixels = np.zeros((2, numbers.size), dtype=np.int64)
        sums = LayerSums.nothing(len(one.layers), numbers.size)
        for part in parts:
            at = np.searchsorted(numbers, part.numbers)
            weights[at] += part.weights
            pixels[at] += part.pixels
            sums.take_in(at, part.sums)
        return cls(one.layers, one.cells, numbers, weights, pixels, sums)

    def split(self, number: int) -> "tuple[CellSums, CellSums]":
        """The sums of the cells below a number, which share memory with these, and of the others.

        The others are a copy, so that who keeps them does not keep all.
        """
        at = int(np.searchsorted(self.numbers, number))
        below = CellSums(
            self.layers, self.cells, self.numbers[:at], self.weights[:at], self.pixels[:at],
            self.sums.before(at),
        )  # fmt: skip
        others = np.arange(at, self.numbers.size)
        rest = CellSums(
            self.layers, self.cells, self.numbers[others], self.weights[others],
            self.pixels[others], self.sums.of(others),
        )  # fmt: skip
        return below, rest

    def _title(self) -> str:
        return f"{', '.join(self.layers)} in {self.cells.name} ({self.cells.digest[:8]})"

    def figures(self, layer: int, quantity: Quantity) -> "CellFigures":
        """What is read off the sums of one layer.

        Parameters
        ----------
        layer : int
            Position in ``layers``.
        quantity : Quantity
            What it shows.
        """
        own = self.sums
        weights, first, second = own.weights[layer], own.first[layer], own.second[layer]
        mean, deviation = np.empty((2, self.numbers.size))
        read_moments()(weights, (first.low, first.high), (second.low, second.high), mean, deviation)
        has_value = weights > 0
        step = Fraction(str(quantity.quantum))
        lowest, highest = (
            np.where(has_value, _in_units(array[layer].astype(np.float64), step), np.nan)
            for array in (own.lowest, own.highest)
        )
        square_km = AREA_KM2 / SPHERE_WEIGHT
        return CellFigures(
            numbers=self.numbers,
            mean=_in_units(mean, step),
            std=_in_units(deviation, step),
            min=lowest,
            max=highest,
            valid_area_km2=np.asarray(weights * square_km, dtype=np.float64),
            area_km2=np.asarray(self.weights * square_km, dtype=np.float64),
            valid_share=weights / self.weights,
            valid_pixels=own.pixels[layer],
            pixels=self.pixels,
        )


class CellFigures(NamedTuple):
    """One layer in every cell that the map touches, each ``(cell,)``.

    ``mean``, ``std`` (population), ``min`` and ``max`` are float64 in the layer's units, weighted
    by area, NaN where the cell has no value. The area is that of the pixels whose centres lie in
    the cell, of which ``valid_share`` have a value.
    """

    numbers: NDArray[np.int64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    min: NDArray[np.float64]
    max: NDArray[np.float64]
    valid_area_km2: NDArray[np.float64]
    area_km2: NDArray[np.float64]
    valid_share: NDArray[np.float64]
    valid_pixels: NDArray[np.int64]
    pixels: NDArray[np.int64]


def _in_units(counts: NDArray[np.float64], step: Fraction) -> NDArray[np.float64]:
    """Counts times a quantum that is a short decimal: rounded once more only, in the division."""
    return counts * step.numerator / step.denominator


def _read(weights, first, second, mean, deviation):  # type: ignore[no-untyped-def]
    # Moments are taken about the count nearest to the mean, in integers. The mean is then m away
    # from it, |m| <= 1/2, and the variance of integers is at least |m| - m**2 there, so that
    # subtracting m**2 at the end costs float64 at most a bit or two.
    for cell in range(weights.size):
        weight = weights[cell]
        if weight == 0:
            mean[cell] = deviation[cell] = np.nan
            continue
        one = (first[0][cell], first[1][cell])
        two = (second[0][cell], second[1][cell])
        middle = np.int64(np.rint(nearest(one) / weight))
        one = minus(one, product(weight, middle))
        off = np.int64(one[0])  # within half the weight, so one limb holds it
        two = minus(two, plus(product(weight, middle * middle), product(off, 2 * middle)))
        rest = np.float64(off) / weight
        mean[cell] = middle + rest
        deviation[cell] = np.sqrt(max(nearest(two) / weight - rest * rest, 0.0))


@cache
def read_moments() -> Any:
    """Kernel: mean and population standard deviation, in counts, of cells' exact sums.

    ``(weights int64; first, second: pairs of limbs; mean, deviation float64)``, each ``(cell,)``;
    the last two are written, NaN where the weight is 0. Either is right to a few units in the
    last place of a float64.
    """
    limbs = numba.types.Tuple([numba.types.uint64[::1], numba.types.int64[::1]])
    figures = numba.types.float64[::1]
    signature = numba.types.void(numba.types.int64[::1], limbs, limbs, figures, figures)
    return numba.njit(signature, nogil=True)(_read)
