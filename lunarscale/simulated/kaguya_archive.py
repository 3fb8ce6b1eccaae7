"""The simulated Moon as an archive of Kaguya MI MAP tiles, version 02 or 03, to the byte.

The producer and the note of every label say that the counts are simulated.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lunarscale.bands import KAGUYA_MI
from lunarscale.errors import TileError
from lunarscale.simulated.kaguya_label import label_text
from lunarscale.simulated.kaguya_tiling import MAPPED, KaguyaPlan, kaguya_tiles
from lunarscale.simulated.surface import SEED
from lunarscale.simulated.surface import counts as simulated_counts
from lunarscale.store.location import Location

__all__ = ["KaguyaPlan", "kaguya_tiles", "simulated_kaguya_tile", "write_kaguya_archive",
           "write_kaguya_tile"]  # fmt: skip

#: Bytes of an altitude.
_ALTITUDE_BYTES = 4


def write_kaguya_tile(folder: Path, plan: KaguyaPlan, counts: NDArray[np.int16]) -> Path:
    """Write one tile as the archive has it, and say where its image is.

    Version 02 has its label attached, version 03 beside the image (``.lbl``). The plane of
    altitudes, which is zero here, comes before the bands.

    Parameters
    ----------
    folder : Path
    plan : KaguyaPlan
    counts : ndarray of int16, (9, line, sample)
        Any counts, special values included.

    Raises
    ------
    TileError
        If the counts are not int16 of the plan's shape.
    """
    promised = (len(KAGUYA_MI.wavelengths_nm), plan.ppd, plan.ppd)
    if counts.shape != promised or counts.dtype != np.int16:
        raise TileError(
            f"{plan.name}: the plan promises int16 counts of shape {promised} but got "
            f"{counts.dtype} of shape {counts.shape}; give the counts in the plan's shape"
        )
    planes = bytes(_ALTITUDE_BYTES * plan.ppd**2) + counts.astype(">i2").tobytes()
    image = Path(folder) / plan.image_name
    if plan.version == "02":
        _put(image, _attached_label(plan, counts) + planes)
        return image
    altitude, first = (f"({plan.image_name}, {byte} <BYTES>)" for byte in _places(plan, 0))
    label = label_text(plan, counts, altitude_pointer=altitude, image_pointer=first)
    _put(image, planes)
    _put(image.with_suffix(".lbl"), label.encode("ascii"))
    return image


def _places(plan: KaguyaPlan, label_bytes: int) -> tuple[int, int]:
    """Bytes, counted from 1, of the plane of altitudes and of the image."""
    return label_bytes + 1, label_bytes + _ALTITUDE_BYTES * plan.ppd**2 + 1


def _attached_label(plan: KaguyaPlan, counts: NDArray[np.int16]) -> bytes:
    """A label that counts its own bytes: more of them can need more digits."""
    size, text = 0, ""
    while len(text) != size or not text:
        size = len(text)
        altitude, first = (f"{byte} <BYTES>" for byte in _places(plan, size))
        text = label_text(plan, counts, altitude_pointer=altitude, image_pointer=first)
    return text.encode("ascii")


def _put(path: Path, content: bytes) -> None:
    # under its name only when it is whole: a killed run must not leave half a tile
    Location(str(path.parent)).put(path.name, content)


def simulated_kaguya_tile(plan: KaguyaPlan, *, seed: int = SEED) -> NDArray[np.int16]:
    """The simulated counts of a tile, ``(9, line, sample)`` int16."""
    return simulated_counts(*plan.places(), KAGUYA_MI, seed=seed, detail_deg=1.0 / plan.ppd)


def write_kaguya_archive(
    folder: Path,
    *,
    ppd: int,
    bbox: tuple[float, float, float, float] | None = None,
    version: str = "03",
    seed: int = SEED,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write the simulated Moon as Kaguya MI MAP tiles into one folder, and say which images.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    ppd : int
        Pixels a degree; the archive's own is 2048.
    bbox : tuple of float, optional
        West, south, east, north: only the tiles that have ground in it; by default the latitudes
        that are mapped, -65..65.
    version : {"02", "03"}
    seed : int
        The same Moon as ``archive.write_archive`` makes of it.
    progress : callable, optional
        Called with the tiles written and all the tiles, after each.

    Raises
    ------
    RegionError
        If resolution, box or version are none.
    """
    folder = Path(folder)
    plans = kaguya_tiles(ppd, bbox or MAPPED, version=version)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for plan in plans:
        written.append(write_kaguya_tile(folder, plan, simulated_kaguya_tile(plan, seed=seed)))
        if progress is not None:
            progress(len(written), len(plans))
    return written
