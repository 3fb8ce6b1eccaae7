"""A network in an ONNX file as a ``Model``: reflectances in, any number of quantities out."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import ModelError
from lunarscale.flags import EXTRAPOLATED, NO_DATA
from lunarscale.models.card import Card
from lunarscale.models.model import EXPERIMENTAL, Prediction
from lunarscale.models.network_loops import compiled_loops
from lunarscale.models.onnx_file import GraphFacts
from lunarscale.models.ports import layout_of, output_names, wanted_outputs
from lunarscale.models.session import SPAN_PIXELS, Buffers, Shapes, open_session
from lunarscale.models.signature import DISTANCE
from lunarscale.quantities import QUANTITIES, Quantity

_Number = TypeVar("_Number", bound=np.generic)

#: Part of every network's digest: raise it whenever any value or flag may change.
NETWORK_VERSION = 1

#: Reflectance that a pixel without one is given: what comes of it is not looked at.
HARMLESS = 0.2

#: A process's memory for onnxruntime itself, and how often it holds a network's weights: the
#: file while it is read, the weights, and copies packed for products.
RUNTIME_BYTES = 60_000_000
WEIGHT_COPIES = 4

#: Most pixels in a block, those of 1024 x 1024: more only takes memory.
LARGEST_BLOCK = 1_048_576

#: Arrays of a block that a graph has at a time, beside its input and outputs.
LIVE_ARRAYS = 4


@dataclass(frozen=True)
class Network:
    """A network in an ONNX file: a ``Model`` of the quantities that its card names.

    It pickles as its location and SHA-256, its card and the facts of its graph; the file is read
    again, once a process, where the first block is predicted.

    Parameters
    ----------
    location : str
        Absolute path of the file; ``ready:`` and its stem for one that comes with the package.
    sha256 : str
        Of the file's bytes.
    size : int
        The file's bytes.
    card : Card
    facts : GraphFacts
        What the file says of its graph.
    """

    location: str
    sha256: str
    size: int
    card: Card
    facts: GraphFacts = field(hash=False)

    @property
    def name(self) -> str:
        """Its card's name."""
        return self.card.name

    @property
    def camera(self) -> str:
        """Name of the camera it was made for."""
        return self.card.camera

    @property
    def bands_nm(self) -> tuple[int, ...]:
        """Bands it needs, in the order ``predict`` takes them."""
        return self.card.bands_nm

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """What it gives, in the card's order."""
        return tuple(QUANTITIES[output.quantity] for output in self.card.outputs)

    @property
    def formula(self) -> str:
        """What it computes, for people."""
        bands = ", ".join(f"R{band}" for band in self.bands_nm)
        names = ", ".join(quantity.name for quantity in self.quantities)
        return f"{names} = network({bands})"

    @property
    def remarks(self) -> tuple[str, ...]:
        """Which quantities are experimental, and why; of intervals' ends, of which intervals."""
        doubts = (
            f"{EXPERIMENTAL}: {output.reason}" if output.experimental else ""
            for output in self.card.outputs
        )
        meanings = (self.card.description if each.is_end else "" for each in self.quantities)
        told = zip(doubts, meanings, strict=True)
        return tuple("; ".join(filter(None, words)) for words in told)

    @property
    def source(self) -> str:
        """Where it was published; else where it lies."""
        return self.card.source or Path(self.location).name

    @property
    def mare_only(self) -> bool:
        """Networks say by themselves where they are stretched."""
        return False

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that determines its results: the file, the card, this code."""
        determining = f"{NETWORK_VERSION} {self.sha256} {self.card.to_json()}"
        return hashlib.sha256(determining.encode()).hexdigest()

    @cached_property
    def shapes(self) -> Shapes:
        """What a session needs to know.

        Raises
        ------
        ModelError
            If the graph's inputs and outputs are not what the card promises.
        """
        where = self.location
        layout = layout_of(self.facts, self.card, where)
        wanted = wanted_outputs(self.facts, self.card, where)
        (port,) = self.facts.inputs
        shape = port.shape or ()
        along = dict(zip(layout.split(", "), shape, strict=False))
        fixed = along.get("pixel")
        block = fixed if isinstance(fixed, int) else self.card.block_pixels
        if not 1 <= block <= LARGEST_BLOCK:
            who = "graph" if isinstance(fixed, int) else "card"
            raise ModelError(
                f"{where}: the {who} has blocks of {block:,} pixels but they are between 1 and "
                f"{LARGEST_BLOCK:,}; thousands are fastest"
            )
        sizes = {"pixel": block, "band": len(self.bands_nm), "1": 1}
        free = {name: sizes[axis] for axis, name in along.items() if name and isinstance(name, str)}
        return Shapes(
            port.name, layout, len(self.bands_nm), block, tuple(free.items()),
            tuple(wanted.items()), self.facts.opset, self.facts.ir_version,
        )  # fmt: skip

    @property
    def process_bytes(self) -> int:
        """Most memory that it takes once a process."""
        return WEIGHT_COPIES * max(self.size, 4 * self.facts.weights)

    @property
    def thread_bytes(self) -> int:
        """Most memory that it takes in each thread, beside the block's values and flags."""
        # a convolution makes its channels at every band, and at an angle or two computed inside
        widest = max(self.facts.widest, self.facts.deepest * (len(self.bands_nm) + 2))
        ports = len(self.bands_nm) + sum(values for _, values in self.shapes.outputs)
        span = max(self.shapes.block, SPAN_PIXELS)
        return 4 * (self.shapes.block * LIVE_ARRAYS * widest + span * ports)

    def require_fit(self) -> None:
        """Refuse a card of another graph.

        Raises
        ------
        ModelError
            If the graph's inputs and outputs are not what the card promises.
        """
        _ = self.shapes

    def open(self) -> None:
        """Load it into this process and run one block.

        Raises
        ------
        ModelError
            If it cannot be loaded or run, or gives other shapes than its card promises.
        """
        open_session(self.location, self.sha256, self.shapes)

    def predict(
        self, counts: NDArray[np.int16], scale: float, *, out: Prediction | None = None
    ) -> Prediction:
        """Values and flags of a block of pixels, each (quantity, pixel).

        No value where a band has none (``NO_INPUT``) or the network gives no finite number
        (``OUTSIDE_DOMAIN``); a value and a flag where it is negative, where the graph's own
        ``distance`` is beyond the card's limit, or a reflectance outside the card's range.

        Parameters
        ----------
        counts : ndarray of int16, (band, pixel)
            Counts of ``bands_nm``; ``NO_DATA`` where a band has none.
        scale : float
            Reflectance of one count.
        out : Prediction, optional
            Where to put the results; made if not given.

        Raises
        ------
        ModelError
            If the counts are not one row of int16 for each band, or the network's file has
            changed or is not there.
        """
        if counts.ndim != 2 or len(counts) != len(self.bands_nm) or counts.dtype != np.int16:
            raise ModelError(
                f"{self.name} takes {len(self.bands_nm)} rows of int16 counts but was given "
                f"{counts.dtype} of shape {counts.shape}; pick its bands first"
            )
        made = out or Prediction.empty(len(self.quantities), counts.shape[1])
        shapes, scaling = self.shapes, self._scaling(scale)
        buffers = open_session(self.location, self.sha256, shapes).buffers
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is voided
            for span in _spans(counts.shape[1], shapes.block, most=buffers.blocks):
                room = Prediction(span.of(made.values), span.of(made.flags))
                self._predict(span.of(counts), scaling, buffers, out=room)
        return made

    def _predict(
        self, counts: NDArray[np.int16], scaling: "_Scaling", buffers: Buffers, *, out: Prediction
    ) -> None:
        """Some blocks, (row, block, pixel); what the buffers hold beyond them is of others."""
        loops = compiled_loops()
        _, blocks, pixels = counts.shape
        room = slice(None), slice(blocks), slice(pixels)
        lowest = counts.min(axis=0)  # the lowest count there is tells of a band that has none
        known = lowest.max(axis=1) > NO_DATA
        scaling.apply(counts, anywhere=lowest.min() == NO_DATA, out=buffers.reflectance[room])
        for block in np.flatnonzero(known).tolist():
            buffers.run(block)
        stretched = self._stretched(counts, scaling, buffers)
        for values, flags, (name, column), output in zip(
            out.values, out.flags, self.columns, self.card.outputs, strict=True
        ):
            made = buffers.outputs[name][room][column]
            if (output.multiply_by, output.add) != (1.0, 0.0):
                made *= np.float32(output.multiply_by)
                made += np.float32(output.add)
            loops.flag(made, lowest, stretched, out=flags)
            loops.finite(made, out=values)
        if not known.all():
            out.values[:, ~known] = 0.0

    def _scaling(self, scale: float) -> "_Scaling":
        given, bands = self.card.input, len(self.bands_nm)
        divide = np.reshape(given.divide_by or (1.0,) * bands, (-1, 1, 1))
        subtract = np.reshape(given.subtract or (0.0,) * bands, (-1, 1, 1))
        return _Scaling(
            (scale / divide).astype(np.float32),
            (-subtract / divide).astype(np.float32),
            ((HARMLESS - subtract) / divide).astype(np.float32),
            [(low / scale, high / scale) for low, high in given.range],
        )

    def _stretched(
        self, counts: NDArray[np.int16], scaling: "_Scaling", buffers: Buffers
    ) -> NDArray[np.uint8]:
        """``EXTRAPOLATED`` where a pixel is unlike what the network was trained on, else 0."""
        stretched = np.zeros(counts.shape[1:], np.uint8)
        if self.card.distance_limit is not None:
            distance = buffers.outputs[DISTANCE][0, : counts.shape[1], : counts.shape[2]]
            # a distance that is no number is no small one
            stretched[~(distance <= np.float32(self.card.distance_limit))] = EXTRAPOLATED
        for row, (low, high) in zip(counts, scaling.ranges, strict=False):
            compiled_loops().beyond(row, low, high, stretched, out=stretched)
        return stretched

    @cached_property
    def columns(self) -> list[tuple[str, int]]:
        """The graph's output, and the column of it, that holds each quantity."""
        names = output_names(self.facts, self.card)
        return [(name, names[:index].count(name)) for index, name in enumerate(names)]


