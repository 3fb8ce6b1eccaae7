"""The simulated Moon: its reflectance, counts and composition, at any place and resolution.

Seas, highlands, craters and texture are a pure function of place and seed, so that any way of
splitting an evaluation gives the same bits. The spectra are mixtures of the spectra of the real
sampling stations; a soil's maturity moves it along the line through the camera's origin
(``spectra.ORIGINS``), along which iron does not change (Lucey et al. 2000, JGR 105, 20377). Every
camera sees the same seas, mixtures, craters and gaps.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lunarscale.bands import CLEMENTINE_UVVIS, Camera
from lunarscale.simulated import craters as c
from lunarscale.simulated import soils as s
from lunarscale.simulated.instrument import digitise, instrument_of
from lunarscale.simulated.noise import (
    BROADEST,
    LACUNARITY,
    kernel,
    noise_nodes,
    octave_weights,
    part,
    smooth_noise,
    unit_vector,
)
from lunarscale.simulated.spectra import BASE, ORIGINS

#: The seed of the Moon that everybody sees: the year of Clementine.
SEED = 1994

#: Finest detail by default, degrees.
DETAIL_DEG = 0.1

#: Weights of the octaves fade to finer scales by these: shores and brightness are made of the
#: noise's first channel, titanium and maturity of the second, one broad and one fine of each.
SHORE, TONE, TITANIUM, MATURITY = range(4)
PERSISTENCE = (0.8, 0.9, 0.55, 0.9)

#: How far the shores' noise bends them, against a sea's radius.
SHORES = 0.45

#: Rows of the sea table after the seas.
_LAKES, _BASIN = -2, -1


class Truth(NamedTuple):
    """What the simulated surface is made of; arrays of the shape of the places.

    Parameters
    ----------
    sea : ndarray of int16
        Number of the sea in ``lunarscale.moon.SEAS``, from 1; 0 outside the seas.
    lava : ndarray of float32
        Share of lava in the soil, 0-1.
    FeO, TiO2 : ndarray of float32
        The mixture of the stations' soils, wt %.
    """

    sea: NDArray[np.int16]
    lava: NDArray[np.float32]
    FeO: NDArray[np.float32]
    TiO2: NDArray[np.float32]


class World(NamedTuple):
    """Everything that seed, detail and camera determine, as the kernels take it."""

    nodes: NDArray[np.float32]
    weights: NDArray[np.float32]
    soils: NDArray[np.float64]
    origin: float
    origin_ratios: NDArray[np.float64]
    seas: NDArray[np.float64]
    sea_starts: NDArray[np.int32]
    sea_members: NDArray[np.int32]
    craters: NDArray[np.float64]
    crater_starts: NDArray[np.int32]
    crater_members: NDArray[np.int32]


@lru_cache(maxsize=4)
def _world(seed: int, detail_deg: float, camera: Camera) -> World:
    sea_rows, sea_caps = s.sea_table()
    crater_rows, crater_caps = c.craters(seed, detail_deg)
    origin = ORIGINS[camera.name]
    return World(
        noise_nodes(seed),
        octave_weights(detail_deg, PERSISTENCE),
        s.soil_table(camera),
        origin.reflectance,
        np.array(origin.ratios),
        sea_rows,
        *c.index_caps(sea_caps),
        crater_rows,
        *c.index_caps(crater_caps),
    )


@part
def _smoothstep(x):  # type: ignore[no-untyped-def]
    x = min(max(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


@part
def _bin_of(lon, lat):  # type: ignore[no-untyped-def]
    """Number of the index's bin (``craters.index_caps``) that holds a place."""
    band = min(int((lat + 90.0) * (c.BANDS / 180.0)), c.BANDS - 1)
    turn = min(int((lon + 180.0) * (c.BANDS / 180.0)), 2 * c.BANDS - 1)
    return band * 2 * c.BANDS + turn


@part
def _texture(world, place):  # type: ignore[no-untyped-def]
    """The four fields of smooth noise at a place: shore, tone, titanium, maturity."""
    x, y, z = place
    shore = tone = titanium = maturity = 0.0
    frequency = BROADEST
    for octave in range(len(world.weights)):
        # the shift keeps the octaves' nodes from meeting at the Moon's centre planes
        shift = 16.37 + 5.71 * octave
        first, second = smooth_noise(
            x * frequency + shift, y * frequency + shift, z * frequency + shift, world.nodes
        )
        shore += world.weights[octave, SHORE] * first
        tone += world.weights[octave, TONE] * first
        titanium += world.weights[octave, TITANIUM] * second
        maturity += world.weights[octave, MATURITY] * second
        frequency *= LACUNARITY
    return shore, tone, titanium, maturity


