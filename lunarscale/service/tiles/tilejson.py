"""What a map library must know of a layer's tiles: TileJSON 3.0."""

from typing import Any
from urllib.parse import quote, urlencode

from lunarscale.service.dataset import Dataset
from lunarscale.service.layers import Layer
from lunarscale.service.tiles.asking import native_zoom
from lunarscale.service.tiles.matrices import CAP_EDGE_DEG, MatrixSet
from lunarscale.service.tiles.sampling import found_level


def tilejson(
    dataset: Dataset, layer: Layer, tiles: MatrixSet, *, origin: str, query: dict[str, Any]
) -> dict[str, Any]:
    """The description of a layer's tiles.

    Parameters
    ----------
    dataset : Dataset
    layer : Layer
    tiles : MatrixSet
    origin : str
        What absolute links begin with.
    query : dict
        What the tiles are asked with.
    """
    west, south, east, north = bounds_in(dataset, tiles)
    least, most = least_zoom(dataset, tiles), native_zoom(dataset, tiles)
    name, shown = quote(dataset.name, safe=""), {"layer": layer.name, **query}
    path = f"/api/datasets/{name}/tiles/{tiles.name}/{{z}}/{{x}}/{{y}}.png"
    asked = _encoded({**shown, "v": dataset.version})
    centre = (0.0, 90.0 if tiles.pole == "north" else -90.0)
    if tiles.pole is None:
        centre = ((west + east) / 2.0, (south + north) / 2.0)
    return {
        "tilejson": "3.0.0",
        "name": f"{dataset.name}: {layer.title}",
        "description": layer.remark or dataset.title,
        "attribution": attribution(dataset, layer),
        "scheme": "xyz",
        "tiles": [f"{origin}{path}?{asked}"],
        "minzoom": least,
        "maxzoom": max(least, most),
        "bounds": [west, south, east, north],
        "center": [*centre, least],
        "tile_matrix_set": f"{origin}/api/tile-matrix-sets/{tiles.name}",
        "legend_url": f"{origin}/api/datasets/{name}/legend.json?{_encoded(shown)}",
        "body": "Moon",
    }


def _encoded(query: dict[str, Any]) -> str:
    return urlencode(query, doseq=True, quote_via=quote)


def attribution(dataset: Dataset, layer: Layer) -> str:
    """Who saw it and what made of it a map; that it is simulated, where it is."""
    words = [dataset.cube.layout.camera_facts.title, layer.model, "lunarscale"]
    told = " · ".join(word for word in words if word)
    return f"SIMULATED data, not a measurement · {told}" if dataset.cube.layout.simulated else told


def bounds_in(dataset: Dataset, tiles: MatrixSet) -> tuple[float, float, float, float]:
    """West, south, east and north edge, within a whole turn; of a polar set's part only."""
    west, south, east, north = dataset.cube.grid.bounds()
    if east > 180.0 or tiles.pole is not None:
        west, east = -180.0, 180.0
    if tiles.pole == "north":
        south = max(south, CAP_EDGE_DEG)
    elif tiles.pole == "south":
        north = min(north, -CAP_EDGE_DEG)
    return west, min(south, north), east, max(south, north)


def least_zoom(dataset: Dataset, tiles: MatrixSet) -> int:
    """The first zoom whose tiles can all be drawn: of a large map without levels not zoom 0."""
    deepest = native_zoom(dataset, tiles)
    if len(dataset.levels) > 1:
        return 0
    west, south, east, north = bounds_in(dataset, tiles)
    places = [((west + east) / 2.0, (south + north) / 2.0)]
    if tiles.pole is not None:
        places.append((0.0, north if tiles.pole == "north" else south))  # all longitudes are there
    for zoom in range(deepest):
        over = (tiles.tile_over(*place, zoom=zoom) for place in places)
        if all(found_level(dataset.levels, tile) is not None for tile in over):
            return zoom
    return deepest
