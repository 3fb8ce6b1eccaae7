"""What is asked of which maps about magnesian anorthosite."""

from dataclasses import dataclass
from typing import Any

from lunarscale.grid.sides import Crossed, sides_of_maria
from lunarscale.models.anorthosite import Criterion
from lunarscale.models.derived import mg_number
from lunarscale.quantities import QUANTITIES
from lunarscale.readers.regions import read_grouping
from lunarscale.reduce.joint import Axis
from lunarscale.stations import built_in_table
from lunarscale.steps.one_model import layers_of_one_model
from lunarscale.steps.opening import open_maps, outlines_of
from lunarscale.store.cube import Cube
from lunarscale.store.layout import MapLayer


@dataclass(frozen=True)
class Question:
    """What is asked of which maps.

    Parameters
    ----------
    cube : Cube
        Finished maps.
    layers : (MapLayer, MapLayer)
        Al2O3 and Mg# of one model.
    criterion : Criterion
    grouping : Crossed
        Mare and highlands of both sides.
    mare : str or None
        The mask of the maria; None where they are the seas' circles.
    """

    cube: Cube
    layers: tuple[MapLayer, MapLayer]
    criterion: Criterion
    grouping: Crossed
    mare: str | None

    @property
    def thresholds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The thresholds that are compared, of Al2O3 and Mg#."""
        return self.criterion.al2o3_range(), self.criterion.mg_range()

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """The thresholds as edges of bins."""
        first, second = (
            Axis.of(layer.name, QUANTITIES[layer.quantity], values)
            for layer, values in zip(self.layers, self.thresholds, strict=True)
        )
        return first, second

    @property
    def outlines(self) -> str:
        """Where the maria's outlines come from, for people."""
        return outlines_of(self.mare)

    @property
    def ground_truth(self) -> str:
        """How many of the camera's stations meet the criterion, for people.

        Where none does, no soil at hand tells whether a model is right about it.
        """
        soils = [s.oxides_wt_pct for s in built_in_table(self.cube.layout.camera).stations]
        known = [soil for soil in soils if {"Al2O3", "MgO", "FeO"} <= soil.keys()]
        meet = sum(
            soil["Al2O3"] >= self.criterion.al2o3_wt_pct
            and float(mg_number(soil["MgO"], soil["FeO"])) >= self.criterion.mg_number
            for soil in known
        )
        return f"{meet} of the {len(known)} stations' soils meet it"


def ask(
    maps: str, *, criterion: Criterion | None = None, mare: str | None = None,
    model: str | None = None, storage_options: dict[str, Any] | None = None,
) -> Question:  # fmt: skip
    """Find what the question needs; parameters and errors are those of ``anorthosite``."""
    cube = open_maps(maps, storage_options)
    layers = layers_of_one_model(cube, ("Al2O3", "Mg_number"), model)
    word = "maria" if mare is None else f"maria={mare}"
    maria = read_grouping(word, storage_options=storage_options)
    return Question(cube, layers, criterion or Criterion(), sides_of_maria(maria), mare)
