"""A simulated Moon of mixed stations, whose composition is known everywhere: to judge models on.

At every place the ground is a checkerboard of a few stations' soils: reflectance is mixed
linearly by area, and composition with the same shares. That assumes patches too small to be seen
apart, too large for light to meet two soils (areal, not intimate mixing), and as much soil on a
square metre of either. A model that was trained without these stations meets spectra it never
saw, whose truth is exact.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lunarscale.bands import CLEMENTINE_UVVIS, KAGUYA_MI, Camera
from lunarscale.errors import StationError
from lunarscale.flags import NEVER_IMAGED
from lunarscale.models.derived import mg_number
from lunarscale.simulated.archive import write_tile
from lunarscale.simulated.kaguya_archive import write_kaguya_tile
from lunarscale.simulated.kaguya_tiling import MAPPED, KaguyaPlan, kaguya_tiles
from lunarscale.simulated.noise import (
    BROADEST,
    CHANNELS,
    HASH_STEPS,
    LACUNARITY,
    hash_of,
    kernel,
    noise_nodes,
    smooth_noise,
    unit_vector,
)
from lunarscale.simulated.tiling import TilePlan, tiles
from lunarscale.stations import OXIDES, Station

#: Standard deviation of a reflectance, relative: a signal of 200 times its noise.
NOISE = 0.005

#: Weights of the octaves of a station's field, broad to fine.
OCTAVES = (1.0, 0.45, 0.2)

#: How far below the strongest field another still has a share: with eight stations and this, a
#: place is a mixture of two or three.
MARGIN = 0.45

#: The year of Yang et al.'s maps of six oxides.
SEED = 2023


@dataclass(frozen=True)
class MixturesMoon:
    """Mixtures of some stations, a pure function of place and seed.

    Parameters
    ----------
    stations : tuple of Station
        Two at least.
    camera : Camera
        A band of it that not all the stations have is never imaged.
    noise : float
        Standard deviation of the relative error of a reflectance, normal and independent
        between bands and places; counts are rounded besides.
    seed : int

    Raises
    ------
    StationError
        If there are too few stations or they share no band, or the noise is no size.
    """

    stations: tuple[Station, ...]
    camera: Camera = CLEMENTINE_UVVIS
    noise: float = NOISE
    seed: int = SEED

    def __post_init__(self) -> None:
        if len(self.stations) < 2:
            raise StationError(
                f"mixtures need two stations but {len(self.stations)} were given; hold out more"
            )
        if not self.bands_nm:
            raise StationError(
                f"the {len(self.stations)} stations share no band of the {self.camera.title}; "
                "give stations that it saw"
            )
        if not 0.0 <= self.noise < 0.5:
            raise StationError(
                f"a relative noise of {self.noise:g} is none of a camera; give 0 to 0.5, as "
                f"{NOISE:g}"
            )

    @property
    def bands_nm(self) -> tuple[int, ...]:
        """Bands of the camera that every station has."""
        bands = self.camera.wavelengths_nm
        return tuple(w for w in bands if all(w in s.reflectance for s in self.stations))

    @property
    def oxides(self) -> tuple[str, ...]:
        """Oxides that were measured at every station."""
        return tuple(o for o in OXIDES if all(o in s.oxides_wt_pct for s in self.stations))

    @property
    def null(self) -> int:
        """The count of the camera's archive for ground that was never imaged."""
        special = self.camera.special.items()
        return next(count for count, reason in special if reason == NEVER_IMAGED)

    def shares(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
        """Each station's share of the ground, ``(station, ...)``; they sum to 1."""
        return self._mixed(np.eye(len(self.stations)), lon, lat)

    def reflectance(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
        """Reflectance (fraction) of ``bands_nm`` without noise, ``(band, ...)``."""
        spectra = [[s.reflectance[w] for w in self.bands_nm] for s in self.stations]
        return self._mixed(np.array(spectra), lon, lat)

    def truth(self, lon: ArrayLike, lat: ArrayLike) -> dict[str, NDArray[np.float64]]:
        """What the ground is made of: the oxides in wt % and ``Mg_number``, each ``(...)``.

        Mg# is that of the mixture, not the mixture of the stations'.
        """
        soils = [[s.oxides_wt_pct[oxide] for oxide in self.oxides] for s in self.stations]
        made = dict(zip(self.oxides, self._mixed(np.array(soils), lon, lat), strict=True))
        if {"MgO", "FeO"} <= made.keys():
            made["Mg_number"] = mg_number(made["MgO"], made["FeO"])
        return made

    def counts(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int16]:
        """Counts of the camera, with noise, ``(band of the camera, ...)``."""
        place, shape = _places(lon, lat)
        spectra = self.reflectance(*place)
        seen = np.empty(spectra.shape, np.int16)
        _digitise(place, spectra / self.camera.scale, self.noise, self.seed, seen)
        filled = np.full((len(self.camera.wavelengths_nm), *shape), self.null, np.int16)
        for row, wavelength in enumerate(self.bands_nm):
            filled[self.camera.wavelengths_nm.index(wavelength)] = seen[row].reshape(shape)
        return filled

    def _mixed(
        self, table: NDArray[np.float64], lon: ArrayLike, lat: ArrayLike
    ) -> NDArray[np.float64]:
        """Columns of a table, a row a station, mixed by the stations' shares: ``(column, ...)``."""
        place, shape = _places(lon, lat)
        mixed = np.empty((table.shape[1], place[0].size))
        nodes = _nodes(self.seed, len(self.stations))
        _mix(nodes, place, np.ascontiguousarray(table, np.float64), mixed)
        return mixed.reshape(table.shape[1], *shape)


def _places(
    lon: ArrayLike, lat: ArrayLike
) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], tuple[int, ...]]:
    """Flat longitudes (-180..180) and latitudes, and the shape to give back."""
    lons, lats = np.broadcast_arrays(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
    return (np.ravel((lons + 180.0) % 360.0 - 180.0), np.array(lats).ravel()), lons.shape


@lru_cache(maxsize=4)
def _nodes(seed: int, stations: int) -> NDArray[np.float32]:
    """Noise of its own for every station: ``(pair of stations, node, 2)``."""
    pairs = -(-stations // CHANNELS)
    return np.stack([noise_nodes(1000 * seed + pair) for pair in range(pairs)])


@kernel
def _mix(nodes, place, table, mixed):  # type: ignore[no-untyped-def]
    """Fill ``mixed`` (column, pixel) from ``table`` (station, column)."""
    lons, lats = place
    stations, columns = table.shape
    field = np.empty(2 * len(nodes))
    for pixel in range(lons.size):
        x, y, z = unit_vector(lons[pixel], lats[pixel])
        for pair in range(len(nodes)):
            field[2 * pair] = field[2 * pair + 1] = 0.0
            frequency = BROADEST
            for octave in range(len(OCTAVES)):
                # the shift keeps the octaves' nodes from meeting at the Moon's centre planes
                shift = 16.37 + 5.71 * octave
                first, second = smooth_noise(
                    x * frequency + shift, y * frequency + shift, z * frequency + shift, nodes[pair]
                )
                field[2 * pair] += OCTAVES[octave] * first
                field[2 * pair + 1] += OCTAVES[octave] * second
                frequency *= LACUNARITY
        least = field[0]
        for station in range(1, stations):
            least = max(least, field[station])
        least -= MARGIN
        total = 0.0
        for station in range(stations):
            above = max(field[station] - least, 0.0)
            field[station] = above * above
            total += above * above
        for column in range(columns):
            value = 0.0
            for station in range(stations):
                value += field[station] / total * table[station, column]
            mixed[column, pixel] = value


@kernel
def _digitise(place, spectra, noise, seed, counts):  # type: ignore[no-untyped-def]
    """Fill ``counts`` (band, pixel) from ``spectra`` in counts: normal noise, then rounding."""
    lons, lats = place
    for pixel in range(lons.size):
        x, y, z = unit_vector(lons[pixel], lats[pixel])
        steps = (round(x * HASH_STEPS), round(y * HASH_STEPS), round(z * HASH_STEPS))
        for band in range(len(spectra)):
            bits = hash_of(int(steps[0]), int(steps[1]), int(steps[2]), 64 * seed + band)
            # two uniform numbers make a normal one (Box & Muller 1958, Ann. Math. Stat. 29, 610)
            radius = (float(bits >> np.uint64(32)) + 1.0) / 2.0**32
            turn = float(bits & np.uint64(0xFFFFFFFF)) / 2.0**32
            normal = math.sqrt(-2.0 * math.log(radius)) * math.cos(2.0 * math.pi * turn)
            counts[band, pixel] = math.floor(spectra[band, pixel] * (1.0 + noise * normal) + 0.5)


def mixture_tile(moon: MixturesMoon, plan: TilePlan) -> NDArray[np.int16]:
    """The counts of an archive tile, ``(band, line, sample)`` int16, null outside its edges."""
    inside = plan.inside()
    lon, lat = (axis[inside] for axis in plan.places())
    image = np.full((len(moon.camera.wavelengths_nm), *inside.shape), moon.null, np.int16)
    image[:, inside] = moon.counts(lon, lat)
    return image


def write_mixtures(
    folder: Path,
    moon: MixturesMoon,
    *,
    ppd: float,
    bbox: tuple[float, float, float, float] | None = None,
    progress: Callable[[int, int], None] = lambda done, todo: None,
) -> None:
    """Write a Moon of mixtures as tiles of its camera's archive.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    moon : MixturesMoon
        As the Clementine UVVIS or the Kaguya MI sees it.
    ppd : float
        Pixels a degree; a whole number for Kaguya, whose tiles are a degree wide.
    bbox : tuple of float, optional
        West, south, east, north: only the tiles that have ground in it. All that the camera
        mapped if none.
    progress : callable, optional
        Told tiles written and all the tiles.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    writers = (
        _kaguya_writers(folder, moon, ppd=round(ppd), bbox=bbox or MAPPED)
        if moon.camera == KAGUYA_MI
        else _clementine_writers(folder, moon, ppd=ppd, bbox=bbox)
    )
    for done, write in enumerate(writers):
        write()
        progress(done + 1, len(writers))


#: West, south, east, north.
_Box = tuple[float, float, float, float]


def _clementine_writers(
    folder: Path, moon: MixturesMoon, *, ppd: float, bbox: _Box | None
) -> list[Callable[[], None]]:
    def write(plan: TilePlan) -> None:
        write_tile(folder / plan.file_name, plan, mixture_tile(moon, plan))

    plans = [plan for plan in tiles(ppd) if bbox is None or plan.touches(bbox)]
    return [partial(write, plan) for plan in plans]


def _kaguya_writers(
    folder: Path, moon: MixturesMoon, *, ppd: int, bbox: _Box
) -> list[Callable[[], None]]:
    def write(plan: KaguyaPlan) -> None:
        write_kaguya_tile(folder, plan, moon.counts(*plan.places()))

    return [partial(write, plan) for plan in kaguya_tiles(ppd, bbox)]
