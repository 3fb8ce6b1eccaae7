"""All maps against each other: exact sums of products, by groups of places."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Self

from lunarscale.errors import ParametersError
from lunarscale.reduce.statistics import Label


class Common(NamedTuple):
    """Sums over the pixels where all of some layers have a value.

    Parameters
    ----------
    weight : int
        Area of these pixels, of which the sphere has 2**62.
    first : mapping of int to int
        Sum of area times count of each layer, by its position.
    second : mapping of (int, int) to int
        Sum of area times the product of the counts of two layers, the lower position first.
    """

    weight: int
    first: Mapping[int, int]
    second: Mapping[tuple[int, int], int]

    def covariance(self, i: int, j: int) -> Fraction:
        """Population covariance of the counts of two layers, over an area that is not empty."""
        product = self.second[min(i, j), max(i, j)]
        rest = product * self.weight - self.first[i] * self.first[j]
        return Fraction(rest, self.weight * self.weight)


@dataclass(frozen=True, eq=False)
class Covariances:
    """Exact sums of products of maps, kept apart by group and by which layers have a value.

    From that, any set of layers is read off over the pixels where all of them have one. Merges
    in any order to the same bits.

    Parameters
    ----------
    layers : tuple of str
    grouping : Label
    sums : mapping of (int, int) to tuple of int
        By group number (0: in no group) and set of layers with a value, layer k being bit k. The
        terms (``place_of``) are of counts, 0 where a layer has none.
    """

    layers: tuple[str, ...]
    grouping: Label
    sums: Mapping[tuple[int, int], tuple[int, ...]]

    def merge(self, other: Self) -> "Covariances":
        """The sums of both parts together.

        Raises
        ------
        ParametersError
            If they are of other layers or groups.
        """
        return Covariances.sum([self, other])

    @classmethod
    def sum(cls, parts: "Iterable[Covariances]") -> "Covariances":
        """All parts in one: at least one, of the same layers and groups, in any order.

        Raises
        ------
        ParametersError
            If they are of different layers or groups.
        """
        parts = list(parts)
        one = parts[0]
        sums: dict[tuple[int, int], tuple[int, ...]] = {}
        for part in parts:
            if (part.layers, part.grouping) != (one.layers, one.grouping):
                raise ParametersError(
                    f"products of {part._title()} do not add to products of {one._title()}; sum "
                    "both over the same layers and groups"
                )
            for key, terms in part.sums.items():
                had = sums.get(key)
                sums[key] = terms if had is None else _plus(had, terms)
        return cls(one.layers, one.grouping, dict(sorted(sums.items())))

    def _title(self) -> str:
        name = f"{self.grouping.name} ({self.grouping.digest[:8]})"
        return f"{', '.join(self.layers)} by {name}"

    def common(self, group: int, layers: Iterable[int]) -> Common:
        """The sums over a group's pixels where all of these layers have a value.

        Parameters
        ----------
        group : int
            Group number, from 1; 0 is what lies in no group.
        layers : iterable of int
            Positions in ``layers``; none at all gives the area of the whole group.
        """
        asked = sorted(set(layers))
        bits = sum(1 << layer for layer in asked)
        total = (0,) * terms_of(len(self.layers))
        for (own, valid), terms in self.sums.items():
            if own == group and valid & bits == bits:
                total = _plus(total, terms)
        return Common(
            total[0],
            {i: total[1 + i] for i in asked},
            {
                (j, i): total[place_of(len(self.layers), i, j)]
                for i in asked
                for j in asked
                if j <= i
            },
        )


def terms_of(layers: int) -> int:
    """Number of terms of so many layers: area, x_i, and x_i x_j with j <= i."""
    return 1 + layers + layers * (layers + 1) // 2


def place_of(layers: int, i: int, j: int) -> int:
    """Place of the term x_i x_j, j <= i: they follow the area and the x_i, row by row."""
    return 1 + layers + i * (i + 1) // 2 + j


def _plus(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(one, other, strict=True))
