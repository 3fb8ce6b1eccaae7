"""What every model is: counts of some bands in, values and flags of some layers out."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lunarscale.quantities import Quantity

#: How the remark of a quantity begins that shows no skill away from the stations.
EXPERIMENTAL = "experimental"


@dataclass(frozen=True)
class Prediction:
    """Values and flags of a block of pixels.

    Parameters
    ----------
    values : ndarray of float32, (quantity, pixel)
        In the quantity's units; meaningless where the flag's reason is not 0.
    flags : ndarray of uint8, (quantity, pixel)
        ``MapReason`` in the low three bits, qualifiers above (``lunarscale.flags``).
    """

    values: NDArray[np.float32]
    flags: NDArray[np.uint8]

    @classmethod
    def empty(cls, quantities: int, pixels: int) -> "Prediction":
        """Room for the values and flags of a block."""
        shape = (quantities, pixels)
        return cls(np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.uint8))


class Model(Protocol):
    """A map from reflectance to composition; an equation and a network are the same thing."""

    @property
    def name(self) -> str:
        """Name for people and commands, ``qiu-2025-feo``."""

    @property
    def camera(self) -> str:
        """Name of the camera it was made for, ``clementine-uvvis``."""

    @property
    def bands_nm(self) -> tuple[int, ...]:
        """Bands it needs, in the order ``predict`` takes them."""

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What it gives, in the order of ``Prediction``'s first axis."""

    @property
    def formula(self) -> str:
        """What it computes, for people."""

    @property
    def source(self) -> str:
        """Where it was published."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of each quantity's map must know: where it holds, how far it is trusted."""

    @property
    def digest(self) -> str:
        """SHA-256 of everything that determines its results."""

    @property
    def mare_only(self) -> bool:
        """Whether its values outside a mare mask must be flagged."""

    def predict(
        self, counts: NDArray[np.int16], scale: float, *, out: Prediction | None = None
    ) -> Prediction:
        """Values and flags of a block of pixels.

        Parameters
        ----------
        counts : ndarray of int16, (band, pixel), each row contiguous
            Counts of ``bands_nm``; ``NO_DATA`` where a band has none.
        scale : float
            Reflectance of one count.
        out : Prediction, optional
            Where to put the results; made if not given.
        """


@runtime_checkable
class Counting(Model, Protocol):
    """A model that makes a layer's integers itself, in one pass over the pixels."""

    def predict_counts(
        self,
        counts: NDArray[np.int16],
        scale: float,
        *,
        out: tuple[NDArray[np.int16], NDArray[np.uint8]],
    ) -> None:
        """What ``quantise`` makes of ``predict``, bit for bit.

        Parameters
        ----------
        counts : ndarray of int16, (band, pixel), each row contiguous
            Counts of ``bands_nm``; ``NO_DATA`` where a band has none.
        scale : float
            Reflectance of one count.
        out : (ndarray of int16, ndarray of uint8), each (quantity, pixel), rows contiguous
            Filled with counts of each quantity's quantum and flags.
        """
