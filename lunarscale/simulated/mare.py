"""The simulated Moon's own maria as a mask, to be given where a mask of the real ones would be."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lunarscale.simulated.surface import simulated_truth
from lunarscale.store.location import Location

#: Share of lava in the soil from which a pixel is mare.
LEAST_LAVA = 0.5

#: What mare is in the mask; all else is 0.
MARE = 255


def mare_mask(rows: int) -> NDArray[np.uint8]:
    """Where the simulated Moon is mare: ``MARE`` and 0, ``(rows, 2 * rows)``, row 0 north.

    The mask spans -180..180 with the equator in its middle, as ``--mare`` reads a PNG.

    Parameters
    ----------
    rows : int
        Pixels from pole to pole.
    """
    step = 180.0 / rows
    lat = 90.0 - (np.arange(rows) + 0.5) * step
    lon = -180.0 + (np.arange(2 * rows) + 0.5) * step
    lava = simulated_truth(lon[None, :], lat[:, None], detail_deg=step).lava
    return np.where(lava >= LEAST_LAVA, MARE, 0).astype(np.uint8)


def write_mare_mask(path: Path, *, rows: int) -> Path:
    """Write the mask as a PNG whose title says that it is simulated; parameters of ``mare_mask``.

    Parameters
    ----------
    path : Path
        PNG to write.
    rows : int
    """
    told = PngInfo()
    told.add_text("Title", "SIMULATED: maria of a made Moon, -180..180, not a measurement")
    made = io.BytesIO()
    Image.fromarray(mare_mask(rows)).save(made, "PNG", pnginfo=told)
    Location(str(path.parent)).put(path.name, made.getvalue())
    return path
