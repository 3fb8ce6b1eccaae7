"""Where the criterion of magnesian anorthosite is met, as a map."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import Window
from lunarscale.reduce.overview import Overview
from lunarscale.render.geotiff import write_cog
from lunarscale.steps.anorthosites.question import Question
from lunarscale.store.layout import affine, lunar_wkt

#: Counts of the mask where the criterion is met and where it is not: hundredths, so that the
#: overviews' averages are shares of area in percent.
MET, NOT_MET = 100, 0
MASK_QUANTUM = 0.01

#: Longest edge of the figure's map in pixels.
LONGEST = 2048


def write_mask(
    asked: Question, path: Path, *, progress: Callable[[int, int], None] = lambda done, todo: None
) -> Overview:
    """Write where the criterion is met as a GeoTIFF: 1 or 0, no-data where either map has none.

    The file's overviews average, so they show shares of area.

    Returns
    -------
    Overview
        The same, small enough to look at.
    """
    cube, grid = asked.cube, asked.cube.grid
    small = Overview(grid, Overview.factor_for(grid, LONGEST))
    readers = [cube.reads(layer.name) for layer in asked.layers]
    least = _least_counts(asked)
    windows = cube.layout.windows()

    def blocks() -> Iterator[tuple[Window, NDArray[np.int16]]]:
        for done, window in enumerate(windows):
            counts = np.empty((2, window.height, window.width), np.int16)
            for reader, into in zip(readers, counts, strict=True):
                reader.read_into(window, into)
            met = (counts[0] >= least[0]) & (counts[1] >= least[1])
            mask = np.where(met, np.int16(MET), np.int16(NOT_MET))
            mask[(counts == NO_DATA).any(axis=0)] = NO_DATA
            small.add(window, mask)
            yield window, mask
            progress(done + 1, len(windows))

    write_cog(
        path,
        blocks(),
        size=(grid.height, grid.width),
        transform=affine(grid),
        wkt=lunar_wkt(),
        quantum=MASK_QUANTUM,
        tags={
            "units": "1",
            "long_name": "magnesian anorthosite: 1 where it is, 0 where it is not",
            "criterion": asked.criterion.words,
            "model": asked.layers[0].model,
            "title": cube.attributes["title"],
            "history": cube.attributes["history"],
            "simulated": cube.layout.simulated,
        },
    )
    return small


def _least_counts(asked: Question) -> list[np.int16]:
    """The counts of Al2O3 and Mg# from which the criterion is met."""
    at = (asked.criterion.al2o3_wt_pct, asked.criterion.mg_number)
    places = [values.index(value) for values, value in zip(asked.thresholds, at, strict=True)]
    return [np.int16(axis.edges[place]) for axis, place in zip(asked.axes, places, strict=True)]
