"""The simulated Moon as an archive: Clementine UVVIS DIM tiles, to the byte of their labels.

The producer and the note of every label say that the counts are simulated.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import TileError
from lunarscale.flags import NO_DATA
from lunarscale.simulated.label import attached_label
from lunarscale.simulated.surface import SEED
from lunarscale.simulated.surface import counts as simulated_counts
from lunarscale.simulated.tiling import TilePlan, plan_tile, tiles
from lunarscale.store.location import Location

__all__ = ["TilePlan", "plan_tile", "planned", "simulated_tile", "tiles", "write_archive",
           "write_tile"]  # fmt: skip

BANDS = 5


def write_tile(path: Path, plan: TilePlan, counts: NDArray[np.int16]) -> None:
    """Write one tile as the archive has it: label, padding, bands, big-endian.

    Parameters
    ----------
    path : Path
        File to write.
    plan : TilePlan
    counts : ndarray of int16, (5, lines, samples)
        Any counts, special values included.

    Raises
    ------
    TileError
        If the counts are not int16 of the plan's shape.
    """
    promised = (BANDS, plan.lines, plan.samples)
    if counts.shape != promised or counts.dtype != np.int16:
        raise TileError(
            f"{plan.name}: the plan promises int16 counts of shape {promised} but got "
            f"{counts.dtype} of shape {counts.shape}; give the counts in the plan's shape"
        )
    image = counts.astype(">i2").tobytes()
    # under its name only when it is whole: a killed demo must not leave half a tile
    Location(str(path.parent)).put(path.name, attached_label(plan, counts, image) + image)


def simulated_tile(plan: TilePlan, *, seed: int = SEED) -> NDArray[np.int16]:
    """The simulated counts of a tile, ``(5, line, sample)`` int16, null outside its edges."""
    inside = plan.inside()
    lon, lat = (axis[inside] for axis in plan.places())
    image = np.full((BANDS, *inside.shape), NO_DATA, np.int16)
    image[:, inside] = simulated_counts(lon, lat, seed=seed, detail_deg=1.0 / plan.lattice.ppd)
    return image


def planned(ppd: float, bbox: tuple[float, float, float, float] | None = None) -> list[TilePlan]:
    """The tiles of a resolution that have ground in a box; all of them without one."""
    return [plan for plan in tiles(ppd) if bbox is None or plan.touches(bbox)]


def write_archive(
    folder: Path,
    *,
    ppd: float,
    seed: int = SEED,
    bbox: tuple[float, float, float, float] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write the simulated Moon as archive tiles into one folder, and say which files.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    ppd : float
        Pixels a degree; the archive's own is 303.23349.
    seed : int
    bbox : tuple of float, optional
        West, south, east, north: only the tiles that have ground in it.
    progress : callable, optional
        Called with the tiles written and all the tiles, after each.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    plans = planned(ppd, bbox)
    written = []
    for plan in plans:
        path = folder / plan.file_name
        write_tile(path, plan, simulated_tile(plan, seed=seed))
        written.append(path)
        if progress is not None:
            progress(len(written), len(plans))
    return written