@part
def _offset(rows, row, place):  # type: ignore[no-untyped-def]
    """Way east and north to a place from the centre of a row's frame: its chord's parts."""
    x, y, z = place
    cosine = rows[row, c.X] * x + rows[row, c.Y] * y + rows[row, c.Z] * z
    scale = math.sqrt(2.0 / max(1.0 + cosine, 1e-9))
    east = rows[row, c.EAST_X] * x + rows[row, c.EAST_Y] * y
    north = rows[row, c.NORTH_X] * x + rows[row, c.NORTH_Y] * y + rows[row, c.NORTH_Z] * z
    return scale * east, scale * north


@part
def _depth(seas, row, place, shore):  # type: ignore[no-untyped-def]
    """How far inside a sea's shore a place is, in Moon radii; below zero outside."""
    east, north = _offset(seas, row, place)
    north /= seas[row, s.STRETCH]
    radius = seas[row, s.RADIUS]
    # the shores of a large sea bend more than those of a small one, but not without end
    return radius - math.sqrt(east * east + north * north) + SHORES * min(radius, 0.3) * shore


@part
def _sea_at(world, place, bin_, shore):  # type: ignore[no-untyped-def]
    """Row of the sea that a place lies deepest in, and that depth."""
    deepest, sea = -1.0, 0
    for entry in range(world.sea_starts[bin_], world.sea_starts[bin_ + 1]):
        row = world.sea_members[entry]
        depth = _depth(world.seas, row, place, shore)
        if depth > deepest:
            deepest, sea = depth, int(row)
    return sea, deepest


@part
def _craters_at(world, place, bin_):  # type: ignore[no-untyped-def]
    """Freshness (0-1), brightness of the relief and share of a crater's own lava at a place."""
    x, y, z = place
    rows = world.craters
    fresh, relief, flood = 0.0, 0.0, 0.0
    for entry in range(world.crater_starts[bin_], world.crater_starts[bin_ + 1]):
        row = world.crater_members[entry]
        square = 2.0 - 2.0 * (rows[row, c.X] * x + rows[row, c.Y] * y + rows[row, c.Z] * z)
        radius, reach = rows[row, c.RADIUS], rows[row, c.REACH]
        if square >= reach * reach:
            continue
        distance = math.sqrt(max(square, 1e-18))
        t = distance / radius
        inside = _smoothstep((1.05 - t) / 0.15)
        relief += 0.08 * max(0.0, 1.0 - 5.0 * abs(t - 1.0)) - 0.05 * inside
        flood = max(flood, rows[row, c.FLOOD] * _smoothstep((0.9 - t) / 0.1))
        window = 1.0 - distance / reach
        glow = 0.9 * window / max(t * t, 1.0)
        if t > 1.0 and rows[row, c.FRESH] >= c.RAYED_FROM:
            # rays are noise on a circle around the crater, its peaks kept
            east, north = _offset(rows, row, place)
            turn = 4.0 / distance
            peaks, _ = smooth_noise(turn * east, turn * north, 1.37 * row, world.nodes)
            glow += window * _smoothstep(1.4 * peaks + 0.25) / math.sqrt(t)
        fresh += rows[row, c.FRESH] * glow
    return min(fresh, 1.0), relief, flood


