"""Which way a graph holds pixels and bands, and where its outputs' quantities lie."""

from lunarscale.errors import ModelError
from lunarscale.models.card import Card
from lunarscale.models.onnx_file import ELEMENT_NAMES, FLOAT, GraphFacts, Port, Shape
from lunarscale.models.signature import DISTANCE, LAYOUTS

PIXEL_BAND, PIXEL_ONE_BAND, PIXEL_BAND_ONE, BAND_PIXEL = LAYOUTS


def shape_of(layout: str, pixels: int, bands: int) -> tuple[int, ...]:
    """The shape of a block in a layout."""
    sizes = {"pixel": pixels, "band": bands, "1": 1}
    return tuple(sizes[axis] for axis in layout.split(", "))


def layout_of(facts: GraphFacts, card: Card, where: str) -> str:
    """How the graph's input holds pixels and bands.

    Raises
    ------
    ModelError
        If the graph does not have one input of float32, or its shape is none that holds pixels
        of the card's bands, or could be several.
    """
    port = _only_input(facts, where)
    bands, shape = len(card.bands_nm), port.shape
    stated = card.input.layout
    if shape is None and not stated:
        raise ModelError(
            f"{where}: the graph does not say its input's shape; add `input: {{layout: ...}}` to "
            f"the card, with one of {'; '.join(LAYOUTS)}"
        )
    possible = [stated] if shape is None else _possible(shape, stated, bands)
    if not possible:
        raise ModelError(
            f"{where}: the graph takes {_told(shape)} but its card lists {bands} bands"
            f"{f' as {stated!r}' if stated else ''}; name in the card the bands that the network "
            f"was trained on, as one of {'; '.join(LAYOUTS)}"
        )
    if len(possible) > 1 and bands > 1:
        raise ModelError(
            f"{where}: the graph takes {_told(shape)}, which may be {' or '.join(possible)}; add "
            "`input: {layout: ...}` with one of them to the card"
        )
    return possible[0]


def _only_input(facts: GraphFacts, where: str) -> Port:
    if len(facts.inputs) != 1:
        names = ", ".join(port.name for port in facts.inputs) or "none"
        raise ModelError(
            f"{where}: the graph has {len(facts.inputs)} inputs ({names}) but a model takes one, "
            "the reflectances; export it with one input"
        )
    _require_float(facts.inputs[0], "takes", where)
    return facts.inputs[0]


def _require_float(port: Port, verb: str, where: str) -> None:
    if port.element != FLOAT:
        kind = ELEMENT_NAMES.get(port.element, "something else than numbers")
        raise ModelError(
            f"{where}: the graph {verb} {kind} ({port.name}) but a model {verb} float32; export "
            "it in float32 (`model.float()` in torch)"
        )


def _possible(shape: Shape, stated: str, bands: int) -> list[str]:
    """The layouts that a shape allows."""
    if stated:
        return [stated] if _fits(shape, stated, bands) else []
    fitting = [layout for layout in LAYOUTS if _fits(shape, layout, bands)]
    exact = [layout for layout in fitting if shape[layout.split(", ").index("band")] == bands]
    if exact:
        return exact
    # a size for the pixels and none for the bands: the bands are not where they seem to be
    free = all(isinstance(size, str) or size == 1 for size in shape)
    return [layout for layout in fitting if free and layout != BAND_PIXEL]


def _fits(shape: Shape, layout: str, bands: int) -> bool:
    axes = layout.split(", ")
    if len(shape) != len(axes):
        return False
    sizes = {"band": bands, "1": 1}
    return all(
        axis == "pixel" or isinstance(size, str) or size == sizes[axis]
        for axis, size in zip(axes, shape, strict=True)
    )


def _told(shape: Shape | None) -> str:
    if shape is None:
        return "something of no stated shape"
    return f"({', '.join(str(size or '?') for size in shape)})"


def wanted_outputs(facts: GraphFacts, card: Card, where: str) -> dict[str, int]:
    """The graph's outputs that are needed, and how many quantities the card sees in each.

    Raises
    ------
    ModelError
        If the card names an output that the graph lacks, or leaves open which one is meant.
    """
    ports = {port.name: port for port in facts.outputs}
    told = ", ".join(ports) or "none"
    wanted: dict[str, int] = {}
    for name in output_names(facts, card):
        if not name:
            raise ModelError(
                f"{where}: the graph has the outputs {told} and the card does not say which is "
                "which; add `name:` to each of the card's outputs"
            )
        wanted[name] = wanted.get(name, 0) + 1
    if card.distance_limit is not None:
        wanted[DISTANCE] = 1
    for name in wanted:
        if name not in ports:
            raise ModelError(
                f"{where}: the card names the output {name!r} but the graph has {told}; name "
                "those in the card"
            )
        _require_float(ports[name], "gives", where)
    return wanted


def output_names(facts: GraphFacts, card: Card) -> list[str]:
    """Name of the graph's output that holds each of the card's; "" where it is not clear.

    Where the card gives none, it is the graph's only one, or the one of the quantity's name.
    """
    names = [port.name for port in facts.outputs if port.name != DISTANCE]
    return [
        output.name
        or (names[0] if len(names) == 1 else output.quantity if output.quantity in names else "")
        for output in card.outputs
    ]
