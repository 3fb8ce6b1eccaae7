"""The picture of a map beside Lunar Prospector's."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.raster import RasterGrid
from lunarscale.reduce.pixel_agreement import TEST
from lunarscale.render.difference_plots import Heading
from lunarscale.render.figure import Illustration
from lunarscale.render.grs_triptych import GrsPicture, draw_grs_triptych
from lunarscale.render.labels import number, pretty_name, with_units
from lunarscale.steps.comparing.prospector import CAUTION, LEAST_SHARE, GrsFinding

#: Pixels a degree of the drawn maps: edges of the spectrometer's pixels are halves of a degree.
_PPD = 2


def draw_grs(finding: GrsFinding, out: str) -> list[Path]:
    """Draw the comparison into a folder, made if need be; returns the files."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = grs_illustration(finding, folder)
    return [path for path in (drawn.path, drawn.vector) if path is not None]


def grs_illustration(finding: GrsFinding, folder: Path) -> Illustration:
    """Draw three maps, scatter and histogram of the differences; PNG and SVG.

    Parameters
    ----------
    finding : GrsFinding
    folder : Path
        It must exist.
    """
    asked, found = finding.question, finding.agreement
    name = pretty_name(asked.map.quantity.name)
    size = f"{asked.table.pixel_deg:g}°"
    both = np.isfinite(finding.ours)
    fits = (
        ("least squares", found.slope, found.intercept),
        ("major axis", found.rma_slope, found.rma_intercept),
    )
    picture = GrsPicture(
        heading=Heading(
            asked.key,
            f"{name}: the map beside Lunar Prospector",
            f"{asked.map.described.model} averaged over {number(found.pixels, 0)} pixels of "
            f"{size} ({asked.table.name}), weighted by area; left out for having values in less "
            f"than {100 * LEAST_SHARE:g} % of their area: {number(finding.left_out, 0)}.",
        ),
        quantity=asked.map.quantity.name,
        units="wt %",
        titles=(
            f"{name}, Lunar Prospector GRS",
            f"{name}, map at GRS pixels",
            f"{name}, map less GRS",
        ),
        grs=_painted(finding.grs, finding),
        ours=_painted(finding.ours, finding),
        pairs=(finding.grs[both], finding.ours[both]),
        lines=[(label, a, b) for label, a, b in fits if a is not None and b is not None],
        normal=(found.bias, found.std),
        figures=_figures(finding),
        note=CAUTION,
    )
    path = folder / f"{asked.key}.png"
    return draw_grs_triptych(picture, path=path, simulated=asked.simulated)


def _painted(values: NDArray[np.float64], finding: GrsFinding) -> NDArray[np.float32]:
    """Values of the spectrometer's pixels as a picture of the whole Moon."""
    grid = RasterGrid.whole(_PPD)
    numbers = finding.question.table.cells.numbers(grid, grid.window)
    return np.asarray(values[numbers], dtype=np.float32)


def _figures(finding: GrsFinding) -> list[tuple[str, str]]:
    found = finding.agreement
    normal = found.normality

    def wt(value: float | None) -> str:
        return with_units(number(value, 2), "wt %")

    return [
        ("r", number(found.correlation, 3)),
        ("slope of map on GRS", number(found.slope, 3)),
        ("intercept", wt(found.intercept)),
        ("slope, major axis", number(found.rma_slope, 3)),
        ("bias, map less GRS", wt(found.bias)),
        ("RMSE", wt(found.rmse)),
        ("middle 95 %", f"{number(found.low, 2)} to {wt(found.high)}"),
        ("skewness", number(normal.skewness, 2)),
        ("excess kurtosis", number(normal.excess_kurtosis, 2)),
        (TEST, number(normal.k2, 1)),
        ("p, pixels independent", _p(normal.p)),
        ("correlation of neighbours", number(normal.neighbours, 2)),
        (f"p, for {number(normal.independent, 0)} independent", _p(normal.p_of_independent)),
    ]


def _p(value: float | None) -> str:
    return "< 0.0001" if value is not None and value < 1e-4 else number(value, 4)
