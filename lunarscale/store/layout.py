"""How a cube is laid out: its arrays, their types and attributes. Pure: nothing is touched.

The format is versioned; a store of another version is refused, never guessed at.
"""

import math
from dataclasses import asdict, dataclass, field
from functools import cache, lru_cache
from typing import Any, Literal

import pyproj

from lunarscale.bands import CAMERAS, Camera
from lunarscale.errors import FormatError, RegionError
from lunarscale.flags import NO_DATA, MapReason, map_flag_attributes
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.moon import RADIUS_M
from lunarscale.quantities import QUANTITIES
from lunarscale.store.codec import USUAL_CODEC, Codec
from lunarscale.store.foreign import (
    LARGEST_CHUNK,
    LARGEST_SHARD,
    MOST_ACROSS,
    check_description,
)
from lunarscale.store.shard import Filter, ShardLayout

FORMAT_VERSION = 1

#: Shards of a store, at most: each is a task, and schedulers fail past a million of them. The
#: whole Moon at 10 m a pixel has 144,000 of 2048.
MOST_SHARDS = 500_000

#: The CRS of every store: equirectangular in metres on the 1737.4 km sphere.
CRS = "IAU_2015:30110"

#: What each array packs best behind (``benchmarks/kernels/bench_codecs.py``): the low bytes of
#: counts are noise, their high bytes smooth; maps' noise goes through all their bits; flags are
#: runs of one number, which a filter only costs time.
COUNTS_FILTER: Filter = "shuffle"
MAPS_FILTER: Filter = "bitshuffle"
FLAGS_FILTER: Filter = "noshuffle"

Kind = Literal["mosaic", "maps"]

_KINDS: dict[str, Kind] = {"mosaic": "mosaic", "maps": "maps"}

_CONVENTIONS = [
    {
        "uuid": "f17cb550-5864-4468-aeb7-f3180cfb622f",
        "name": "proj:",
        "spec_url": "https://github.com/zarr-experimental/geo-proj/blob/v1/README.md",
    },
    {
        "uuid": "689b58e2-cf7b-45e0-9fff-9cfc0883d6b4",
        "name": "spatial:",
        "spec_url": "https://github.com/zarr-conventions/spatial/blob/v1/README.md",
    },
]


@cache
def lunar_wkt() -> str:
    """WKT2 of the stores' CRS."""
    return str(pyproj.CRS.from_user_input(CRS).to_wkt("WKT2_2019"))


@dataclass(frozen=True)
class ArraySpec:
    """One array of a cube.

    Parameters
    ----------
    name : str
    bands : int
        Size of a leading band axis; 0 where there is none.
    packing : ShardLayout
        Number type, fill value, shard, chunk and codec of one band or layer.
    attributes : dict
        CF attributes.
    """

    name: str
    bands: int
    packing: ShardLayout
    attributes: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class MapLayer:
    """One map in a store of maps.

    Parameters
    ----------
    name : str
        Variable name, ``FeO`` or ``FeO_lucey_2000``.
    quantity : str
        Name in ``lunarscale.quantities.QUANTITIES``.
    model : str
        Name of the model that made it.
    formula, source : str
        What it computes, and where that comes from.
    remark : str
        What a reader must know: where it holds, how far it is trusted.
    """

    name: str
    quantity: str
    model: str
    formula: str
    source: str
    remark: str = ""

    @property
    def quantum(self) -> float:
        """Value of one count."""
        return QUANTITIES[self.quantity].quantum