class _Scaling(NamedTuple):
    """What turns counts into a graph's input, (band, 1, 1), and the ends of its range in counts."""

    gain: NDArray[np.float32]
    bias: NDArray[np.float32]
    harmless: NDArray[np.float32]
    ranges: list[tuple[float, float]]

    def apply(self, counts: NDArray[np.int16], *, anywhere: bool, out: NDArray[np.float32]) -> None:
        """Scale counts, (band, block, pixel); ``anywhere`` says whether any of them is missing."""
        np.multiply(counts, self.gain, out=out)
        if self.bias.any():
            out += self.bias
        if anywhere:
            np.copyto(out, self.harmless, where=counts == NO_DATA)


class _Span(NamedTuple):
    """Some whole blocks of pixels, or one that is not whole."""

    start: int
    blocks: int
    pixels: int

    def of(self, array: NDArray[_Number]) -> NDArray[_Number]:
        """A view (row, block, pixel) of its part of an array (row, pixel)."""
        stop = self.start + self.blocks * self.pixels
        return array[:, self.start : stop].reshape(len(array), self.blocks, self.pixels)


def _spans(pixels: int, block: int, *, most: int) -> Iterator[_Span]:
    """All pixels in spans of at most so many blocks."""
    start = 0
    while left := pixels - start:
        span = _Span(start, max(1, min(most, left // block)), min(block, left))
        yield span
        start += span.blocks * span.pixels
