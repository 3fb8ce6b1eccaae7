"""Models as ONNX graphs over blocks of pixels, from raw reflectances to wt %.

Features, and dense layers on them, are matrices of float32, (channel, pixel): a row of pixels is
contiguous, and a layer of few channels is one ``Gemm``, which takes a quarter of a convolution's
time. A one-dimensional network begins with ``as_positions`` and runs on an image, (1, channel,
position, pixel): the pixels are its width and the positions its height, so that a one-dimensional
convolution is one by k x 1. onnxruntime then runs every layer in its blocked convolution kernels,
where bias and ReLU cost nothing, windows are never copied, and only necessary products are
computed. Measured on one core for Qiu's network (blocks of 1,024 pixels, share of the rate of a
large matrix product): this 77 %; matrix products with pixels as rows and folded windows 55 %,
without folding 49 %; matrix products with pixels as columns 46 %; positions as groups of channels
40 %. At 16,384 pixels it is 67 % against 26-38 %. The whole file, OMAT and scaling included,
reaches 65-69 % (``benchmarks/kernels/bench_networks.py``).

What is written twice is computed once: a node of the same operator, inputs and attributes is the
same node.
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

#: Pixels a block that runs fastest for one-dimensional networks; 16,384 costs a seventh.
BLOCK_PIXELS = 1024

#: The oldest that has all we need, so that the oldest runtimes read the files.
OPSET, IR_VERSION = 17, 8


@dataclass(frozen=True)
class Rows:
    """One array of the graph, float32.

    Parameters
    ----------
    name : str
        Of the node that gives it.
    channels, positions : int
        Positions are 1 but inside one-dimensional networks.
    image : bool
        Whether it is (1, channel, position, pixel); otherwise (channel, pixel).
    """

    name: str
    channels: int
    positions: int = 1
    image: bool = False

    @property
    def axis(self) -> int:
        """Which of its axes the channels are."""
        return int(self.image)


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
        self._outputs: dict[str, Rows] = {}
        self._numbers = count()
        self._names: dict[object, str] = {}  # of what is written already
        self._watched: dict[Rows, None] = {}  # not finite where a feature is not defined
        self._spectra = Rows(INPUT, len(self.bands_nm))

    def features(self, names: Sequence[str]) -> Rows:
        """Features by name (``lunarscale.training.features``), one a channel.

        Raises
        ------
        TrainingError
            If a name is none, or needs a band that is not there.
        """
        features = [read_feature(name, self.bands_nm) for name in names]
        runs = groupby(features, _run_of)
        return self.concat([self._run(list(run)) for _, run in runs])

    def dense(
        self, x: Rows, weight: ArrayLike, bias: ArrayLike | None = None, *,
        plus: Rows | None = None, activation: str | None = None,
    ) -> Rows:  # fmt: skip
        """``activation(x @ weight + bias + plus)`` in every pixel.

        Parameters
        ----------
        x : Rows
        weight : array_like, (in, out)
        bias : array_like, (out,), optional
        plus : Rows, optional
            Instead of a bias.
        activation : {None, "relu", "exp"}
        """
        matrix = np.asarray(weight, dtype=np.float64).T
        if x.image:
            made = self.convolve(x, matrix[:, :, None], bias)
            made = made if plus is None else self.op("Add", made, plus)
            return replace(made, name=self._activated(made.name, activation))
        out, channels = matrix.shape
        if channels != x.channels:
            raise ValueError(f"a weight of shape {matrix.T.shape} does not fit {x}")
        inputs = [self._constant(matrix), x.name]
        if bias is not None:
            inputs.append(self._constant(np.broadcast_to(np.asarray(bias), (out,))[:, None]))
        elif plus is not None:
            inputs.append(plus.name)
        return Rows(self._activated(self._node("Gemm", *inputs), activation), out)

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
        x, kernel = self._as_image(x), np.asarray(weight, dtype=np.float64)
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
        positions = (x.positions + 2 * padding - size) // stride + 1
        return Rows(self._activated(name, activation), out, positions, image=True)

    def scale(self, x: Rows, factor: ArrayLike, offset: ArrayLike) -> Rows:
        """``x * factor + offset``, channel by channel; both (channel,)."""
        x = self._as_image(x)
        columns = (factor, offset, np.zeros(x.channels), np.ones(x.channels))
        names = [self._constant(np.broadcast_to(column, (x.channels,))) for column in columns]
        # a normalisation by mean 0 and variance 1 is one operator where Mul and Add are two
        name = self._node("BatchNormalization", x.name, *names, epsilon=0.0)
        return Rows(name, x.channels, x.positions, image=True)

    def as_positions(self, x: Rows) -> Rows:
        """Channels become the positions of one channel: what a one-dimensional network reads."""
        positions = x.channels * x.positions
        return Rows(self._reshape(x, 1, 1, positions, -1), 1, positions, image=True)

    def max_pool(self, x: Rows, size: int) -> Rows:
        """The largest of every ``size`` positions; what is left over at the end is dropped."""
        name = self._node("MaxPool", x.name, kernel_shape=[size, 1], strides=[size, 1])
        return Rows(name, x.channels, x.positions // size, image=True)

    def mean(self, x: Rows) -> Rows:
        """The mean over the positions."""
        name = self._node("AveragePool", x.name, kernel_shape=[x.positions, 1])
        return Rows(name, x.channels, image=True)

    def op(self, operator: str, *inputs: Rows | ArrayLike) -> Rows:
        """An elementwise operator of ONNX, on rows, numbers, and arrays of one number a channel.

        Numbers, and rows of 1 channel, are broadcast.
        """
        rows = self._alike([x for x in inputs if isinstance(x, Rows)])
        given = iter(rows)
        others = [np.asarray(x) for x in inputs if not isinstance(x, Rows)]
        channels = max(*(x.channels for x in rows), *(x.size for x in others), 1)
        sizes = {x.channels for x in rows} | {x.size for x in others}
        if sizes - {1, channels} or len({x.positions for x in rows}) > 1:
            raise ValueError(f"{operator} of rows that do not match: {inputs}")
        column = (-1, 1, 1) if rows[0].image else (-1, 1)
        names = [
            next(given).name if isinstance(x, Rows)
            else self._constant(x if np.ndim(x) == 0 else np.reshape(x, column))
            for x in inputs
        ]  # fmt: skip
        return Rows(self._node(operator, *names), channels, rows[0].positions, rows[0].image)

    def concat(self, rows: Sequence[Rows]) -> Rows:
        """Rows one after the other along the channels."""
        if len(rows) == 1:
            return rows[0]
        rows = self._alike(rows)
        name = self._node("Concat", *(x.name for x in rows), axis=rows[0].axis)
        return Rows(name, sum(x.channels for x in rows), rows[0].positions, rows[0].image)

    def slice(self, x: Rows, start: int, stop: int) -> Rows:
        """Some of the channels, ``start`` to ``stop``."""
        return self._pick(x, range(start, stop))

    def split(self, x: Rows, channels: int = 1) -> list[Rows]:
        """All of the channels, so many at a time; cheaper than slices."""
        if channels == x.channels:
            return [x]
        names = [f"{x.name}_{channels}_{part}" for part in range(x.channels // channels)]
        if names[0] not in self._names:
            self._names[names[0]] = names[0]
            sizes = self._constant([channels] * len(names), np.int64)
            node = helper.make_node("Split", [x.name, sizes], names, axis=x.axis)
            self._nodes.append(node)
        return [replace(x, name=name, channels=channels) for name in names]

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
        self._outputs[name] = y

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
        last = [self._last(name, self._reshape(y, -1)) for name, y in self._outputs.items()]
        graph = helper.make_graph(
            [*self._nodes, *last],
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

    def _last(self, name: str, y: str) -> onnx.NodeProto:
        """The node of an output: what it is given, and NaN where a feature is not defined."""
        if not self._watched:
            return helper.make_node("Identity", [y], [name], name)
        watched = self.concat(list(self._watched))
        nothing = self.dense(watched, np.zeros((watched.channels, 1)))
        return helper.make_node("Add", [y, self._reshape(nothing, -1)], [name], name)

    def _node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        key = (operator, inputs, repr(sorted(attributes.items())))
        if key not in self._names:
            name = self._names[key] = f"{operator.lower()}_{next(self._numbers)}"
            self._nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return self._names[key]

    def _constant(self, values: ArrayLike, kind: type[np.generic] = np.float32) -> str:
        array: NDArray[Any] = np.array(values, dtype=kind, order="C")
        key = (array.tobytes(), array.shape, array.dtype)
        if key not in self._names:
            name = self._names[key] = f"constant_{next(self._numbers)}"
            self._constants.append(numpy_helper.from_array(array, name))
        return self._names[key]

    def _activated(self, name: str, activation: str | None) -> str:
        return self._node({"relu": "Relu", "exp": "Exp"}[activation], name) if activation else name

    def _reshape(self, x: Rows, *shape: int) -> str:
        return self._node("Reshape", x.name, self._constant(shape, np.int64))

    def _as_image(self, x: Rows) -> Rows:
        if x.image:
            return x
        return replace(x, name=self._reshape(x, 1, x.channels, 1, -1), image=True)

    def _alike(self, rows: Sequence[Rows]) -> list[Rows]:
        """Rows of one kind: images, where some of them are."""
        return [self._as_image(x) if any(y.image for y in rows) else x for x in rows]

    def _pick(self, x: Rows, channels: Sequence[int]) -> Rows:
        if list(channels) == list(range(x.channels)):
            return x
        picked = self._constant(list(channels), np.int64)
        name = self._node("Gather", x.name, picked, axis=x.axis)
        return replace(x, name=name, channels=len(channels))

    def _bands(self, positions: Sequence[int]) -> Rows:
        """Some bands of the spectra; where they are all the same, one channel."""
        return self._pick(self._spectra, positions if len(set(positions)) > 1 else positions[:1])

    def _run(self, features: list[Feature]) -> Rows:
        """Features of one form, each operator once for all of them."""
        first = self._pick(self._spectra, [feature.bands[0] for feature in features])
        last = self._bands([feature.bands[-1] for feature in features])
        match features[0].form:
            case Form.BAND:
                return first
            case Form.LOG:
                return self._watch(self.op("Log", first))
            case Form.LOG_SQUARED:
                logarithm = self._watch(self.op("Log", first))
                return self.op("Mul", logarithm, logarithm)
            case Form.RATIO:
                return self._watch(self.op("Div", first, last))
            case Form.LOG_RATIO:
                return self._watch(self.op("Log", self.op("Div", first, last)))
            case Form.LAW:
                laws = [feature.law for feature in features]
                lines = [law for law in laws if isinstance(law, AngleLine)]
                if lines:
                    return self._angles(lines, other=first, base=last)
                (law,) = laws
                assert isinstance(law, OriginDistance)  # what read_feature promises of this form
                return self._distance(law, other=first, base=last)

    def _angles(self, laws: list[AngleLine], *, other: Rows, base: Rows) -> Rows:
        """Angles about their origins."""
        x0, y0, floor = (np.array([getattr(v, n) for v in laws]) for n in ("x0", "y0", "floor"))
        self._watch_positive(self.op("Sub", base, floor))
        run = self.op("Sub", base, x0)
        # other - y0 base rounds less than the ratio less y0 does, with y0 in two float32 parts
        coarse = y0.astype(np.float32).astype(np.float64)
        rise = self.op("Sub", other, self.op("Mul", base, coarse))
        rise = self.op("Sub", rise, self.op("Mul", base, y0 - coarse))
        tangent = self.op("Div", rise, self.op("Mul", base, run))
        angle = self.op("Mul", self.op("Atan", tangent), [law.a * law.sign for law in laws])
        return self.op("Add", angle, [law.b for law in laws]) if any(v.b for v in laws) else angle

    def _distance(self, law: OriginDistance, *, other: Rows, base: Rows) -> Rows:
        """The distance from an origin."""
        self._watch_positive(self.op("Sub", base, law.floor))
        run = self.op("Sub", base, law.x0)
        up = self.op("Sub", self.op("Div", other, base), law.y0)
        squares = self.op("Add", self.op("Mul", run, run), self.op("Mul", up, up))
        return self.op("Sqrt", squares)

    def _watch(self, rows: Rows) -> Rows:
        """The rows; where one of them is not finite, no output has a value."""
        self._watched[rows] = None
        return rows

    def _watch_positive(self, rows: Rows) -> None:
        """Where one of the rows is not positive and finite, no output has a value."""
        # 0 / 0, -1 / 0 and infinity over itself are not finite; a logarithm would take longer
        self._watch(self.op("Div", rows, self.op("Relu", rows)))


def _run_of(feature: Feature) -> object:
    """The same for features that are computed together."""
    together = feature.law is None or isinstance(feature.law, AngleLine)
    return feature.form if together else feature.law
