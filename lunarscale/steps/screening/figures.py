"""The figures of screen-pole: the cap, FeO against Mg#, and what the thresholds do."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lunarscale.gazetteer import Feature, features
from lunarscale.gazetteer.kinds import LINEAR
from lunarscale.gazetteer.naming import name_places
from lunarscale.grid.raster import weight_to_km2
from lunarscale.render.figure import Illustration
from lunarscale.render.joint_plot import JointPlot, draw_joint
from lunarscale.render.polar_screen import (
    CANDIDATE,
    NO_VALUE,
    OVERLAP,
    VALUE,
    Marked,
    ScreenMap,
    draw_screen_map,
)
from lunarscale.render.screen_sensitivity import ScreenSensitivity, draw_screen_sensitivity
from lunarscale.render.screen_sheet import draw_screen_sheet
from lunarscale.steps.screening.finding import Finding
from lunarscale.steps.screening.question import CELL_KM2

#: Features that are named on the map, at most; large ones fill up what places and patches leave.
_NAMES = 16

#: Largest patches whose places are named, and the least diameter of a feature on the map, km.
_PATCHES, _LEAST_KM = 8, 30.0


def draw(finding: Finding, folder: Path) -> list[Path]:
    """Draw all three figures into a folder; returns the files."""
    drawn = illustrations(finding, folder)
    return [path for item in drawn for path in (item.path, item.vector) if path is not None]


def illustrations(finding: Finding, folder: Path) -> list[Illustration]:
    """The same figures, for a page that shows them."""
    folder.mkdir(parents=True, exist_ok=True)
    simulated = finding.question.cube.layout.simulated
    return [
        draw_screen_map(_map(finding), path=folder / "screening_map.png", simulated=simulated),
        draw_joint(_joint(finding), path=folder / "screening_joint.png", simulated=simulated),
        draw_screen_sensitivity(
            _sensitivity(finding), path=folder / "screening_sensitivity.png", simulated=simulated
        ),
    ]


def sheet(finding: Finding, path: Path, *, title: str) -> Illustration:
    """All three on one sheet, for a page that shows them as one figure.

    Parameters
    ----------
    finding : Finding
    path : Path
        PNG to write.
    title : str
        Begins the figure's title.
    """
    cap = _map(finding)
    return draw_screen_sheet(
        cap, _joint(finding), _sensitivity(finding), path=path, title=f"{title}{cap.title}",
        simulated=finding.question.cube.layout.simulated,
    )  # fmt: skip


def _lines(finding: Finding) -> tuple[str, str]:
    """What stands below every figure's title."""
    asked = finding.question
    share = f"{100 * asked.screen.density_share:g} % of the maria by area"
    return f"{asked.layers[0].model} · {asked.outlines}", f"{asked.screen.words}, within {share}"


def _map(finding: Finding) -> ScreenMap:
    asked, screen = finding.question, finding.screen
    kinds = np.full(asked.cells.count, NO_VALUE, dtype=np.uint8)
    for kind, where in (
        (VALUE, screen.has_value),
        (OVERLAP, screen.overlaps),
        (CANDIDATE, screen.passes),
    ):
        kinds[where] = kind
    return ScreenMap(
        title=f"Mare-like ground {asked.cap.title}",
        lines=_lines(finding),
        pole=asked.cap.pole,
        latitude_deg=asked.cap.latitude_deg,
        cells=asked.cells,
        feo_wt_pct=finding.sampled(asked.layers[0].name).astype(np.float32),
        kinds=kinds,
        labels=("like the maria in FeO and Mg#", f"of these, those with {asked.screen.words}"),
        places=[Marked(f.name, f.lon, f.lat, f.diameter_km) for f in _named(finding)],
    )


def _named(finding: Finding) -> list[Feature]:
    """Features to name: the places asked for, then what holds large patches, then large ones."""
    asked, patches = finding.question, finding.patches
    lons, lats = (part[:_PATCHES] for part in patches.centres())
    holders = [named.holding for named in name_places(lons, lats)]
    inside = [f for f in features() if f.kind not in LINEAR and asked.cap.holds(f.lat)]
    large = sorted(inside, key=lambda feature: -feature.diameter_km)
    ranked = [*asked.places, *(f for f in holders if f is not None), *large]
    fit = (f for f in dict.fromkeys(ranked) if f.diameter_km >= _LEAST_KM and f in inside)
    return list(fit)[:_NAMES]


def _joint(finding: Finding) -> JointPlot:
    asked, screen = finding.question, finding.screen
    likeness = screen.likeness
    # the open bins at either end have no width: they are counted, not drawn
    drawn = np.s_[1:-1, 1:-1]
    passing = np.where(likeness.passing(), screen.counts, 0)
    return JointPlot(
        title="FeO and Mg# of cap and maria",
        lines=_lines(finding),
        labels=("FeO (wt %)", "Mg#"),
        edges=(np.array(asked.screen.feo_edges()), np.array(asked.screen.mg_edges())),
        population=likeness.maria[drawn],
        samples=screen.counts[drawn],
        passing=passing[drawn],
        held=likeness.held[drawn],
        names=("maria of the whole map", f"cells {asked.cap.title}", "cells that pass"),
        thresholds=(asked.screen.feo_wt_pct, asked.screen.mg_number),
        share=asked.screen.density_share,
    )


def _sensitivity(finding: Finding) -> ScreenSensitivity:
    screen, asked = finding.screen, finding.question.screen
    likeness, counts, pixels = screen.likeness, screen.counts, screen.pixels
    return ScreenSensitivity(
        title="What the choices do to the area",
        lines=_lines(finding),
        shares=np.array(asked.shares()),
        thresholds=(np.array(asked.feo_range()), np.array(asked.mg_range())),
        overlap_km2=_km2(likeness.overlaps(pixels)),
        overlap_cells_km2=_cells_km2(likeness.overlaps(counts)),
        passing_km2=_km2(likeness.sensitivity(pixels)),
        passing_cells_km2=_cells_km2(likeness.sensitivity(counts)),
        at=(asked.density_share, asked.feo_wt_pct, asked.mg_number),
    )


def _km2(weights: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(weights * weight_to_km2(1), dtype=np.float64)


def _cells_km2(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(counts * CELL_KM2, dtype=np.float64)
