"""What is asked of which maps about a polar cap."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lunarscale.errors import RegionError
from lunarscale.gazetteer import Feature, find
from lunarscale.grid.caps import PolarCap, Pole, WithRest, cells_of_cap
from lunarscale.grid.cells import QIU_2025_AREA_KM2, BandedCells, qiu_2025_cells
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.grid.sides import Crossed
from lunarscale.readers.regions import read_grouping
from lunarscale.reduce.joint import Axis
from lunarscale.reduce.screening import Screen
from lunarscale.steps.one_model import layers_of_one_model
from lunarscale.steps.opening import open_maps, outlines_of
from lunarscale.store.cube import Cube
from lunarscale.store.layout import MapLayer

#: Area of a sampling cell, the paper's: areas by cells are their number times this.
CELL_KM2 = QIU_2025_AREA_KM2

#: Places that are reported on unless others are named: those that Qiu 2025 discusses.
PLACES: dict[Pole, tuple[str, ...]] = {"south": ("Schrödinger", "Antoniadi", "Zeeman"), "north": ()}

#: What is neither maria nor non-maria.
BEYOND = "beyond the outlines"


@dataclass(frozen=True)
class Question:
    """What is asked of which maps.

    Parameters
    ----------
    cube : Cube
        Finished maps that reach the pole.
    layers : (MapLayer, MapLayer)
        FeO and Mg# of one model.
    screen : Screen
    cap : PolarCap
    maria : Grouping
        Maria and non-maria.
    mare : str or None
        Mask or polygons of the maria; None where they are the seas' circles.
    places : tuple of Feature
        Named features in the cap that are reported on.
    """

    cube: Cube
    layers: tuple[MapLayer, MapLayer]
    screen: Screen
    cap: PolarCap
    maria: Grouping
    mare: str | None
    places: tuple[Feature, ...]

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """The bins of FeO and Mg#."""
        return self.screen.axes(self.layers[0].name, self.layers[1].name)

    @cached_property
    def cells(self) -> BandedCells:
        """The paper's cells whose centres lie in the cap."""
        return cells_of_cap(qiu_2025_cells(), self.cap)[0]

    @cached_property
    def first_cell(self) -> int:
        """Number that the first of them has among all of the paper's cells."""
        return cells_of_cap(qiu_2025_cells(), self.cap)[1]

    @property
    def grouping(self) -> Crossed:
        """The cap and the rest, each by maria, non-maria and what the outlines leave open."""
        return Crossed("cap and maria", self.cap, WithRest(self.maria, BEYOND))

    def windows(self) -> list[Window]:
        """The shards that the cap touches."""
        grid = self.cube.grid
        return [window for window in self.cube.layout.windows() if self.cap.touches(grid, window)]

    @property
    def outlines(self) -> str:
        """Where the maria's outlines come from, for people."""
        return outlines_of(self.mare)

    @property
    def is_the_papers(self) -> bool:
        """Whether the paper gives figures for the same cap and thresholds."""
        usual = Screen()
        same = (self.screen.feo_wt_pct, self.screen.mg_number) == (
            usual.feo_wt_pct,
            usual.mg_number,
        )
        return same and (self.cap.pole, self.cap.latitude_deg) == ("south", 65.0)


def ask(
    maps: str, *, pole: Pole = "south", latitude: float = 65.0, screen: Screen | None = None,
    mare: str | None = None, model: str | None = None, places: Sequence[str] | None = None,
    storage_options: dict[str, Any] | None = None,
) -> Question:  # fmt: skip
    """Find what the question needs; parameters and errors are those of ``screen_pole``."""
    cap = PolarCap(pole, latitude)
    cube = open_maps(maps, storage_options)
    layers = layers_of_one_model(cube, ("FeO", "Mg_number"), model)
    _require_pole(maps, cube.grid, cap)
    word = "maria" if mare is None else f"maria={mare}"
    maria = read_grouping(word, storage_options=storage_options)
    found = _places(PLACES[pole] if places is None else places, cap, usual=places is None)
    return Question(cube, layers, screen or Screen(), cap, maria, mare, found)


def _require_pole(maps: str, grid: RasterGrid, cap: PolarCap) -> None:
    _, south, _, north = grid.bounds()
    reaches = north > 90.0 - 1e-9 if cap.pole == "north" else south < -90.0 + 1e-9
    if not reaches:
        edge = north if cap.pole == "north" else south
        raise RegionError(
            f"{maps}: the maps end at latitude {edge:g}, so there is no {cap.pole} pole to screen; "
            "give maps whose grid goes to it (predict without --bbox, or with one to 90 degrees)"
        )


def _places(names: Sequence[str], cap: PolarCap, *, usual: bool) -> tuple[Feature, ...]:
    """The features of these names; the usual ones only where they lie in the cap.

    Raises
    ------
    RegionError
        If there is none of that name, or it lies outside the cap.
    """
    found = tuple(dict.fromkeys(find(name) for name in names))
    inside = tuple(feature for feature in found if cap.holds(feature.lat))
    if not usual and len(inside) < len(found):
        outside = next(feature for feature in found if feature not in inside)
        raise RegionError(
            f"--place {outside.name}: its centre lies at latitude {outside.lat:g}, which is not "
            f"{cap.title}; name features of the cap, or widen it with --latitude"
        )
    return inside
