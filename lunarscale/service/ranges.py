"""The range of values that a layer's colours span unless the viewer asks for another."""

import math

import numpy as np

from lunarscale.errors import FormatError, TornError
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import Window
from lunarscale.render.ranges import HIGH_SHARE, LOW_SHARE, area_quantiles, rounded_outward
from lunarscale.service.layers import Layer
from lunarscale.store.cube import Cube

#: Chunks that are looked at, evenly over the map, and pixels of them: enough for colours.
MOST_CHUNKS, MOST_PIXELS = 64, 2**19

Range = tuple[float, float]


def display_range(cube: Cube, layer: Layer) -> Range | None:
    """The middle 98 % of a layer's area, rounded outward; None where it has no value at all.

    Parameters
    ----------
    cube : Cube
        The coarsest level there is: of a large map without levels, chunks here and there are read.
    layer : Layer
    """
    windows = list(cube.grid.window.split(cube.layout.chunk))
    step = -(-len(windows) // MOST_CHUNKS)
    edge, reader = cube.layout.chunk, cube.reads(layer.array, layer.band)
    looked_at = windows[step // 2 :: step]
    every = math.ceil(math.sqrt(len(looked_at) * edge**2 / MOST_PIXELS))
    values, weights = [], []
    for window in looked_at:
        counts = np.full((edge, edge), NO_DATA, np.int16)
        try:
            reader.read_into(window, counts[: window.height, : window.width])
        except (TornError, FormatError):
            continue  # one that is written anew just now, or no file; colours can do without it
        some = counts[::every, ::every]
        values.append(np.where(some == NO_DATA, np.nan, some * np.float32(layer.quantum)))
        weights.append(_weights(cube, window, edge)[::every])
    if not values:
        return None
    shares = (LOW_SHARE, HIGH_SHARE)
    found = area_quantiles(np.vstack(values), np.concatenate(weights), shares)
    return None if found is None else rounded_outward(found[0], found[1])


def _weights(cube: Cube, window: Window, edge: int) -> np.ndarray:
    """Relative area of a pixel of each row; rows below the window have no value."""
    weights = np.zeros(edge)
    weights[: window.height] = cube.grid.row_weights(window)
    return weights
