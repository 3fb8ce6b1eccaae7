"""The accessor itself, and datasets that have it."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.delayed import Delayed, delayed
from numpy.typing import NDArray

from lunarscale.accessor.blocks import merged, partial_sums
from lunarscale.accessor.coordinates import grid_of
from lunarscale.engine.pair_source import DIFFERENCE
from lunarscale.engine.tree import FAN_IN
from lunarscale.errors import ParametersError, RegionError
from lunarscale.grid.cells import QIU_2025_AREA_KM2, BandedCells, equal_area_cells
from lunarscale.grid.groupings import Grouping, WholeMoon
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.quantities import QUANTITIES, Quantity
from lunarscale.reduce.products import Products
from lunarscale.reduce.sums import Measure
from lunarscale.reduce.table import finish
from lunarscale.reduce.tally import Histograms
from lunarscale.steps.comparing.arrays import STATISTICS, Compared, figures, paired
from lunarscale.steps.opening import open_maps, read_groupings
from lunarscale.steps.summarise import Summary


def open_dataset(
    maps: str,
    *,
    chunks: int | Mapping[str, int] | None = None,
    storage_options: dict[str, Any] | None = None,
) -> xr.Dataset:
    """Finished maps as a lazy dataset whose ``lunar`` accessor has their statistics.

    Parameters
    ----------
    maps : str
        Path or fsspec URL.
    chunks : int or mapping, optional
        Dask chunks along ``y`` and ``x``; a shard each by default, so that a task reads one.
    storage_options : dict, optional
        Options for fsspec.

    Returns
    -------
    xarray.Dataset
        Layers in units with NaN where there is no value, and their flags, on (y, x).

    Raises
    ------
    StoreError
        If the maps are not finished.
    FormatError
        If there is no store of maps.
    """
    cube = open_maps(maps, storage_options)
    edge = cube.layout.shard if chunks is None else chunks
    cut = {"y": edge, "x": edge} if isinstance(edge, int) else dict(edge)
    opened = xr.open_zarr(cube.location.zarr_store(), chunks=None)
    # the coordinates stay whole and at hand: they say where everything is
    dataset: xr.Dataset = opened.chunk(cut).assign_coords(
        {name: opened[name].load() for name in opened.coords}
    )
    return dataset


@xr.register_dataset_accessor("lunar")
class Lunar:
    """Statistics of a dataset of maps on the Moon's simple cylindrical grid.

    The dataset may be any part of the grid, cut by ``isel`` or ``sel``, or made by arithmetic:
    what counts are its ``lon`` and ``lat`` and its layers' names. Values are rounded to their
    quantity's quantum, which changes nothing in maps that were read from a store.

    Parameters
    ----------
    dataset : xarray.Dataset
        Layers on ``(y, x)`` with coordinates ``lat`` on y and ``lon`` on x, pixel centres in
        degrees, rows from north to south, columns eastwards.
    """

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset

    @functools.cached_property
    def grid(self) -> RasterGrid:
        """Where the pixels are.

        Raises
        ------
        RegionError
            If the coordinates are those of no rectangle of a grid of whole pixels.
        """
        return grid_of(self._dataset)

    @property
    def layers(self) -> dict[str, Quantity]:
        """What each layer shows, by name; variables that are no map are left out."""
        described = self._dataset.attrs.get("lunarscale") or {}
        known = {layer["name"]: layer["quantity"] for layer in described.get("layers", ())}
        # in the store's order, which xarray does not keep; then what the user added
        names = [name for name in known if name in self._dataset.data_vars]
        names += [str(name) for name in self._dataset.data_vars if name not in known]
        return {
            name: QUANTITIES[known.get(name, name)]
            for name in names
            if known.get(name, name) in QUANTITIES and self._dataset[name].dims == ("y", "x")
        }

    def areas_km2(self) -> xr.DataArray:
        """Area of a pixel of each row on the sphere in square kilometres, ``(y,)``."""
        areas = self.grid.pixel_areas_m2() / 1e6
        coords = {"lat": self._dataset["lat"]} if "lat" in self._dataset else {}
        return xr.DataArray(areas, dims="y", coords=coords, attrs={"units": "km2"}, name="area")

    def groups(self, by: str | Grouping) -> xr.DataArray:
        """Group number of every pixel, lazily, ``(y, x)`` uint16; 0 is no group.

        Parameters
        ----------
        by : str or Grouping
            One word of ``summarise --by``. Names are in ``flag_meanings``.
        """
        (grouping,) = _groupings(by, self.grid)
        sizes = self._blocks()
        numbers = da.map_blocks(
            _numbers,
            grouping=grouping,
            grid=self.grid,
            chunks=sizes,
            dtype=np.uint16,
            meta=np.empty((0, 0), np.uint16),
        )
        named = [name.replace(" ", "_") for name in grouping.groups]
        return xr.DataArray(
            numbers,
            dims=("y", "x"),
            coords={"lat": self._dataset["lat"], "lon": self._dataset["lon"]},
            name=grouping.name,
            attrs={
                "flag_values": np.arange(1, len(named) + 1, dtype=np.uint16),
                "flag_meanings": " ".join(named),
            },
        )

    def summarise(
        self, by: str | Sequence[str | Grouping] = "moon,maria,seas", *, compute: bool = True
    ) -> Any:
        """Exact area-weighted statistics by groups of places.

        Parameters
        ----------
        by : str or sequence of str or Grouping
            As ``lunarscale summarise --by``.
        compute : bool
            False gives a ``dask.delayed.Delayed`` of the summary instead.

        Returns
        -------
        Summary
            ``rows`` is the table, ``to_frame()`` a pandas frame of it.
        """
        quantities = tuple(self.layers.values())
        summed = self.sums({"area": Histograms(_groupings(by, self.grid))}, compute=False)
        summary = delayed(_summary, pure=True)(summed, quantities)
        return summary.compute() if compute else summary

    def sample(self, cells: float | BandedCells = QIU_2025_AREA_KM2) -> xr.Dataset:
        """The maps and their flags at the centres of equal-area cells, lazily, along ``cell``.

        A cell has the value of the pixel that holds its centre; its number, from the south on, is
        along ``cell``, its centre in ``lon`` and ``lat``. ``to_dataframe()`` makes a table of it.

        Parameters
        ----------
        cells : float or BandedCells
            Area of a cell in km2, the paper's 2.25 by default, or cells.
        """
        chosen = cells if isinstance(cells, BandedCells) else equal_area_cells(cells)
        found = chosen.within(self.grid, self.grid.window)
        order = np.argsort(found.cells)
        numbers, rows, cols = (of[order] for of in found)
        lon, lat = chosen.centres(numbers)
        flags = [f"{name}_flag" for name in self.layers]
        names = [*self.layers, *(flag for flag in flags if flag in self._dataset)]
        picked = self._dataset[names].isel(
            y=xr.DataArray(rows, dims="cell"), x=xr.DataArray(cols, dims="cell")
        )
        # the pixels' own coordinates go: a cell has those of its centre
        return picked.drop_vars(list(picked.coords)).assign_coords(
            cell=numbers, lon=("cell", lon), lat=("cell", lat)
        )

    def compare(
        self, other: xr.Dataset, layer: str, *, other_layer: str | None = None,
        by: str | Sequence[str | Grouping] = "maria,seas", moved_by: float | None = None,
        compute: bool = True,
    ) -> Compared:  # fmt: skip
        """A map less one of another dataset on the same pixels, with the figures of ``compare``.

        Parameters
        ----------
        other : xarray.Dataset
            Maps on the same pixels; the same dataset does for two of its layers.
        layer : str
        other_layer : str, optional
            Its name in ``other``, if that is another one.
        by : str or sequence of str or Grouping
            Regions beside the whole Moon.
        moved_by : float, optional
            Difference from which a pixel has moved.
        compute : bool
            False leaves ``rows`` a ``dask.delayed.Delayed``; the difference is lazy anyway.

        Returns
        -------
        Compared
            ``difference``, ``rows`` and ``to_frame()``.

        Raises
        ------
        ParametersError
            If there is no such map, or the two are of different quantities.
        RegionError
            If the pixels are not the same.
        """
        quantity = self._quantity(layer)
        theirs = other.lunar._quantity(other_layer or layer)
        if theirs != quantity:
            raise ParametersError(
                f"{layer} shows {quantity.long_name} and {other_layer or layer} of the other "
                f"{theirs.long_name}; only maps of one quantity can be compared"
            )
        if other.lunar.grid != self.grid:
            raise RegionError(
                f"the maps have other pixels, {self.grid} and {other.lunar.grid}; select the part "
                "that both have, or let `lunarscale compare` bring one to the other's pixels"
            )
        # the same pixels may bear coordinates that differ in the last bit
        second = other[other_layer or layer]
        same = {name: self._dataset[name] for name in second.coords if name in self._dataset}
        pair = paired(self._dataset[layer], second.assign_coords(same), quantity)
        groupings = (WholeMoon(), *(g for g in _groupings(by, self.grid) if g.name != "moon"))
        measures: dict[str, Measure] = {g.name: Products(g) for g in groupings}
        summed = pair.lunar.sums({STATISTICS: Histograms(groupings), **measures}, compute=False)
        found = delayed(figures, pure=True)(summed, quantity, moved_by=moved_by)
        return Compared(pair[DIFFERENCE], found.compute() if compute else found)

    def _quantity(self, layer: str) -> Quantity:
        known = self.layers
        if layer not in known:
            raise ParametersError(
                f"the dataset has no map {layer}; it has {', '.join(known) or 'none'}"
            )
        return known[layer]

    def sums(self, measures: Mapping[str, Measure], *, compute: bool = True) -> Any:
        """Any measures of all layers in one pass, merged in a tree.

        Parameters
        ----------
        measures : mapping of str to Measure
            ``lunarscale.reduce.sums`` says what a measure is.
        compute : bool
            False gives a ``dask.delayed.Delayed`` of the sums instead.

        Returns
        -------
        dict of str to Sum
        """
        layers = self.layers
        if not layers:
            raise ParametersError(
                f"the dataset has no map among {', '.join(map(str, self._dataset)) or 'nothing'}; "
                f"name variables after what they show: {', '.join(QUANTITIES)}"
            )
        shared = delayed(dict(measures), pure=True)
        parts: list[Delayed] = [
            partial_sums(shared, tuple(layers.items()), self.grid, window, blocks)
            for window, blocks in self._windows()
        ]
        while len(parts) > 1:
            parts = [merged(parts[at : at + FAN_IN]) for at in range(0, len(parts), FAN_IN)]
        return parts[0].compute() if compute else parts[0]

    def _blocks(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        chunks = self._dataset.unify_chunks().chunks
        return chunks.get("y", (self.grid.height,)), chunks.get("x", (self.grid.width,))

    def _windows(self) -> list[tuple[Window, list[Any]]]:
        """Every block's place and its arrays: values, then flags or None, layer by layer."""
        dataset = self._dataset.unify_chunks()
        rows, cols = self._blocks()
        found = []
        for top, height in zip(np.cumsum((0, *rows)), rows, strict=False):
            for left, width in zip(np.cumsum((0, *cols)), cols, strict=False):
                window = Window(int(top), int(left), height, width)
                part = dataset.isel(y=window.slices[0], x=window.slices[1])
                arrays = []
                for name in self.layers:
                    flag = f"{name}_flag"
                    arrays += [part[name].data, part[flag].data if flag in part else None]
                found.append((window, arrays))
        return found


def _groupings(
    by: str | Grouping | Sequence[str | Grouping], grid: RasterGrid
) -> tuple[Grouping, ...]:
    if isinstance(by, str):
        return read_groupings(by.split(","), grid=grid)
    listed = by if isinstance(by, Sequence) else [by]
    return tuple(
        read_groupings([one], grid=grid)[0] if isinstance(one, str) else one for one in listed
    )


def _numbers(*, grouping: Grouping, grid: RasterGrid, block_info: Any = None) -> NDArray[np.uint16]:
    (top, bottom), (left, right) = block_info[None]["array-location"]
    return np.array(grouping.numbers(grid, Window(top, left, bottom - top, right - left)))


def _summary(sums: dict[str, Any], quantities: tuple[Quantity, ...]) -> Summary:
    return Summary(sums["area"], finish(sums["area"], quantities), quantities)
