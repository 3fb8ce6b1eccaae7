"""Simulated gamma-ray tables, in the archive's form: the made Moon in Lunar Prospector's pixels.

The bands of the real 5 degree table follow one rule, found by looking at them: bands are centred
on multiples of the pixel's size, half of it at the poles, and a pixel is as wide as the widest
multiple of half a degree that parts the circle evenly and is narrower than size / cos(latitude).
The rule gives the archive's 1,790 pixels at 5 degrees, each edge as printed there, and its 11,306
at 2 degrees.
"""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.cells import BandedCells
from lunarscale.readers.grs import COLUMNS, ELEMENTS, OXIDES, PERCENT, ROW_LETTERS
from lunarscale.simulated.surface import simulated_truth
from lunarscale.store.location import Location

#: Half degrees around the Moon: what a pixel's width is counted in.
_HALF_DEGREES = 720

#: Places along each edge of a pixel at which a field is taken for its mean.
_PLACES = 8

#: Standard deviations of the nine, printed in the error matrix: wt % and ppm.
SIGMAS = (0.8, 1.3, 1.1, 0.8, 0.25, 0.4, 40.0, 0.05, 0.03)

_LABEL = """\
PDS_VERSION_ID                = PDS3
RECORD_TYPE                   = FIXED_LENGTH
RECORD_BYTES                  = {row_bytes}
FILE_RECORDS                  = {rows}
^TABLE                        = "{table}"
MISSION_NAME                  = "LUNAR PROSPECTOR"
TARGET_NAME                   = "MOON"
INSTRUMENT_NAME               = "GAMMA RAY SPECTROMETER"
DATA_SET_ID                   = "LP-L-GRS-5-ELEM-ABUNDANCE-V1.0"
PRODUCT_ID                    = "{product}"
PRODUCER_INSTITUTION_NAME     = "LUNARSCALE SIMULATION"
NOTE                          = "SIMULATED ABUNDANCES, NOT A MEASUREMENT"
OBJECT                        = TABLE
  COLUMNS                     = {columns}
  INTERCHANGE_FORMAT          = ASCII
  ROW_BYTES                   = {row_bytes}
  ROWS                        = {rows}
END_OBJECT                    = TABLE
END
"""


def grs_cells(size_deg: int = 5) -> BandedCells:
    """Lunar Prospector's pixels of a size in degrees: 5 gives 1,790 of them, 2 gives 11,306."""
    half = size_deg / 2.0
    inner = np.arange(-90.0 + half, 90.0, size_deg)
    lats = np.linspace(-90.0, 90.0, len(inner) + 1)
    even = [n for n in range(1, _HALF_DEGREES + 1) if _HALF_DEGREES % n == 0]
    counts = [1]
    for lat in lats[1:-1]:
        widest = size_deg / math.cos(math.radians(lat))
        counts.append(next(n for n in even if 360.0 / n < widest - 1e-9))
    edges = (-90.0, *inner.tolist(), 90.0)
    return BandedCells(f"LP GRS {size_deg} deg", edges, (*counts, 1))


