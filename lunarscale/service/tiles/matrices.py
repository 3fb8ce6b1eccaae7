"""The Moon's tile matrix sets: simple cylindrical, and polar stereographic about both poles.

They are told as the OGC's standard has it (Two Dimensional Tile Matrix Set 2.0, OGC 17-083r4). At
zoom 0 the cylindrical plane is two tiles and a polar one is one; each further zoom halves the cell.
A polar plane is the square about the parallel of 60 degrees, its corners beyond.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from lunarscale.errors import UnknownError
from lunarscale.grid.projections import polar_stereographic
from lunarscale.moon import RADIUS_M

#: Edge of a tile, and of a fine one for screens of twice as many pixels.
PIXELS, FINE_PIXELS = 256, 512

#: The last zoom: cells of 0.3 m.
DEEPEST = 16

#: Latitude where a polar plane's sides touch their parallel.
CAP_EDGE_DEG = 60.0

#: Metres around the Moon.
AROUND_M = 2.0 * math.pi * RADIUS_M

#: Metres of a pixel of the screen that scales are told for (OGC 17-083r4, 6.1.1).
_SCREEN_PIXEL_M = 0.28e-3

Pole = Literal["north", "south"]


@dataclass(frozen=True)
class MatrixSet:
    """Square tiles of one plane, zoom after zoom.

    Parameters
    ----------
    name, title : str
    crs : int
        The plane's number in IAU_2015; its x goes east or to 90 E, in metres.
    pole : {"north", "south"} or None
        Which the plane is about; None for the cylindrical one.
    left, top : float
        Metres of the upper left corner.
    across, down : int
        Tiles at zoom 0.
    """

    name: str
    title: str
    crs: int
    pole: Pole | None
    left: float
    top: float
    across: int
    down: int

    def cell_m(self, zoom: int) -> float:
        """Edge of a pixel of a tile of ``PIXELS``, in metres of the plane."""
        return -2.0 * self.left / (self.across * PIXELS << zoom)

    def tile_over(self, lon: float, lat: float, *, zoom: int) -> "Tile":
        """The tile that a place lies in; of a place off the plane the nearest one.

        Parameters
        ----------
        lon, lat : float
            Degrees east, -180..180, and north.
        zoom : int
        """
        if self.pole is None:
            x, y = lon / 360.0 * AROUND_M, lat / 360.0 * AROUND_M
        else:
            x, y = map(float, polar_stereographic(lon, lat, pole=self.pole))
        edge = PIXELS * self.cell_m(zoom)
        col, row = int((x - self.left) / edge), int((self.top - y) / edge)
        across, down = self.across << zoom, self.down << zoom
        return Tile(self, zoom, min(max(col, 0), across - 1), min(max(row, 0), down - 1))

    def as_json(self) -> dict[str, Any]:
        """The set in the standard's words."""
        crs = f"http://www.opengis.net/def/crs/IAU/2015/{self.crs}"
        return {
            "id": self.name,
            "title": self.title,
            "orderedAxes": ["X", "Y"],
            "crs": crs,
            "boundingBox": {
                "lowerLeft": [self.left, -self.top],
                "upperRight": [-self.left, self.top],
                "orderedAxes": ["X", "Y"],
                "crs": crs,
            },
            "tileMatrices": [self._matrix(zoom) for zoom in range(DEEPEST + 1)],
        }

    def _matrix(self, zoom: int) -> dict[str, Any]:
        cell = self.cell_m(zoom)
        return {
            "id": str(zoom),
            "scaleDenominator": cell / _SCREEN_PIXEL_M,
            "cellSize": cell,
            "cornerOfOrigin": "topLeft",
            "pointOfOrigin": [self.left, self.top],
            "tileWidth": PIXELS,
            "tileHeight": PIXELS,
            "matrixWidth": self.across << zoom,
            "matrixHeight": self.down << zoom,
        }


def _polar(name: str, crs: int, pole: Pole) -> MatrixSet:
    # Snyder 1987 (USGS Professional Paper 1395), equation 21-14 with k0 = 1
    reach = 2.0 * RADIUS_M * math.tan(math.radians(90.0 - CAP_EDGE_DEG) / 2.0)
    title = f"The Moon's {pole} pole, polar stereographic to {CAP_EDGE_DEG:g} degrees"
    return MatrixSet(name, title, crs, pole, -reach, reach, 1, 1)


#: All there are, by name.
MATRIX_SETS: dict[str, MatrixSet] = {
    each.name: each
    for each in (
        MatrixSet(
            "MoonCylindrical", "The whole Moon, simple cylindrical", 30110, None,
            -AROUND_M / 2.0, AROUND_M / 4.0, 2, 1,
        ),
        _polar("MoonNorthPolar", 30130, "north"),
        _polar("MoonSouthPolar", 30135, "south"),
    )
}  # fmt: skip


def matrix_set(name: str) -> MatrixSet:
    """The set of a name.

    Raises
    ------
    UnknownError
        If there is none.
    """
    found = MATRIX_SETS.get(name)
    if found is None:
        raise UnknownError(
            f"there is no tile matrix set {name[:80]!r}; tiles come in {', '.join(MATRIX_SETS)}"
        )
    return found


class Tile(NamedTuple):
    """One tile of a set.

    Parameters
    ----------
    set : MatrixSet
    zoom, col, row : int
    pixels : int
        Along an edge: ``PIXELS`` or ``FINE_PIXELS``.
    """

    set: MatrixSet
    zoom: int
    col: int
    row: int
    pixels: int = PIXELS

    @property
    def cell_m(self) -> float:
        """Edge of a pixel in metres of the plane."""
        return self.set.cell_m(self.zoom) * PIXELS / self.pixels

    def require(self) -> None:
        """Make sure that the set has it.

        Raises
        ------
        UnknownError
            If it does not.
        """
        name, zoom = self.set.name, self.zoom
        if not 0 <= zoom <= DEEPEST:
            raise UnknownError(f"{name} has the zooms 0 to {DEEPEST} but {zoom} was asked for")
        across, down = self.set.across << zoom, self.set.down << zoom
        if not (0 <= self.col < across and 0 <= self.row < down):
            raise UnknownError(
                f"{name} has {across} x {down} tiles at zoom {zoom} but column {self.col}, row "
                f"{self.row} was asked for; both count from 0"
            )
