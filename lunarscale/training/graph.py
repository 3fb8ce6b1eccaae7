"""Models as ONNX graphs over an image of pixels, from raw reflectances to wt %.

Everything in the graph is a ``Rows``: float32 of shape (1, channel, position, pixel). The pixels
of a block are the width of an image, the positions of a one-dimensional network its height; so a
dense layer is a convolution by 1 x 1, a one-dimensional convolution one by k x 1, and a row of
pixels is contiguous. onnxruntime then runs every layer in its blocked convolution kernels, where
bias and ReLU cost nothing, windows are never copied, and only necessary products are computed.
Measured on one core for Qiu's network (blocks of 1,024 pixels, share of the rate of a large matrix
product): this 77 %; matrix products with pixels as rows and folded windows 55 %, without folding
49 %; matrix products with pixels as columns 45 %; positions as groups of channels 40 %. At 16,384
pixels it is 67 % against 30-38 %. The whole file, OMAT and scaling included, reaches 65-69 %
(``benchmarks/kernels/bench_networks.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count, groupby
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

from lunarscale.models.card import METADATA_KEY, Card
from lunarscale.models.laws import AngleLine, OriginDistance
from lunarscale.models.signature import DISTANCE
from lunarscale.quantities import QUANTITIES
from lunarscale.training.features import Feature, Form, read_feature

#: The graph's input: reflectances as fractions, float32, and how a card calls its shape.
INPUT, LAYOUT = "reflectance", "band, pixel"

#: Pixels a block that runs fastest; 16,384 costs a seventh.
BLOCK_PIXELS = 1024

#: The oldest that has all we need, so that the oldest runtimes read the files.
OPSET, IR_VERSION = 17, 8


@dataclass(frozen=True)
class Rows:
    """One array of the graph, float32 (1, channel, position, pixel).

    Parameters
    ----------
    name : str
        Of the node that gives it.
    channels, positions : int
        Positions are 1 but inside one-dimensional networks.
    """

    name: str
    channels: int
    positions: int = 1


class GraphBuilder:
    """Writes a model as ONNX, row by row.

    Where a feature is not defined (a logarithm of what is not positive, an angle below its
    origin's reflectance), every output is NaN.

    Parameters
    ----------
    camera : str
        Name of the camera, ``clementine-uvvis``.
    bands_nm : sequence of int
        Bands of the graph's input, in its order.
    """

    def __init__(self, camera: str, bands_nm: Sequence[int]) -> None:
        self.camera = camera
        self.bands_nm = tuple(bands_nm)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._outputs: list[str] = []
        self._numbers = count()
        self._undefined: list[Rows] = []  # each 0, or NaN where a feature is not defined
        shape = self._constant([1, len(self.bands_nm), 1, -1], np.int64)
        self._image = Rows(self._node("Reshape", INPUT, shape), len(self.bands_nm))

    def features(self, names: Sequence[str]) -> Rows:
        """Features by name (``lunarscale.training.features``), one a channel.

        Raises
        ------
        TrainingError
            If a name is none, or needs a band that is not there.
        """
        features = [read_feature(name, self.bands_nm) for name in names]
        runs = groupby(features, lambda feature: (feature.form, feature.law))
        return self.concat([self._run(list(run)) for _, run in runs])

    def dense(
        self, x: Rows, weight: ArrayLike, bias: ArrayLike | None = None, *,
        activation: str | None = None,
    ) -> Rows:  # fmt: skip
        """``activation(x @ weight + bias)`` in every pixel.

        Parameters
        ----------
        x : Rows
        weight : array_like, (in, out)
        bias : array_like, (out,), optional
        activation : {None, "relu", "exp"}
        """
        kernel = np.asarray(weight, dtype=np.float64).T[:, :, None]
        return self.convolve(x, kernel, bias, activation=activation)

    def convolve(
        self, x: Rows, weight: ArrayLike, bias: ArrayLike | None = None, *, stride: int = 1,
        padding: int = 0, activation: str | None = None,
    ) -> Rows:  # fmt: skip
        """A one-dimensional convolution along the positions, as torch's ``Conv1d``.

        Parameters
        ----------
        x : Rows
        weight : array_like, (out, in, kernel)
        bias : array_like, (out,), optional
        stride, padding : int
            In positions; padded with zeros on both sides.
        activation : {None, "relu", "exp"}
        """
        kernel = np.asarray(weight, dtype=np.float64)
        out, channels, size = kernel.shape
        if channels != x.channels or size > x.positions + 2 * padding:
            raise ValueError(f"a kernel of shape {kernel.shape} does not fit {x}")
        inputs = [x.name, self._constant(kernel[..., None])]
        if bias is not None:
            inputs.append(self._constant(np.broadcast_to(np.asarray(bias), (out,))))
        name = self._node(
            "Conv", *inputs, kernel_shape=[size, 1], strides=[stride, 1],
            pads=[padding, 0, padding, 0],
        )  # fmt: skip
        if activation is not None:
            name = self._node({"relu": "Relu", "exp": "Exp"}[activation], name)
        return Rows(name, out, (x.positions + 2 * padding - size) // stride + 1)

    def scale(self, x: Rows, factor: ArrayLike, offset: ArrayLike) -> Rows:
        """``x * factor + offset``, channel by channel; both (channel,)."""
        columns = (factor, offset, np.zeros(x.channels), np.ones(x.channels))
        names = [self._constant(np.broadcast_to(column, (x.channels,))) for column in columns]
        # a normalisation by mean 0 and variance 1 is one operator where Mul and Add are two
        name = self._node("BatchNormalization", x.name, *names, epsilon=0.0)
        return Rows(name, x.channels, x.positions)

    def as_positions(self, x: Rows) -> Rows:
        """Channels become the positions of one channel: what a one-dimensional network reads."""
        shape = self._constant([1, 1, x.channels * x.positions, -1], np.int64)
        return Rows(self._node("Reshape", x.name, shape), 1, x.channels * x.positions)

    def max_pool(self, x: Rows, size: int) -> Rows:
        """The largest of every ``size`` positions; what is left over at the end is dropped."""
        name = self._node("MaxPool", x.name, kernel_shape=[size, 1], strides=[size, 1])
        return Rows(name, x.channels, x.positions // size)

    def mean(self, x: Rows) -> Rows:
        """The mean over the positions."""
        name = self._node("AveragePool", x.name, kernel_shape=[x.positions, 1])
        return Rows(name, x.channels)

    def op(self, operator: str, *inputs: Rows | float) -> Rows:
        """An elementwise operator of ONNX; numbers, and rows of 1 channel, are broadcast."""
        rows = [x for x in inputs if isinstance(x, Rows)]
        names = [x.name if isinstance(x, Rows) else self._constant(x) for x in inputs]
        channels, positions = (max(getattr(x, n) for x in rows) for n in ("channels", "positions"))
        if any(x.channels not in (1, channels) or x.positions != positions for x in rows):
            raise ValueError(f"{operator} of rows that do not match: {rows}")
        return Rows(self._node(operator, *names), channels, positions)

    def concat(self, rows: Sequence[Rows]) -> Rows:
        """Rows one after the other along the channels."""
        if len(rows) == 1:
            return rows[0]
        name = self._node("Concat", *(x.name for x in rows), axis=1)
        return Rows(name, sum(x.channels for x in rows), rows[0].positions)

    def slice(self, x: Rows, start: int, stop: int) -> Rows:
        """Some of the channels, ``start`` to ``stop``."""
        return self._pick(x, range(start, stop))

    def output(self, name: str, y: Rows) -> None:
        """Gives one row of one channel to the outside, as float32 (pixel,).

        Parameters
        ----------
        name : str
            A quantity's name, or ``distance``.
        y : Rows
            In the quantity's units.
        """
        if name not in (*QUANTITIES, DISTANCE) or (y.channels, y.positions) != (1, 1):
            raise ValueError(f"{name} of {y} is not one row of a quantity")
        for nothing in self._undefined:
            y = self.op("Add", y, nothing)
        self._node("Reshape", y.name, self._constant([-1], np.int64), named=name)
        self._outputs.append(name)

    def build(self, card: Card) -> bytes:
        """The finished file, checked, with its card inside and all weights inline.

        Parameters
        ----------
        card : Card
            The layout of its input is set; ``BLOCK_PIXELS`` is a good ``block_pixels``.

        Raises
        ------
        ValueError
            If the card tells of another camera, other bands or other outputs.
        """
        card = replace(card, input=replace(card.input, layout=LAYOUT))
        told = {output.name or output.quantity for output in card.outputs}
        has = set(self._outputs) - {DISTANCE}
        if (card.camera, card.bands_nm, told) != (self.camera, self.bands_nm, has):
            raise ValueError(f"the card of {card.name} does not tell of this graph: {card}")
        graph = helper.make_graph(
            self._nodes,
            card.name,
            [self._signature(INPUT, [len(self.bands_nm), "pixel"])],
            [self._signature(name, ["pixel"]) for name in self._outputs],
            self._constants,
        )
        model = helper.make_model(
            graph,
            producer_name="lunarscale",
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        helper.set_model_props(model, {METADATA_KEY: card.to_json()})
        onnx.checker.check_model(model, full_check=True)
        serialised: bytes = model.SerializeToString(deterministic=True)
        return serialised

    @staticmethod
    def _signature(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    def _node(self, operator: str, *inputs: str, named: str = "", **attributes: Any) -> str:
        name = named or f"{operator.lower()}_{next(self._numbers)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def _constant(self, values: ArrayLike, kind: type[np.generic] = np.float32) -> str:
        name = f"constant_{next(self._numbers)}"
        array: NDArray[Any] = np.ascontiguousarray(values, dtype=kind)
        self._constants.append(numpy_helper.from_array(array.reshape(np.shape(values)), name))
        return name

    def _pick(self, x: Rows, channels: Sequence[int]) -> Rows:
        if list(channels) == list(range(x.channels)):
            return x
        picked = self._constant(list(channels), np.int64)
        return Rows(self._node("Gather", x.name, picked, axis=1), len(channels), x.positions)

    def _run(self, features: list[Feature]) -> Rows:
        """Features of one form, each operator once for all of them."""
        first = self._pick(self._image, [feature.bands[0] for feature in features])
        last = self._pick(self._image, [feature.bands[-1] for feature in features])
        match features[0].form:
            case Form.BAND:
                return first
            case Form.LOG:
                return self._defined(self.op("Log", first))
            case Form.LOG_SQUARED:
                logarithm = self._defined(self.op("Log", first))
                return self.op("Mul", logarithm, logarithm)
            case Form.RATIO:
                return self._defined(self.op("Div", first, last))
            case Form.LOG_RATIO:
                return self._defined(self.op("Log", self.op("Div", first, last)))
            case Form.LAW:
                law = features[0].law
                assert law is not None  # what read_feature promises of this form
                return self._about_origin(law, other=first, base=last)

    def _about_origin(self, law: AngleLine | OriginDistance, *, other: Rows, base: Rows) -> Rows:
        """The angle or distance about an origin."""
        run = self.op("Sub", base, law.x0)
        self._defined(self.op("Log", run if law.floor == law.x0 else base))
        if isinstance(law, OriginDistance):
            up = self.op("Sub", self.op("Div", other, base), law.y0)
            squares = self.op("Add", self.op("Mul", run, run), self.op("Mul", up, up))
            return self.op("Sqrt", squares)
        # other - y0 base rounds less than the ratio less y0 does, with y0 in two float32 parts
        coarse = float(np.float32(law.y0))
        rise = self.op("Sub", other, self.op("Mul", base, coarse))
        rise = self.op("Sub", rise, self.op("Mul", base, law.y0 - coarse))
        tangent = self.op("Div", rise, self.op("Mul", base, run))
        angle = self.op("Mul", self.op("Atan", tangent), law.a * law.sign)
        return self.op("Add", angle, law.b) if law.b else angle

    def _defined(self, rows: Rows) -> Rows:
        """The rows; where one of them is not finite, no output has a value."""
        zero = self.op("Mul", rows, 0.0) if rows.channels == 1 else self.dense(
            rows, np.zeros((rows.channels, 1))
        )  # fmt: skip
        self._undefined.append(zero)
        return rows
