"""Trained networks as ONNX: raw reflectances in, wt % out, seeds averaged.

Batch normalisation is folded into the kernel before it, the target's scaling and the mean over the
seeds into the last line; all in float64 before rounding to float32. All oxides of a network share
one file and its features; their layers do not meet, so a block's arrays stay in the cache.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from lunarscale.models.card import Card
from lunarscale.models.signature import DISTANCE
from lunarscale.training.batched import Scaler, Trained
from lunarscale.training.graph import GraphBuilder, Rows
from lunarscale.training.mg_number import mg_number_row
from lunarscale.training.networks import PositionsFirst, ResidualBlock


def export(
    trained: Trained, card: Card, *, fold: int = 0,
    distance: Callable[[GraphBuilder], Rows] | None = None,
) -> bytes:  # fmt: skip
    """A model file of the oxides that a card names, and of Mg# where it names that.

    Parameters
    ----------
    trained : Trained
        With its parameters kept.
    card : Card
        Its outputs are written, each named as its quantity.
    fold : int
        Whose models; a model that is to be used holds out nothing.
    distance : callable, optional
        Writes how far a pixel's spectrum lies from the stations'.

    Raises
    ------
    TrainingError
        If one of the models diverged, or their parameters were not kept.
    """
    builder = GraphBuilder(trained.camera, trained.bands_nm)
    quantities = [output.quantity for output in card.outputs]
    wanted = {*quantities, *(("FeO", "MgO") if "Mg_number" in quantities else ())}
    rows = network_rows(builder, trained, [o for o in trained.oxides if o in wanted], fold=fold)
    for quantity in quantities:
        row = mg_number_row(builder, rows) if quantity == "Mg_number" else rows[quantity]
        builder.output(quantity, row)
    if distance is not None:
        builder.output(DISTANCE, distance(builder))
    return builder.build(card)


def network_rows(
    builder: GraphBuilder, trained: Trained, oxides: Sequence[str], *, fold: int = 0
) -> dict[str, Rows]:
    """Each oxide in wt %, the mean of all seeds, as rows for averaging with other models.

    Raises
    ------
    TrainingError
        If one of the models diverged, or their parameters were not kept.
    """
    read: dict[tuple[str, ...], Rows] = {}
    rows = {}
    for oxide in oxides:
        names = trained.inputs[oxide]
        if names not in read:
            read[names] = builder.features(names)
        scaler = trained.scalers[fold, oxide]
        modules = [_module(trained, fold, oxide, seed) for seed in trained.seeds]
        rows[oxide] = _ensemble(builder, read[names], modules, scaler)
    return rows


def _module(trained: Trained, fold: int, oxide: str, seed: int) -> nn.Sequential:
    module = trained.kind.module(len(trained.inputs[oxide]))
    state = trained.parameters(fold, oxide, seed)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    assert isinstance(module, nn.Sequential)  # what networks.py makes
    return module.double().eval()


def _ensemble(builder: GraphBuilder, x: Rows, modules: list[nn.Sequential], scaler: Scaler) -> Rows:
    """The mean of networks that end in a line, in wt %."""
    scaled = builder.scale(x, 1.0 / scaler.deviation, -scaler.mean / scaler.deviation)
    hidden, weights, bias = [], [], 0.0
    for module in modules:
        *layers, line = module.children()
        assert isinstance(line, nn.Linear)  # every network of networks.py ends so
        hidden.append(_layers(builder, scaled, layers))
        weights.append(line.weight.detach().numpy()[0])
        bias += float(line.bias.detach()[0])
    share = scaler.target_deviation / len(modules)
    weight = np.concatenate(weights)[:, None] * share
    return builder.dense(builder.concat(hidden), weight, [bias * share + scaler.target_mean])


def _layers(builder: GraphBuilder, x: Rows, layers: Sequence[nn.Module]) -> Rows:
    """A chain of layers, each kernel with the normalisation that follows it."""
    match list(layers):
        case [nn.Conv1d() as conv, nn.BatchNorm1d() as norm, *rest]:
            return _layers(builder, _convolve(builder, x, conv, norm), rest)
        case [PositionsFirst(), nn.Linear() as line, *rest]:
            return _layers(builder, _flatten_and_line(builder, x, line), rest)
        case [layer, *rest]:
            return _layers(builder, _one(builder, x, layer), rest)
    return x


def _one(builder: GraphBuilder, x: Rows, layer: nn.Module) -> Rows:
    match layer:
        case nn.Unflatten():
            return builder.as_positions(x)
        case nn.Conv1d():
            return _convolve(builder, x, layer)
        case nn.ReLU():
            return builder.op("Relu", x)
        case nn.MaxPool1d():
            return builder.max_pool(x, int(layer.kernel_size))  # type: ignore[arg-type]
        case nn.AdaptiveAvgPool1d():
            return builder.mean(x)
        case PositionsFirst() if x.positions == 1:
            return x
        case ResidualBlock():
            main = _layers(builder, x, list(layer.main.children()))
            shortcut = _layers(builder, x, list(layer.shortcut.children()))
            return builder.op("Relu", builder.op("Add", main, shortcut))
        case _:
            raise TypeError(f"no graph is written for {layer}; add it here")


def _convolve(
    builder: GraphBuilder, x: Rows, conv: nn.Conv1d, norm: nn.BatchNorm1d | None = None
) -> Rows:
    weight = conv.weight.detach().numpy()
    bias = np.zeros(len(weight)) if conv.bias is None else conv.bias.detach().numpy()
    if norm is not None:
        mean, variance, slope, shift = (
            getattr(norm, name).detach().numpy()
            for name in ("running_mean", "running_var", "weight", "bias")
        )
        slope = slope / np.sqrt(variance + norm.eps)
        weight, bias = weight * slope[:, None, None], (bias - mean) * slope + shift
    (stride,), padding = conv.stride, conv.padding
    assert not isinstance(padding, str)  # networks.py pads by numbers
    return builder.convolve(x, weight, bias, stride=stride, padding=padding[0])


def _flatten_and_line(builder: GraphBuilder, x: Rows, line: nn.Linear) -> Rows:
    """A dense layer over all positions: a convolution as wide as they are."""
    weight = line.weight.detach().numpy().reshape(-1, x.positions, x.channels)
    return builder.convolve(x, weight.transpose(0, 2, 1), line.bias.detach().numpy())
