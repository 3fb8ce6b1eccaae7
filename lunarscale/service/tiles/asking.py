"""What is asked for: a tile of a layer as a picture or as values; and what is to be kept of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import lunarscale
from lunarscale.errors import RequestError, UnknownError
from lunarscale.flags import EXTRAPOLATED, NEGATIVE, OUTSIDE_MARE
from lunarscale.service.dataset import Dataset
from lunarscale.service.layers import Layer
from lunarscale.service.tiles.colours import Colours, require_palette, usual_palette
from lunarscale.service.tiles.matrices import AROUND_M, DEEPEST, MatrixSet, Tile

#: Zooms beyond the first that shows every pixel of a map.
MOST_OVERZOOM = 4

#: Flags of values that can be left out.
Hidden = Literal["negative", "extrapolated", "outside_mare"]
_FLAGS: dict[Hidden, int] = {
    "negative": NEGATIVE,
    "extrapolated": EXTRAPOLATED,
    "outside_mare": OUTSIDE_MARE,
}

#: How a value between pixels is found.
Resampling = Literal["nearest", "bilinear"]

#: What colours may span: no layer has larger values, and no page tells closer ones apart.
_LARGEST, _CLOSEST = 1e9, 1e-6

#: What an empty layer's colours span.
_EMPTY = (0.0, 1.0)


@dataclass(frozen=True)
class Asked:
    """A tile of a layer.

    Parameters
    ----------
    dataset : Dataset
    layer : Layer
    tile : Tile
    colours : Colours or None
        None: values are asked for, not a picture.
    hidden : int
        Flags whose pixels are left out.
    resampling : {"nearest", "bilinear"}
    """

    dataset: Dataset
    layer: Layer
    tile: Tile
    colours: Colours | None = None
    hidden: int = 0
    resampling: Resampling = "nearest"

    def require(self) -> None:
        """Make sure that the set has the tile, and that the map has so much to show.

        Raises
        ------
        UnknownError
            If not.
        """
        self.tile.require()
        deepest = deepest_zoom(self.dataset, self.tile.set)
        if self.tile.zoom > deepest:
            raise UnknownError(
                f"{self.dataset.name} has pixels of {self.dataset.cube.grid.pixel_deg:.4g} degrees,"
                f" so its tiles of {self.tile.set.name} go to zoom {deepest} but {self.tile.zoom} "
                "was asked for"
            )

    @property
    def key(self) -> tuple[object, ...]:
        """What tells it from all else, and from itself before the dataset changed."""
        at = self.tile
        place = at.set.name, at.zoom, at.col, at.row, at.pixels
        shown = self.dataset.name, self.dataset.version, self.layer.name
        return *shown, *place, self.colours, self.hidden, self.resampling

    @property
    def tag(self) -> str:
        """A strong entity tag (RFC 9110, 8.8.3)."""
        text = repr((lunarscale.__version__, self.key))
        return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def layer_of(dataset: Dataset, name: str | None) -> Layer:
    """The layer of a name, or the first.

    Raises
    ------
    UnknownError
        If there is none.
    """
    return dataset.layers[0] if name is None else dataset.layer(name)


def colours_for(
    dataset: Dataset, layer: Layer, *, palette: str | None = None, low: float | None = None,
    high: float | None = None,
) -> Colours:  # fmt: skip
    """The colours that are asked for, or the layer's own.

    Raises
    ------
    UnknownError
        If there is no such palette.
    RequestError
        If the range is none.
    """
    name = usual_palette(layer) if palette is None else require_palette(palette)
    own = _EMPTY
    if low is None or high is None:
        own = dataset.ranges[layer.name] or _EMPTY
    least, most = own[0] if low is None else low, own[1] if high is None else high
    size = max(abs(least), abs(most))
    if size > _LARGEST or most - least < _CLOSEST * max(size, layer.quantum):
        raise RequestError(
            f"colours span from a smaller value to a larger one within {_LARGEST:g} but min is "
            f"{least:g} and max is {most:g}; give both, min below max"
        )
    return Colours(name, least, most)


def hidden_flags(dataset: Dataset, words: Sequence[Hidden]) -> int:
    """The flags of some words.

    Raises
    ------
    RequestError
        If the dataset's values have no such flags.
    """
    if words and dataset.cube.layout.kind != "maps":
        raise RequestError(
            f"{dataset.name} is a mosaic, whose values have no flags to hide ({', '.join(words)}); "
            "leave hide out"
        )
    flags = 0
    for word in words:
        flags |= _FLAGS[word]
    return flags


def native_zoom(dataset: Dataset, tiles: MatrixSet) -> int:
    """The first zoom whose pixels are no larger than a map's."""
    pixel_m = AROUND_M / dataset.cube.grid.around * (1.0 + 1e-9)
    return next(
        (zoom for zoom in range(DEEPEST + 1) if tiles.cell_m(zoom) <= pixel_m), DEEPEST
    )  # fmt: skip


def deepest_zoom(dataset: Dataset, tiles: MatrixSet) -> int:
    """The last zoom that there are tiles of."""
    return min(native_zoom(dataset, tiles) + MOST_OVERZOOM, DEEPEST)
