"""Principal components of maps: the few mixtures that most of their variance lies in."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.raster import weight_to_km2
from lunarscale.quantities import Quantity
from lunarscale.reduce.covariances import Common, Covariances

Matrix = Literal["correlation", "covariance"]

#: What the note of a group without components says.
NOWHERE_TOGETHER = "no two layers that vary have a value at the same pixels"

#: What the note says of covariances in units that differ.
SEVERAL_UNITS = "layers in several units, whose sizes decide what they weigh"


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components of the layers of one group, over the pixels where all have a value.

    Parameters
    ----------
    grouping, group : str
    matrix : str
        ``correlation``: every layer counts the same, whatever its units and spread (the
        default); ``covariance``: in units, for layers that share them.
    layers : tuple of str
        Those taken in.
    variances : ndarray of float64, (component,)
        Eigenvalues, falling; of the correlation matrix they sum to the number of layers.
    shares : ndarray of float64, (component,)
        Of the variance of all; they sum to 1.
    loadings : ndarray of float64, (component, layer)
        Eigenvectors of length 1. Their signs are free; here the entry of the largest size is
        positive, the first of those that are equal to one part in 10^9.
    area_km2 : float
        Area where all of ``layers`` have a value.
    note : str
        What was left out, or why there is nothing.
    """

    grouping: str
    group: str
    matrix: Matrix
    layers: tuple[str, ...]
    variances: NDArray[np.float64]
    shares: NDArray[np.float64]
    loadings: NDArray[np.float64]
    area_km2: float
    note: str


def components(
    sums: Covariances, quantities: Sequence[Quantity], *, matrix: Matrix = "correlation"
) -> list[Components]:
    """The principal components of every group.

    Layers without a value in a group, or of one value all over it, are left out of it and named
    in the note.

    Parameters
    ----------
    sums : Covariances
    quantities : sequence of Quantity
        What each layer shows, in the order of its layers.
    matrix : {"correlation", "covariance"}
    """
    groups = range(1, len(sums.grouping.groups) + 1)
    return [_components(sums, quantities, group, matrix=matrix) for group in groups]


def _components(
    sums: Covariances, quantities: Sequence[Quantity], group: int, *, matrix: Matrix
) -> Components:
    every = range(len(sums.layers))
    some = [layer for layer in every if sums.common(group, [layer]).weight]
    common = sums.common(group, some)
    # what varies is judged where all have a value: the integers tell it exactly
    varying = [layer for layer in some if common.weight and common.covariance(layer, layer)]
    if some != varying:
        common = sums.common(group, varying)
    empty = [sums.layers[layer] for layer in every if layer not in some]
    constant = [sums.layers[layer] for layer in some if layer not in varying]
    names = sums.grouping.name, sums.grouping.groups[group - 1]
    if len(varying) < 2:
        nothing = np.zeros(0)
        return Components(
            *names, matrix, (), nothing, nothing, np.zeros((0, 0)), 0.0, NOWHERE_TOGETHER
        )
    table = covariance_matrix(common, varying, quantities=quantities)
    if matrix == "correlation":
        spread = np.sqrt(np.diag(table))
        table = table / np.outer(spread, spread)
    variances, vectors = np.linalg.eigh(table)
    variances, vectors = variances[::-1].clip(min=0.0), vectors[:, ::-1].T
    notes = [f"left out, without a value: {', '.join(empty)}"] if empty else []
    notes += [f"left out, one value all over: {', '.join(constant)}"] if constant else []
    if matrix == "covariance" and len({quantities[layer].units for layer in varying}) > 1:
        notes.append(SEVERAL_UNITS)
    return Components(
        *names,
        matrix,
        tuple(sums.layers[layer] for layer in varying),
        variances,
        variances / variances.sum(),
        vectors * _signs(vectors)[:, None],
        weight_to_km2(common.weight),
        "; ".join(notes),
    )


def covariance_matrix(
    common: Common, layers: Sequence[int], *, quantities: Sequence[Quantity]
) -> NDArray[np.float64]:
    """Population covariances of some layers in their units, each exact but for its rounding."""
    steps = {layer: Fraction(str(quantities[layer].quantum)) for layer in layers}
    rows = [[float(steps[i] * steps[j] * common.covariance(i, j)) for j in layers] for i in layers]
    return np.array(rows, dtype=np.float64)


def _signs(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """The signs that make the entry of the largest size positive, the first of equals."""
    sizes = np.abs(vectors)
    largest = np.argmax(sizes >= sizes.max(axis=1, keepdims=True) * (1 - 1e-9), axis=1)
    return np.asarray(np.sign(vectors[np.arange(len(vectors)), largest]), dtype=np.float64)
