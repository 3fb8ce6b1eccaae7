"""What an empty store consists of: metadata and coordinates, as its layout gives them."""

import json
from typing import Any

import numpy as np
import pyproj
import zarr
import zarr.codecs
from numpy.typing import NDArray
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from lunarscale.moon import RADIUS_M
from lunarscale.store.layout import CRS, ArraySpec, Layout, affine, lunar_wkt


def documents_of(layout: Layout, attributes: dict[str, Any]) -> dict[str, bytes]:
    """Every object of an empty store by key: zarr-python writes them, in memory."""
    store = zarr.storage.MemoryStore()
    root = zarr.create_group(store, zarr_format=3, attributes=attributes)
    _add_coordinates(root, layout)
    for spec in layout.arrays():
        _add_array(root, layout, spec)
    prototype = default_buffer_prototype()
    keys = sync(_list_all(store))
    blobs = {key: sync(store.get(key, prototype)) for key in keys}
    return _consolidated({key: blob.to_bytes() for key, blob in blobs.items() if blob is not None})


def _consolidated(documents: dict[str, bytes]) -> dict[str, bytes]:
    """The same with every array's metadata in the root's too, where xarray reads them in one go.

    ``zarr.consolidate_metadata`` writes the same and warns each time that Zarr v3 has not adopted
    it; to silence that is not safe where threads are.
    """
    metadata = {
        key.removesuffix("/zarr.json"): json.loads(document)
        for key, document in documents.items()
        if key.endswith("/zarr.json")
    }
    inline = {"kind": "inline", "must_understand": False, "metadata": metadata}
    root = json.loads(documents["zarr.json"]) | {"consolidated_metadata": inline}
    return documents | {"zarr.json": json.dumps(root, indent=2).encode()}


async def _list_all(store: zarr.storage.MemoryStore) -> list[str]:
    return sorted([key async for key in store.list()])


def _add_array(root: zarr.Group, layout: Layout, spec: ArraySpec) -> None:
    packing, grid = spec.packing, layout.grid
    lead = (spec.bands,) if spec.bands else ()
    ones = (1,) if spec.bands else ()
    codec = zarr.codecs.BloscCodec(
        cname=packing.cname,
        clevel=packing.clevel,
        shuffle=packing.shuffle,
        typesize=np.dtype(packing.dtype).itemsize,
    )
    root.create_array(
        spec.name,
        shape=(*lead, grid.height, grid.width),
        chunks=(*ones, packing.chunk, packing.chunk),
        shards=(*ones, packing.shard, packing.shard),
        dtype=packing.dtype,
        fill_value=packing.fill_value,
        compressors=[codec, zarr.codecs.Crc32cCodec()],
        dimension_names=(*(("band",) if spec.bands else ()), "y", "x"),
        attributes={
            **spec.attributes,
            "grid_mapping": "spatial_ref",
            # spatial_ref among them: plain xarray then makes it a coordinate, as rioxarray expects
            "coordinates": "lon lat spatial_ref",
        },
    )


def _add_coordinates(root: zarr.Group, layout: Layout) -> None:
    grid = layout.grid

    def add(name: str, values: NDArray[Any], dims: tuple[str, ...], **attributes: Any) -> None:
        array = root.create_array(
            name,
            shape=values.shape,
            chunks=values.shape or (),
            dtype=values.dtype,
            dimension_names=dims,
            attributes=attributes,
        )
        array[...] = values

    lons, lats = grid.lons(), grid.lats()
    add("lon", lons, ("x",), standard_name="longitude", units="degrees_east")
    add("lat", lats, ("y",), standard_name="latitude", units="degrees_north")
    for name, degrees in (("x", lons), ("y", lats)):
        metres = np.radians(degrees) * RADIUS_M
        add(
            name, metres, (name,), standard_name=f"projection_{name}_coordinate", units="m",
            long_name=f"{name} of {CRS}",
        )  # fmt: skip
    if layout.kind == "mosaic":
        wavelengths = np.array(layout.camera_facts.wavelengths_nm, dtype=np.int32)
        add(
            "band", wavelengths, ("band",), standard_name="radiation_wavelength", units="nm",
            long_name="band centre",
        )  # fmt: skip
    a, b, c, d, e, f = affine(grid)
    add(
        "spatial_ref",
        np.array(0, dtype=np.int32),
        (),
        **pyproj.CRS.from_user_input(CRS).to_cf(),
        spatial_ref=lunar_wkt(),
        GeoTransform=f"{c!r} {a!r} {b!r} {f!r} {d!r} {e!r}",
    )
