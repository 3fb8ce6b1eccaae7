"""What summarise writes: the table, modes, histograms, covariances, components, cells."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from lunarscale.errors import StoreError
from lunarscale.quantities import Quantity
from lunarscale.reduce.cell_sums import CellSums
from lunarscale.reduce.components import Components, Matrix, components
from lunarscale.reduce.covariances import Covariances
from lunarscale.reduce.mode_rows import ModeRow, bins_of, each, mode_rows
from lunarscale.reduce.relations import Relation, relations
from lunarscale.reduce.statistics import Statistics
from lunarscale.reduce.stats import USUAL, to_records
from lunarscale.reduce.table import Row
from lunarscale.steps.saving import records_csv, save

#: Cells a row group of their files, so that a part of the Moon can be read alone.
ROW_GROUP = 1 << 17


@dataclass(frozen=True)
class Results:
    """What a summary has to write.

    Parameters
    ----------
    statistics : Statistics
    quantities : sequence of Quantity
        What each layer shows.
    rows : list of Row
        The table: it says which groupings were asked for.
    covariances : tuple of Covariances
        One a grouping, where they were asked for.
    matrix : str
        Of which the components are.
    bandwidths : mapping of layer to float
        For modes, in units, instead of the rules'.
    """

    statistics: Statistics
    quantities: Sequence[Quantity]
    rows: list[Row]
    covariances: tuple[Covariances, ...] = ()
    matrix: Matrix = "correlation"
    bandwidths: Mapping[str, float] = field(default_factory=dict)

    @property
    def groupings(self) -> list[str]:
        """The groupings that were asked for, in the order of the table."""
        return list(dict.fromkeys(row.grouping for row in self.rows))

    @cached_property
    def modes(self) -> list[ModeRow]:
        """All modes of every layer in every group."""
        layers = each(self.statistics, self.quantities, self.groupings)
        return [
            row
            for layered in layers
            for row in mode_rows(layered, bandwidth=self.bandwidths.get(layered.layer))
        ]

    def relations(self) -> list[Relation]:
        """Every pair of layers in every group."""
        return [row for sums in self.covariances for row in relations(sums, self.quantities)]

    def components(self) -> list[Components]:
        """The principal components of every group."""
        return [
            found
            for sums in self.covariances
            for found in components(sums, self.quantities, matrix=self.matrix)
        ]


def write_results(results: Results, folder: str | Path, stats: Sequence[str] = USUAL) -> list[Path]:
    """Write the files that some statistics ask for (``reduce.stats``); each whole or not at all.

    ``statistics.csv`` and ``.json`` always; ``modes.csv``, ``histograms.parquet``,
    ``covariance.csv`` and ``pca.csv`` where they are asked for.

    Raises
    ------
    StoreError
        If covariances are asked for and were not summed.
    """
    folder = Path(folder)
    records = to_records(results.rows, stats)
    written = [
        save(folder / "statistics.csv", records_csv(records, list(records[0]))),
        save(folder / "statistics.json", json.dumps(records, indent=1, ensure_ascii=False) + "\n"),
    ]
    if "modes" in stats:
        written.append(save(folder / "modes.csv", _table(ModeRow, results.modes)))
    if "histogram" in stats:
        table = histogram_table(results)
        written.append(save(folder / "histograms.parquet", parquet(table)))
    if {"covariance", "pca"} & set(stats) and not results.covariances:
        raise StoreError("covariances were asked for but no products of layers were summed")
    if "covariance" in stats:
        written.append(save(folder / "covariance.csv", _table(Relation, results.relations())))
    if "pca" in stats:
        rows = component_records(results.components(), results.statistics.layers)
        written.append(save(folder / "pca.csv", records_csv(rows, list(rows[0]))))
    return written


def _table(kind: type[ModeRow | Relation], rows: Sequence[ModeRow | Relation]) -> str:
    return records_csv(map(asdict, rows), [column.name for column in fields(kind)])


def component_records(found: Iterable[Components], layers: Sequence[str]) -> list[dict[str, Any]]:
    """A record a component, with a loading of each layer; one that says so where there is none."""
    records = []
    for one in found:
        names = {"grouping": one.grouping, "group": one.group, "matrix": one.matrix}
        total = np.cumsum(one.shares)
        for place in range(max(len(one.layers), 1)):
            there = place < len(one.layers)
            loadings = dict(zip(one.layers, one.loadings[place], strict=True)) if there else {}
            records.append({
                **names,
                "component": place + 1 if there else 0,
                "variance": float(one.variances[place]) if there else None,
                "share": float(one.shares[place]) if there else None,
                "cumulative_share": float(total[place]) if there else None,
                **{f"loading_{layer}": _number(loadings.get(layer)) for layer in layers},
                "area_km2": one.area_km2,
                "note": one.note,
            })  # fmt: skip
    return records


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def histogram_table(results: Results) -> pa.Table:
    """The histograms as one table: layer, grouping, group, low, high, area_km2, share, units."""
    names: dict[str, list[str]] = {"layer": [], "grouping": [], "group": [], "units": []}
    columns: dict[str, list[Any]] = {"low": [], "high": [], "area_km2": [], "share": []}
    for layered in each(results.statistics, results.quantities, results.groupings):
        bins = bins_of(layered)
        own = (layered.layer, layered.grouping, layered.group, layered.quantity.units)
        for name, value in zip(names, own, strict=True):
            names[name] += [value] * bins.low.size
        areas = bins.weights * results.statistics.unit_km2
        for column, values in zip(columns, (bins.low, bins.high, areas, bins.share), strict=True):
            columns[column].append(values)
    texts = {
        name: pa.array(values, pa.string()).dictionary_encode() for name, values in names.items()
    }
    return pa.table(texts | {k: np.concatenate([np.zeros(0), *v]) for k, v in columns.items()})


def parquet(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink, compression="zstd", row_group_size=ROW_GROUP)
    return bytes(sink.getvalue())


#: A dictionary of one word is a byte a row.
_WORD = pa.dictionary(pa.int8(), pa.string())

#: Columns of the files of cells. ``lon`` and ``lat`` are the centre's; ``area_km2`` is that of the
#: pixels whose centres the cell holds. Figures are null where the cell has no value.
CELL_SCHEMA = pa.schema([
    ("cell", pa.int32()), ("lon", pa.float64()), ("lat", pa.float64()), ("layer", _WORD),
    ("units", _WORD), ("mean", pa.float64()), ("std", pa.float64()), ("min", pa.float64()),
    ("max", pa.float64()), ("valid_share", pa.float64()), ("valid_area_km2", pa.float64()),
    ("area_km2", pa.float64()), ("valid_pixels", pa.int32()), ("pixels", pa.int32()),
])  # fmt: skip


def cell_table(sums: CellSums, place: int, quantity: Quantity) -> pa.Table:
    """One layer in every cell that has a pixel, in the columns of ``CELL_SCHEMA``.

    Parameters
    ----------
    sums : CellSums
    place : int
        Of the layer, in ``sums.layers``.
    quantity : Quantity
        What it shows.
    """
    figures = sums.figures(place, quantity)
    lon, lat = sums.cells.centres(figures.numbers)
    same = {"layer": sums.layers[place], "units": quantity.units}
    zeros = np.zeros(figures.numbers.size, np.int8)
    words = {
        name: pa.DictionaryArray.from_arrays(zeros, pa.array([text])) for name, text in same.items()
    }
    shown = {
        name: pa.array(getattr(figures, name), from_pandas=True)
        for name in ("mean", "std", "min", "max")
    }
    whole = {name: getattr(figures, name) for name in CELL_SCHEMA.names[-5:]}
    columns = {"cell": figures.numbers, "lon": lon, "lat": lat, **words, **shown, **whole}
    arrays = [pa.array(columns[name]).cast(CELL_SCHEMA.field(name).type) for name in columns]
    return pa.Table.from_arrays(arrays, schema=CELL_SCHEMA)