@kernel
def _evaluate(world, lons, lats, spectra, made_of):  # type: ignore[no-untyped-def]
    """Fill ``spectra`` (band, pixel) and ``made_of`` (5, pixel): sea, lava, FeO, TiO2, shore."""
    bands = world.origin_ratios.size
    soil = np.empty(bands + 2)
    for pixel in range(lons.size):
        lon, lat = lons[pixel], lats[pixel]
        place = unit_vector(lon, lat)
        bin_ = _bin_of(lon, lat)
        shore, tone, titanium, maturity = _texture(world, place)
        sea, depth = _sea_at(world, place, bin_, shore)
        fresh, relief, flood = _craters_at(world, place, bin_)
        lava = _smoothstep(depth / 0.02)
        number = sea + 1 if lava > 0.5 else 0
        if flood > lava:
            sea, lava = len(world.seas) + _LAKES, flood
        basin = 0.5 * _smoothstep(
            _depth(world.seas, len(world.seas) + _BASIN, place, shore) / 0.2 + 0.3
        )
        kind = min(max(0.8 * titanium, -1.0), 1.0)
        other = 1 if kind > 0.0 else 2
        rich = _smoothstep(world.seas[sea, s.RICH] + 0.9 * titanium)
        poor_row = int(world.seas[sea, s.POOR])
        rich_row = int(world.seas[sea, s.RICH_STATION])
        for field in range(bands + 2):
            high = world.soils[0, field] * (1.0 - abs(kind)) + world.soils[other, field] * abs(kind)
            high += basin * (world.soils[3, field] - high)
            low = world.soils[poor_row, field]
            low += rich * (world.soils[rich_row, field] - low)
            soil[field] = high + lava * (low - high)
        # maturity: towards the hypermature origin or away from it
        away = max(1.0 + 0.12 * maturity + 0.6 * fresh, 0.7)
        near = world.origin + away * (soil[BASE] - world.origin)
        bright = (1.0 + 0.08 * tone + relief) * near
        per_base = 1.0 / soil[BASE]
        for field in range(bands):
            limit = world.origin_ratios[field]
            ratio = limit + away * (soil[field] * per_base - limit)
            spectra[field, pixel] = bright * ratio
        made_of[0, pixel] = number
        made_of[1, pixel] = lava
        made_of[2, pixel] = soil[bands]
        made_of[3, pixel] = soil[bands + 1]
        made_of[4, pixel] = shore


class _Made(NamedTuple):
    """Flat places with what is there, and the shape to give back."""

    place: tuple[NDArray[np.float64], NDArray[np.float64]]
    spectra: NDArray[np.float32]
    made_of: NDArray[np.float32]
    shape: tuple[int, ...]


def _make(lon: ArrayLike, lat: ArrayLike, camera: Camera, *, seed: int, detail_deg: float) -> _Made:
    lons, lats = np.broadcast_arrays(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
    # the formula of moon.normalise_longitude, for arrays
    place = (np.ravel((lons + 180.0) % 360.0 - 180.0), np.array(lats).ravel())
    spectra = np.empty((len(camera.wavelengths_nm), lons.size), np.float32)
    made_of = np.empty((5, lons.size), np.float32)
    _evaluate(_world(seed, detail_deg, camera), *place, spectra, made_of)
    return _Made(place, spectra, made_of, lons.shape)


def reflectance(
    lon: ArrayLike,
    lat: ArrayLike,
    camera: Camera = CLEMENTINE_UVVIS,
    *,
    seed: int = SEED,
    detail_deg: float = DETAIL_DEG,
) -> NDArray[np.float32]:
    """Reflectance of the simulated surface in a camera's bands.

    Parameters
    ----------
    lon, lat : array_like
        Degrees east (any turn) and north, broadcast against each other.
    camera : Camera
    seed : int
        Another seed is another Moon; the seas and their lavas stay where they are.
    detail_deg : float
        Finest detail in degrees: the size of the pixels that the places are centres of.

    Returns
    -------
    ndarray of float32, (band, ...)
        Fractions, as the camera would see them without noise or gaps.
    """
    made = _make(lon, lat, camera, seed=seed, detail_deg=detail_deg)
    return made.spectra.reshape(-1, *made.shape)


def counts(
    lon: ArrayLike,
    lat: ArrayLike,
    camera: Camera = CLEMENTINE_UVVIS,
    *,
    seed: int = SEED,
    detail_deg: float = DETAIL_DEG,
) -> NDArray[np.int16]:
    """Counts of the simulated camera: the surface with noise, gaps and broken counts.

    Parameters are those of ``reflectance``.

    Returns
    -------
    ndarray of int16, (band, ...)
        The camera's counts with its archive's special values.
    """
    made = _make(lon, lat, camera, seed=seed, detail_deg=detail_deg)
    filled = np.empty(made.spectra.shape, np.int16)
    digitise(made.place, made.spectra, made.made_of[4], (*instrument_of(camera), seed), filled)
    return filled.reshape(-1, *made.shape)


def simulated_truth(
    lon: ArrayLike, lat: ArrayLike, *, seed: int = SEED, detail_deg: float = DETAIL_DEG
) -> Truth:
    """What the simulated surface is made of; parameters are those of ``reflectance``."""
    made = _make(lon, lat, CLEMENTINE_UVVIS, seed=seed, detail_deg=detail_deg)
    sea, lava, feo, tio2 = (layer.reshape(made.shape) for layer in made.made_of[:4])
    return Truth(sea.astype(np.int16), lava, feo, tio2)
