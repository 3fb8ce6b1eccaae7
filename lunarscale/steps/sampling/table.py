"""Samples as columns with names, units and provenance: Arrow's tables."""

import json
from typing import Any

import numpy as np
import pyarrow as pa

import lunarscale
from lunarscale.flags import NO_DATA, map_flag_attributes
from lunarscale.grid.cells import BandedCells
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.samples import Samples
from lunarscale.reduce.statistics import Label
from lunarscale.store.cube import Cube
from lunarscale.store.layout import MapLayer

#: What a column's name says of its units.
_ENDINGS = {"wt %": "_wt_pct", "1": "", "rad": "_rad"}


class SampleTable:
    """The columns of a table of samples.

    Parameters
    ----------
    cube : Cube
        The maps.
    layers : sequence of MapLayer
        Those that are sampled.
    cells : BandedCells
    groupings : tuple of Label
    """

    def __init__(
        self,
        cube: Cube,
        layers: list[MapLayer],
        *,
        cells: BandedCells,
        groupings: tuple[Label, ...],
    ) -> None:
        self.layers, self.cells, self.groupings = layers, cells, groupings
        self._quanta = [layer.quantum for layer in layers]
        facts = {
            "title": "maps of the Moon sampled at the centres of cells of equal area",
            "source": f"lunarscale {lunarscale.__version__}",
            "maps": cube.location.url,
            "simulated": cube.layout.simulated,
            "cells": {
                "name": cells.name,
                "count": cells.count,
                "rule": (
                    f"{cells.bands} bands of latitude from the south, each of equal cells counted "
                    f"from {cells.west_deg:g} degrees eastwards; a cell has the value, the flag "
                    "and the groups of the pixel that holds its centre"
                ),
                "sha256": cells.digest,
            },
            "groupings": {label.name: label.digest for label in groupings},
        }
        self.schema = pa.schema(
            [
                _field("cell", pa.int32(), long_name="number of the cell, from 0 in the south"),
                _field("lon", pa.float64(), units="degrees_east", long_name="centre's longitude"),
                _field("lat", pa.float64(), units="degrees_north", long_name="centre's latitude"),
                *(self._value_field(layer) for layer in layers),
                *(_flag_field(layer) for layer in layers),
                *(pa.field(label.name, _NAMES) for label in groupings),
            ],
            metadata={"lunarscale": json.dumps(facts, ensure_ascii=False)},
        )

    @staticmethod
    def _value_field(layer: MapLayer) -> pa.Field:
        quantity = QUANTITIES[layer.quantity]
        return _field(
            layer.name + _ENDINGS.get(quantity.units, ""),
            pa.float32(),
            layer=layer.name,
            units=quantity.units,
            long_name=quantity.long_name,
            model=layer.model,
            formula=layer.formula,
            source=layer.source,
        )

    def rows(self, samples: Samples, *, every: bool) -> pa.Table:
        """Samples as a table.

        Parameters
        ----------
        samples : Samples
        every : bool
            Whether cells without a value in any layer have a row too.
        """
        kept = np.arange(len(samples.cells))
        if not every:
            kept = np.flatnonzero((samples.counts != NO_DATA).any(axis=0))
        lons, lats = self.cells.centres(samples.cells[kept])
        values = [
            pa.array((counts * quantum).astype(np.float32), mask=counts == NO_DATA)
            for counts, quantum in zip(samples.counts[:, kept], self._quanta, strict=True)
        ]
        flags = [pa.array(flags) for flags in samples.flags[:, kept]]
        names = [
            pa.DictionaryArray.from_arrays(
                pa.array(numbers.astype(np.int32) - 1, mask=numbers == 0), pa.array(label.groups)
            )
            for numbers, label in zip(samples.groups[:, kept], self.groupings, strict=True)
        ]
        places = [pa.array(array) for array in (samples.cells[kept], lons, lats)]
        return pa.Table.from_arrays([*places, *values, *flags, *names], schema=self.schema)


#: Names of groups: 0 is no group, and null.
_NAMES = pa.dictionary(pa.int32(), pa.string())


def _field(name: str, kind: pa.DataType, **metadata: str) -> pa.Field:
    return pa.field(name, kind, metadata=metadata)


def _flag_field(layer: MapLayer) -> pa.Field:
    told: dict[str, Any] = map_flag_attributes()
    return _field(
        f"{layer.name}_flag",
        pa.uint8(),
        layer=layer.name,
        long_name=f"why {layer.name} has no value, or a stretched one",
        **{
            key: json.dumps(value) if isinstance(value, list) else str(value)
            for key, value in told.items()
        },
    )