@dataclass(frozen=True)
class Layout:
    """Everything that determines a cube's shape: kind, grid, cut, camera or layers.

    Parameters
    ----------
    kind : {"mosaic", "maps"}
    grid : RasterGrid
    shard, chunk : int
        Edges in pixels.
    camera : str
        Name of the camera whose counts these are, or were.
    layers : tuple of MapLayer
        The maps; empty in a mosaic.
    simulated : bool
        Whether any input is simulated.
    codec : str
        Blosc's compressor, level and filter (``store.codec``).
    """

    kind: Kind
    grid: RasterGrid
    shard: int
    chunk: int
    camera: str
    layers: tuple[MapLayer, ...] = ()
    simulated: bool = False
    codec: str = USUAL_CODEC

    def __post_init__(self) -> None:
        if self.chunk < 1 or self.shard < self.chunk or self.shard % self.chunk:
            raise FormatError(
                f"a shard of {self.shard} pixels cannot be cut into chunks of {self.chunk}; "
                "the chunk must divide the shard, as 512 divides 2048"
            )
        largest = min(LARGEST_SHARD, MOST_ACROSS * self.chunk)
        if self.chunk > LARGEST_CHUNK or self.shard > largest:
            raise FormatError(
                f"a shard of {self.shard} pixels in chunks of {self.chunk} is too much for a "
                f"reader's memory: chunks have at most {LARGEST_CHUNK:,} pixels an edge, and "
                f"shards of such chunks {largest:,}"
            )
        shards = -(-self.grid.height // self.shard) * -(-self.grid.width // self.shard)
        if shards > MOST_SHARDS:
            raise FormatError(
                f"{self.grid.width:,} x {self.grid.height:,} pixels make {shards:,} shards of "
                f"{self.shard} x {self.shard} but a store has at most {MOST_SHARDS:,}; use fewer "
                "pixels a degree, a bounding box or a larger shard"
            )

    @property
    def camera_facts(self) -> Camera:
        """The camera itself."""
        return CAMERAS[self.camera]

    def windows(self) -> list[Window]:
        """The windows of the shards, row by row."""
        return list(self.grid.window.split(self.shard))

    def packing(self, dtype: str, fill_value: int, own: Filter) -> ShardLayout:
        """The packing of a layer of this cube, which packs best behind its ``own`` filter."""
        codec = Codec.of(self.codec).for_array(own)
        return ShardLayout(self.shard, self.chunk, dtype, fill_value, *codec)

    def arrays(self) -> tuple[ArraySpec, ...]:
        """The cube's sharded arrays."""
        return _arrays(self)

    def to_attributes(self) -> dict[str, Any]:
        """As JSON, for the root of the store.

        The usual codec is not named: stores that are older than the choice are described alike.
        """
        described = {"format": FORMAT_VERSION, **asdict(self)}
        if self.codec == USUAL_CODEC:
            del described["codec"]
        return described

    @classmethod
    def from_attributes(cls, attributes: Any, where: str) -> "Layout":
        """From the root of a store.

        Raises
        ------
        FormatError
            If it was written by another version, or is damaged.
        """
        found = attributes.get("format") if isinstance(attributes, dict) else None
        if found != FORMAT_VERSION:
            raise FormatError(
                f"{where}: this lunarscale reads store format {FORMAT_VERSION} but the store has "
                f"format {found}; make it again or use the lunarscale that wrote it"
            )
        try:
            check_description(attributes)
            layout = cls(
                kind=_KINDS[attributes["kind"]],
                grid=RasterGrid(**attributes["grid"]),
                shard=attributes["shard"],
                chunk=attributes["chunk"],
                camera=CAMERAS[attributes["camera"]].name,
                layers=tuple(MapLayer(**layer) for layer in attributes["layers"]),
                simulated=attributes["simulated"],
                codec=attributes.get("codec", USUAL_CODEC),
            )
            layout.arrays()  # a layer of an unknown quantity is found out here
        except (KeyError, TypeError, ValueError, RegionError, FormatError) as error:
            raise FormatError(f"{where}: the store's description is damaged: {error!r}") from error
        return layout


@lru_cache(maxsize=64)
def _arrays(layout: Layout) -> tuple[ArraySpec, ...]:
    return _mosaic_arrays(layout) if layout.kind == "mosaic" else _map_arrays(layout)


def _mosaic_arrays(layout: Layout) -> tuple[ArraySpec, ...]:
    camera = layout.camera_facts
    bands = len(camera.wavelengths_nm)
    reflectance = {
        "long_name": f"{camera.title} reflectance",
        "units": "1",
        "scale_factor": camera.scale,
        "add_offset": 0.0,
        "_FillValue": NO_DATA,
        "ancillary_variables": "flag",
    }
    flag = {"long_name": "why a band has no value", **camera.flag_attributes()}
    return (
        ArraySpec(
            "reflectance", bands, layout.packing("int16", NO_DATA, COUNTS_FILTER), reflectance
        ),
        ArraySpec(
            "flag", 0, layout.packing(camera.flag_dtype, camera.never_imaged, FLAGS_FILTER), flag
        ),
    )


def _map_arrays(layout: Layout) -> tuple[ArraySpec, ...]:
    arrays = []
    for layer in layout.layers:
        quantity = QUANTITIES[layer.quantity]
        values = {
            "long_name": quantity.long_name,
            "units": quantity.units,
            "scale_factor": quantity.quantum,
            "add_offset": 0.0,
            "_FillValue": NO_DATA,
            "ancillary_variables": f"{layer.name}_flag",
            "model": layer.model,
            "formula": layer.formula,
            "source": layer.source,
            **({"comment": layer.remark} if layer.remark else {}),
        }
        flag = {
            "long_name": f"why {layer.name} has no value, or a stretched one",
            **map_flag_attributes(),
        }
        counts = layout.packing("int16", NO_DATA, MAPS_FILTER)
        reasons = layout.packing("uint8", int(MapReason.NO_INPUT), FLAGS_FILTER)
        arrays.append(ArraySpec(layer.name, 0, counts, values))
        arrays.append(ArraySpec(f"{layer.name}_flag", 0, reasons, flag))
    return tuple(arrays)


def spatial_attributes(grid: RasterGrid) -> dict[str, Any]:
    """The Zarr ``proj:`` and ``spatial:`` conventions of a grid, in metres."""
    west, south, east, north = (math.radians(edge) * RADIUS_M for edge in grid.bounds())
    return {
        "zarr_conventions": _CONVENTIONS,
        "proj:wkt2": lunar_wkt(),
        "spatial:dimensions": ["y", "x"],
        "spatial:shape": [grid.height, grid.width],
        "spatial:bbox": [west, south, east, north],
        "spatial:transform": list(affine(grid)),
        "spatial:registration": "pixel",
    }


def affine(grid: RasterGrid) -> tuple[float, float, float, float, float, float]:
    """Pixel (column, row) to metres (x, y): a, b, c, d, e, f as in rasterio's ``Affine``."""
    west, _, _, north = grid.bounds()
    step = math.radians(grid.pixel_deg) * RADIUS_M
    return step, 0.0, math.radians(west) * RADIUS_M, 0.0, -step, math.radians(north) * RADIUS_M