def simulated_abundances(
    lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """The nine of the simulated Moon: wt % of the oxides, ppm of K, Th and U.

    FeO and TiO2 are the simulated surface's truth. The rest is made up so that it looks right and
    follows from them: oxides straight lines of FeO that add up to about 100, thorium a bump of
    11 ppm around 20 N 25 W that fades over some 30 degrees.

    Parameters
    ----------
    lon, lat : ndarray of float64, (...)
        Degrees east and north.
    """
    made_of = simulated_truth(lon, lat)
    feo, tio2 = made_of.FeO.astype(np.float64), made_of.TiO2.astype(np.float64)
    away = np.radians(lon + 25.0)
    north = np.radians(lat)
    cosine = np.sin(north) * math.sin(0.35) + np.cos(north) * math.cos(0.35) * np.cos(away)
    thorium = 0.5 + 10.5 * np.exp((cosine - 1.0) / 0.14)
    oxides = {
        "MgO": 4.8 + 0.25 * feo,
        "Al2O3": np.maximum(31.0 - 1.05 * feo, 1.0),
        "SiO2": 45.5 - 0.05 * feo - 0.6 * tio2,
        "CaO": 17.2 - 0.32 * feo,
        "TiO2": tio2,
        "FeO": feo,
    }
    return oxides | {"K": 300.0 * thorium, "Th": thorium, "U": 0.27 * thorium}


def pixel_means(cells: BandedCells) -> dict[str, NDArray[np.float64]]:
    """Area means of the nine over cells, from 8 x 8 places in each, ``(cell,)`` by name."""
    parts = (np.arange(_PLACES) + 0.5) / _PLACES
    means: dict[str, list[NDArray[np.float64]]] = {}
    edges = zip(cells.edges_deg, cells.edges_deg[1:], cells.per_band, strict=False)
    for south, north, count in edges:
        # even steps of the sine are even steps of area
        sines = np.sin(np.radians([south, north]))
        lats = np.degrees(np.arcsin(sines[0] + parts * (sines[1] - sines[0])))
        lons = cells.west_deg + (np.arange(count)[:, None] + parts) * (360.0 / count)
        here = simulated_abundances(*np.broadcast_arrays(lons[:, None, :], lats[None, :, None]))
        for name, values in here.items():
            means.setdefault(name, []).append(values.mean(axis=(1, 2)))
    return {name: np.concatenate(bands) for name, bands in means.items()}


def write_grs(
    path: Path,
    cells: BandedCells | None = None,
    abundances: Mapping[str, NDArray[np.float64]] | None = None,
) -> Path:
    """Write a table as the archive has it, and beside it a label that says it is simulated.

    Parameters
    ----------
    path : Path
        ``.tab`` to write; the label gets its name with ``.lbl``.
    cells : BandedCells, optional
        The 5 degree pixels if none.
    abundances : mapping of str to ndarray of float64, (cell,), optional
        All nine, oxides in wt % and elements in ppm; the simulated Moon's means if none.

    Returns
    -------
    Path
        The table.
    """
    cells = grs_cells() if cells is None else cells
    means = pixel_means(cells) if abundances is None else abundances
    nine = [means[name] / PERCENT for name in OXIDES] + [means[name] for name in ELEMENTS]
    variances = np.square([s / PERCENT for s in SIGMAS[: len(OXIDES)]] + [*SIGMAS[len(OXIDES) :]])
    triangle = np.diag(variances)[np.triu_indices(9)]
    lines = []
    for number, edges in enumerate(_edges(cells)):
        values = (22.0, 1.5e-6, *(weight[number] for weight in nine), *triangle)
        lines.append(
            f"{number:10d}"
            + "".join(f"{edge:7.1f}" for edge in edges)
            + "".join(f" {_exponent(value):>14}" for value in values)
        )
    label = _LABEL.format(
        row_bytes=ROW_LETTERS + 2, rows=len(lines), table=path.name, product=path.stem,
        columns=len(COLUMNS),
    )  # fmt: skip
    folder = Location(str(path.parent))
    folder.put(path.with_suffix(".lbl").name, label.replace("\n", "\r\n").encode("ascii"))
    folder.put(path.name, "".join(f"{line}\r\n" for line in lines).encode("ascii"))
    return path


def _edges(cells: BandedCells) -> list[tuple[float, float, float, float]]:
    """South, north, west and east of every cell in degrees, in the cells' order."""
    edges = []
    for south, north, count in zip(
        cells.edges_deg, cells.edges_deg[1:], cells.per_band, strict=False
    ):
        wests = cells.west_deg + np.arange(count + 1) * (360.0 / count)
        edges += [(south, north, wests[k], wests[k + 1]) for k in range(count)]
    return edges


def _exponent(value: float) -> str:
    """A number with the three digits of exponent that the archive's compiler wrote."""
    mantissa, exponent = f"{value:.4e}".split("e")
    return f"{mantissa}e{int(exponent):+04d}"
