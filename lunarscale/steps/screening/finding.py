"""The two passes of screen-pole, and what they have found.

The first goes over the whole map: FeO against Mg# in fine bins, by cap and maria, and both at the
centres of the cap's cells; from it come the maria's density region, the cells that pass and their
patches. The second goes over the cap's shards: the exact area of the pixels that pass in each patch
and named place, and every map at the centres of the cells.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.outcome import Tale
from lunarscale.engine.run import Prepared
from lunarscale.engine.sources import MapsSource
from lunarscale.errors import RegionError, StoreError
from lunarscale.flags import NO_DATA
from lunarscale.gazetteer import Feature
from lunarscale.grid.caps import within_km
from lunarscale.grid.groupings import Seas
from lunarscale.grid.patches import Patches
from lunarscale.moon import Sea
from lunarscale.reduce.accepted import Accepted, AcceptedAreas
from lunarscale.reduce.cap_screen import CapScreen
from lunarscale.reduce.joint import Joint, Joints
from lunarscale.reduce.samples import CellSamples, Samples
from lunarscale.reduce.sums import Measure
from lunarscale.steps.screening.question import CELL_KM2, Question

#: Name of the step, for plans and progress.
VERB = "screen-pole"

#: Names among the runs' sums.
_JOINT, _CELLS, _PATCHES, _PLACE = "joint", "cells", "patches", "place "

Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class Seen:
    """What the first pass has shown.

    Parameters
    ----------
    question : Question
    screen : CapScreen
    """

    question: Question
    screen: CapScreen

    @cached_property
    def patches(self) -> Patches:
        """The patches of the cells that pass."""
        return Patches.of(self.question.cells, np.flatnonzero(self.screen.passes))


@dataclass(frozen=True, eq=False)
class Finding:
    """The answer.

    Parameters
    ----------
    question : Question
    screen : CapScreen
    patches : Patches
    patch_areas : Accepted
        Exact areas by patch.
    place_areas : tuple of Accepted
        Exact areas within each of the question's places.
    samples : Samples
        Every map at the centres of the cap's cells.
    """

    question: Question
    screen: CapScreen
    patches: Patches
    patch_areas: Accepted
    place_areas: tuple[Accepted, ...]
    samples: Samples

    def sampled(self, layer: str) -> NDArray[np.float64]:
        """A map's values in its units at the cells' centres, ``(cell,)``; NaN where none."""
        layers = {item.name: item for item in self.question.cube.layout.layers}
        counts = self.samples.counts[self.samples.layers.index(layer)]
        values = np.full(self.question.cells.count, np.nan)
        has = counts != NO_DATA
        values[self.samples.cells[has]] = counts[has] * layers[layer].quantum
        return values

    def inside(self, place: Feature) -> NDArray[np.bool_]:
        """Which cells have their centre within a feature's circle, ``(cell,)``."""
        return within_km(
            self.question.cells, (place.lon, place.lat), radius_km=place.diameter_km / 2.0
        )


def prepare_screen(asked: Question) -> Prepared:
    """The first pass, over the whole map, not begun."""
    source = MapsSource(asked.cube, tuple(axis.layer for axis in asked.axes))
    measures: dict[str, Measure] = {
        _JOINT: Joints(*asked.axes, grouping=asked.grouping),
        _CELLS: CellSamples(asked.cells),
    }
    return prepare_sums(source, measures, verb=VERB)


def seen_of(asked: Question, tale: Tale) -> Seen:
    """What the first pass has shown.

    Raises
    ------
    StoreError
        If the cap has no values.
    RegionError
        If the maria have none.
    """
    joint, samples = _sum(tale, _JOINT, Joint), _sum(tale, _CELLS, Samples)
    screen = CapScreen.of(asked.screen, joint, samples, cells=asked.cells, cell_km2=CELL_KM2)
    where = asked.cube.location.url
    if not screen.likeness.maria.any():
        raise RegionError(
            f"{where}: the maria ({asked.outlines}) have no pixel with both FeO and Mg#, so there "
            "is no population to compare the cap with; give a mask or polygons of maria that the "
            "maps cover, --mare FILE"
        )
    if not screen.has_value.any():
        raise StoreError(
            f"{where}: none of the {asked.cells.count:,} cells {asked.cap.title} has both FeO and "
            "Mg#, so there is nothing to screen; `lunarscale summarise --by latitude:5` tells "
            "where the maps have values"
        )
    return Seen(asked, screen)


def prepare_patches(seen: Seen) -> Prepared:
    """The second pass, over the cap's shards, not begun."""
    asked = seen.question
    passing = seen.screen.likeness.passing()
    measures: dict[str, Measure] = {
        _CELLS: CellSamples(asked.cells),
        _PATCHES: AcceptedAreas(*asked.axes, passing, seen.patches),
    }
    for place in asked.places:
        circle = Seas((Sea(place.name, place.lon, place.lat, place.diameter_km),))
        measures[_PLACE + place.name] = AcceptedAreas(*asked.axes, passing, circle)
    windows, verb = asked.windows(), f"{VERB}, patches"
    prepared = prepare_sums(MapsSource(asked.cube), measures, verb=verb, windows=windows)
    pixels = sum(window.height * window.width for window in windows)
    read = prepared.plan.read_bytes * pixels // max(prepared.plan.pixels, 1)
    plan = replace(prepared.plan, shards=len(windows), pixels=pixels, read_bytes=read)
    return replace(prepared, plan=plan)


def finding_of(seen: Seen, tale: Tale) -> Finding:
    """What both passes have found."""
    return Finding(
        question=seen.question,
        screen=seen.screen,
        patches=seen.patches,
        patch_areas=_sum(tale, _PATCHES, Accepted),
        place_areas=tuple(
            _sum(tale, _PLACE + place.name, Accepted) for place in seen.question.places
        ),
        samples=_sum(tale, _CELLS, Samples),
    )


def _sum(tale: Tale, name: str, kind: type[Found]) -> Found:
    """One of a run's sums."""
    found = tale.sums.get(name)
    if not isinstance(found, kind):
        raise StoreError(f"the maps have no shard of which {name} could be counted")
    return found
