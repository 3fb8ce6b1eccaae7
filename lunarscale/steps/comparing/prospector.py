"""Compare a map with Lunar Prospector: the map averaged over each of the spectrometer's pixels."""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.map_on_grid import StoredMap
from lunarscale.engine.outcome import Tale
from lunarscale.engine.run import Prepared
from lunarscale.engine.sources import MapsSource
from lunarscale.errors import ParametersError, StoreError
from lunarscale.grid.cells import BandedCells
from lunarscale.readers.grs import OXIDES, GrsTable, read_grs
from lunarscale.reduce.cell_moments import CellMoments
from lunarscale.reduce.cell_sums import CellFigures, CellSums
from lunarscale.reduce.pixel_agreement import FEWEST, TEST, PixelAgreement, pixel_agreement
from lunarscale.steps.comparing.names import open_map
from lunarscale.steps.saving import save

#: How a table is named on the command line.
PREFIX = "grs:"

#: Share of a spectrometer pixel's area that must have values, or it is left out.
LEAST_SHARE = 0.5

#: Name of the sums.
_CELLS = "cells"

#: What a p-value of neighbouring pixels is worth.
CAUTION = (
    "The test takes pixels for independent. They are not: the spectrometer saw about 5 degrees at "
    "a time and maps are smooth, so neighbours differ alike and p is too small. The second p is "
    "that of about as many independent pixels as these are worth; it is rough, and too large "
    "rather than too small."
)


@dataclass(frozen=True)
class GrsQuestion:
    """One map and one table.

    Parameters
    ----------
    map : StoredMap
    table : GrsTable
    """

    map: StoredMap
    table: GrsTable

    @property
    def simulated(self) -> bool:
        """Whether either is simulated."""
        return self.map.cube.layout.simulated or self.table.simulated

    @property
    def key(self) -> str:
        """What files are called."""
        return f"{self.map.layer}_grs"


@dataclass(frozen=True)
class GrsFinding:
    """The map in each of the spectrometer's pixels, beside what that saw.

    Parameters
    ----------
    question : GrsQuestion
    figures : CellFigures
        Of the map, in the pixels that it touches.
    """

    question: GrsQuestion
    figures: CellFigures

    @property
    def grs(self) -> NDArray[np.float64]:
        """What the spectrometer saw in each pixel, wt %, ``(cell,)``."""
        return self.question.table.oxides_wt_pct[self.question.map.quantity.name]

    @cached_property
    def valid_share(self) -> NDArray[np.float64]:
        """Share of each pixel's area where the map has a value, ``(cell,)``."""
        cells = self.question.table.cells
        shares = np.zeros(cells.count)
        own = self.figures
        shares[own.numbers] = own.valid_area_km2 / cells.areas_km2()[own.numbers]
        return shares

    @cached_property
    def ours(self) -> NDArray[np.float64]:
        """The map's mean in each pixel, wt %, ``(cell,)``; NaN where under half has values."""
        means = np.full(self.question.table.cells.count, np.nan)
        means[self.figures.numbers] = self.figures.mean
        means[self.valid_share < LEAST_SHARE] = np.nan
        return means

    @property
    def left_out(self) -> int:
        """Pixels without a mean of ours."""
        return int(np.isnan(self.ours).sum())

    @cached_property
    def agreement(self) -> PixelAgreement:
        """Ours against the spectrometer's; x is the spectrometer."""
        cells = self.question.table.cells
        return pixel_agreement(
            self.grs, self.ours, areas=cells.areas_km2(), neighbours=eastern(cells)
        )

    def write(self, folder: str) -> list[Path]:
        """Write the pixels' table and the figures as JSON into a folder."""
        place, key = Path(folder), self.question.key
        table = self.question.table
        lon, lat = table.cells.centres()
        frame = pd.DataFrame(
            {
                "pixel": np.arange(table.cells.count),
                "lon": lon,
                "lat": lat,
                "area_km2": table.cells.areas_km2(),
                "grs_wt_pct": self.grs,
                "grs_uncertainty_wt_pct": table.uncertainty(self.question.map.quantity.name),
                "map_wt_pct": self.ours,
                "difference_wt_pct": self.ours - self.grs,
                "map_valid_share": self.valid_share,
            }
        )
        return [
            save(place / f"{key}.csv", frame.to_csv(index=False)),
            save(place / f"{key}.json", self._json()),
        ]

    def _json(self) -> str:
        asked = self.question
        facts = {
            "map": asked.map.name,
            "model": asked.map.described.model,
            "table": asked.table.name,
            "pixels_deg": asked.table.pixel_deg,
            "simulated": asked.simulated,
            "difference": "map - GRS",
            "units": "wt %",
            "weighing": "means of the map by true area of its pixels; figures by the area of GRS's",
            "least_valid_share": LEAST_SHARE,
            "pixels_left_out": self.left_out,
            **asdict(self.agreement),
            "test_of_normality": TEST,
            "least_pixels_of_the_test": FEWEST,
            "caution": CAUTION,
        }
        return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def eastern(cells: BandedCells) -> NDArray[np.int64]:
    """The cell east of each, around its band, ``(cell,)``."""
    numbers = np.arange(cells.count)
    firsts = np.repeat(cells.firsts[:-1], cells.per_band)
    lengths = np.repeat(np.asarray(cells.per_band), cells.per_band)
    return np.asarray(firsts + (numbers - firsts + 1) % lengths, dtype=np.int64)


def ask_grs(text: str, table: str, *, storage_options: dict[str, Any] | None = None) -> GrsQuestion:
    """Find a map and a table.

    Parameters
    ----------
    text : str
        ``STORE:LAYER``.
    table : str
        ``grs:`` and the path or URL of the table.
    storage_options : dict, optional

    Raises
    ------
    ParametersError
        If the second is no such table by its name, or it has nothing of what the map shows.
    SourceError
        If the table is not what it should be.
    """
    path = table.removeprefix(PREFIX)
    if path == table or not path:
        raise ParametersError(
            f"--with {table}: {PREFIX} and a table of Lunar Prospector's gamma-ray abundances is "
            f"needed, as {PREFIX}lpgrs_high1_elem_abundance_5deg.tab"
        )
    found = open_map(text, storage_options)
    if found.quantity.name not in OXIDES:
        raise ParametersError(
            f"{found.name} shows {found.quantity.long_name}, which the table does not have; it has "
            f"{', '.join(OXIDES)}"
        )
    return GrsQuestion(found, read_grs(path, storage_options=storage_options))


def prepare_grs(asked: GrsQuestion) -> Prepared:
    """One pass over the map that sums it in the spectrometer's pixels, not begun."""
    cube = asked.map.cube
    measure = CellMoments(asked.table.cells, around=cube.grid.around)
    source = MapsSource(cube, (asked.map.layer,))
    return prepare_sums(source, {_CELLS: measure}, verb="compare")


def grs_finding(asked: GrsQuestion, tale: Tale) -> GrsFinding:
    """What a pass that has run has found.

    Raises
    ------
    StoreError
        If the map has a value in half of no pixel.
    """
    sums = tale.sums.get(_CELLS)
    if not isinstance(sums, CellSums):
        raise StoreError(f"{asked.map.name}: the maps have no shard to compare")
    finding = GrsFinding(asked, sums.figures(0, asked.map.quantity))
    if finding.left_out == asked.table.cells.count:
        raise StoreError(
            f"{asked.map.name}: the map has values in at least half of none of "
            f"{asked.table.cells.count:,} pixels of {asked.table.pixel_deg:g} degrees, so there is "
            "nothing to compare"
        )
    return finding
