"""What models there are, and everything that one of them says of itself."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from lunarscale.bands import CAMERAS
from lunarscale.models.calibrated import CALIBRATIONS
from lunarscale.models.equations import Equation
from lunarscale.models.files import read_equation_file
from lunarscale.models.model import Model
from lunarscale.models.network import Network
from lunarscale.models.network_files import ready_names, ready_network
from lunarscale.models.onnx_file import Shape
from lunarscale.models.registry import BUILT_IN, default_models, find_models

_CAPTION = (
    "* used unless --model says otherwise. R750 is the reflectance (fraction) at 750 nm, "
    "angles θ are in radians. Beyond its validity a pixel has no value, or a value with a "
    "flag that says why. R² at stations that were held out: LOO, the station alone; LOMO, its "
    "whole landing site. `lunarscale models show NAME` tells all of one."
)


#: Of a network's many scores, those that the list of all models shows.
TOLD_FIRST = ("R2 LOO", "R2 LOMO")


def models_table(models: Iterable[Model] | None = None) -> Table:
    """The models, one a row; those that `predict` uses unless told otherwise are starred.

    Parameters
    ----------
    models : iterable of Model, optional
        All that come with the package if none are given. No network is run for it.
    """
    if models is None:
        calibrated = dict.fromkeys(chain.from_iterable(CALIBRATIONS.values()))
        models = [*BUILT_IN.values(), *calibrated, *map(ready_network, ready_names())]
    table = Table(title="Built-in models", title_justify="left", box=box.SIMPLE_HEAD, leading=1)
    table.add_column("model, camera, bands", no_wrap=True)
    table.add_column("formula, validity, source", ratio=1)
    for model in models:
        star = "*" if model in default_models(model.camera) else ""
        bands = textwrap.fill(f"{_joined(sorted(model.bands_nm))} nm", width=28)
        told = _network_lines(model) if isinstance(model, Network) else _equation_lines(model)
        table.add_row(
            escape(f"{model.name}{star}\n{model.camera}\n{bands}"), escape("\n".join(told))
        )
    table.caption = _CAPTION
    table.caption_justify = "left"
    return table


def _equation_lines(model: Model) -> list[str]:
    (quantity,) = model.quantities
    units = "" if quantity.units == "1" else f", {quantity.units}"
    validity = [model.validity] if isinstance(model, Equation) else []
    return [f"{model.formula}{units}", *validity, model.source]


def _network_lines(network: Network) -> list[str]:
    lines = [network.card.description] if network.card.description else []
    for output in network.card.outputs:
        figures = _figures(network.card.scores.get(output.quantity, {}))
        few = {name: figures[name] for name in TOLD_FIRST if name in figures} or figures
        scores = ", ".join(f"{_squared(name)} {figure}" for name, figure in few.items())
        units = "" if output.units == "1" else f", {output.units}"
        doubt = " (experimental)" if output.experimental else ""
        lines.append(f"{output.quantity}{units}{doubt}" + (f": {scores}" if scores else ""))
    return [*lines, network.source]


def show_model(name_or_path: str) -> RenderableType:
    """Everything that a model says of itself, for people; a network shows that it runs.

    Parameters
    ----------
    name_or_path : str
        As `find_models` takes it.

    Raises
    ------
    ModelError
        If there is no such model, or it cannot be read or run.
    """
    shown: list[RenderableType] = []
    for model in find_models(name_or_path):
        if isinstance(model, Network):
            model.open()
            shown += _network_parts(model)
        else:
            is_file = name_or_path not in {**BUILT_IN, **CALIBRATIONS}
            facts = read_equation_file(name_or_path).training if is_file else {}
            shown += _equation_parts(model, facts.get(model.name, {}))
    return Group(*shown)


def _equation_parts(model: Model, training: Mapping[str, Any]) -> Iterator[RenderableType]:
    pairs = {"camera": _camera(model), "bands": f"{_joined(model.bands_nm)} nm"}
    pairs["formula"], *rest = _equation_lines(model)
    pairs |= zip(("validity", "source")[-len(rest) :], rest, strict=True)
    yield _pairs(model.name, {**pairs, "digest": model.digest})
    if training:
        yield _pairs("Training", _figures(training))


def _network_parts(network: Network) -> Iterator[RenderableType]:
    card, facts = network.card, network.facts
    told = {
        "description": card.description,
        "version": card.version,
        "source": card.source,
        "licence": card.licence,
    }
    yield _pairs(
        network.name,
        {
            **{label: text for label, text in told.items() if text},
            "file": network.location,
            "SHA-256": network.sha256,
            "size": f"{network.size:,} bytes, {facts.weights:,} numbers",
            "ONNX": f"opset {facts.opset}, IR version {facts.ir_version}"
            + (f", written by {facts.producer}" if facts.producer else ""),
        },
    )
    yield _pairs("Input", _input_pairs(network))
    yield _outputs_table(network)
    if card.scores:
        yield _scores_table(card.scores)
    if card.training:
        yield _pairs("Training", _figures(card.training))


def _input_pairs(network: Network) -> dict[str, str]:
    card, (port,) = network.card, network.facts.inputs
    pairs = {
        "camera": _camera(network),
        "bands": f"{_joined(card.bands_nm)} nm",
        "graph's input": f"{port.name} {_shape(port.shape)}, {network.shapes.layout}",
        "block": f"{network.shapes.block:,} pixels",
    }
    if card.input.subtract:
        pairs["subtract"] = _joined(f"{number:g}" for number in card.input.subtract)
    if card.input.divide_by:
        pairs["divide by"] = _joined(f"{number:g}" for number in card.input.divide_by)
    if card.input.range:
        pairs["range"] = _joined(f"{low:g}-{high:g}" for low, high in card.input.range)
    if card.distance_limit is not None:
        pairs["distance"] = f"flagged as extrapolated beyond {card.distance_limit:g}"
    return pairs


def _outputs_table(network: Network) -> Table:
    table = _table("Outputs", ("quantity", "units", "of the graph's output", "remarks"))
    for output, (name, column) in zip(network.card.outputs, network.columns, strict=True):
        scaling = "" if output.multiply_by == 1.0 else f" x {output.multiply_by:g}"
        scaling += "" if output.add == 0.0 else f" + {output.add:g}"
        doubt = f"experimental: {output.reason}".rstrip(": ") if output.experimental else ""
        table.add_row(
            *map(escape, (output.quantity, output.units, f"{name}[{column}]{scaling}", doubt))
        )
    return table


def _scores_table(scores: Mapping[str, Mapping[str, Any]]) -> Table:
    """Figures down, oxides across: there are many figures, and their names are long."""
    columns = {oxide: _figures(figures) for oxide, figures in scores.items()}
    names = list(dict.fromkeys(name for figures in columns.values() for name in figures))
    table = _table("Scores, RMSE in wt %", ("", *columns))
    for column in table.columns[1:]:
        column.justify = "right"
    for name in names:
        cells = (figures.get(name, "") for figures in columns.values())
        table.add_row(escape(_squared(name)), *map(escape, cells))
    return table


def _squared(name: str) -> str:
    return re.sub(r"\bR2\b", "R²", name)


def _figures(given: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested JSON as labels and texts, floats to three decimals or digits."""
    told: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, Mapping):
            told |= _figures(value, f"{prefix}{name} ")
        else:
            told[(prefix + name).replace("_", " ")] = _text(value)
    return told


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if 0.01 <= abs(value) < 1000 else f"{value:.3g}"
    if isinstance(value, list):
        return _joined(map(_text, value)) or "none"
    return "-" if value is None else str(value)


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(escape(column), overflow="fold")
    return table


def _pairs(title: str, pairs: Mapping[str, str]) -> Table:
    table = Table(title=escape(title), title_justify="left", box=box.SIMPLE, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in pairs.items():
        table.add_row(escape(label), escape(value))
    return table


def _camera(model: Model) -> str:
    return f"{CAMERAS[model.camera].title} ({model.camera})"


def _shape(shape: Shape | None) -> str:
    return "" if shape is None else f"({_joined(size or '?' for size in shape)})"


def _joined(parts: Iterable[object]) -> str:
    return ", ".join(map(str, parts))
