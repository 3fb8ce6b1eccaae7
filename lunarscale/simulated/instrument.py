"""What the simulated camera makes of the surface: noise, missing ground, and broken counts."""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.bands import CLEMENTINE_UVVIS, KAGUYA_MI, Camera
from lunarscale.flags import NEVER_IMAGED
from lunarscale.simulated.noise import HASH_STEPS, hash_of, kernel, part, unit_vector

#: Largest relative error of a count; the noise is uniform and independent between bands.
NOISE = 0.004

#: Orbits around the Moon, and the height of one frame in degrees.
ORBITS, FRAME_DEG = 132, 1.2

#: Shares of missing strips (15 degrees of an orbit), of missing frames and of broken counts.
STRIPS, FRAMES, BROKEN = 0.03, 0.0006, 1e-4

#: The part of an orbit's width that a missing strip takes.
STRIP_WIDTH = 0.08

#: Beyond this latitude orbits crowd, and none leaves a gap but the polar ones.
ORBITS_TO_LAT = 80.0

#: Where polar gaps begin, and how far the shore noise must rise to make one: south, north.
POLAR_LAT, POLAR_RISE = 86.0, (0.1, 0.35)

#: What broken counts read besides the archive's own special ones: off-scale and unflagged ones.
_UNFLAGGED = {CLEMENTINE_UVVIS.name: (-240, 9000, -32760, 32760), KAGUYA_MI.name: (-240, -1)}


class Instrument(NamedTuple):
    """A camera as ``digitise`` takes it: scale, the count of no ground, what broken counts read."""

    scale: float
    null: int
    broken: NDArray[np.int16]


@cache
def instrument_of(camera: Camera) -> Instrument:
    """The instrument of a camera."""
    null = next(count for count, reason in camera.special.items() if reason == NEVER_IMAGED)
    broken = [count for count in camera.special if count != null]
    counts = np.array([*broken, *_UNFLAGGED[camera.name]], np.int16)
    return Instrument(camera.scale, null, counts)


@part
def _is_missing(lon, lat, shore, seed):  # type: ignore[no-untyped-def]
    """Whether a place was never imaged: a polar gap, a strip of an orbit, a single frame."""
    if abs(lat) > POLAR_LAT:
        rise = POLAR_RISE[1] if lat > 0.0 else POLAR_RISE[0]
        return shore > rise
    if abs(lat) > ORBITS_TO_LAT:
        return False
    track = (lon + 180.0) * (ORBITS / 360.0)
    orbit = math.floor(track)
    if track - orbit < STRIP_WIDTH:
        chance = float(hash_of(orbit, math.floor(lat / 15.0), 1, seed)) / 2.0**64
        if chance < STRIPS:
            return True
    chance = float(hash_of(orbit, math.floor(lat / FRAME_DEG), 2, seed)) / 2.0**64
    return chance < FRAMES


@kernel
def digitise(place, spectra, shores, instrument, counts):  # type: ignore[no-untyped-def]
    """Fill ``counts`` (band, pixel) int16 from ``spectra`` (band, pixel) float32.

    ``place`` holds the longitudes (-180..180) and latitudes, ``shores`` the noise field that
    shapes the polar gaps, each (pixel,); ``instrument`` an ``Instrument``'s parts and the seed.
    """
    lons, lats = place
    scale, null, broken, seed = instrument
    bands = spectra.shape[0]
    for pixel in range(lons.size):
        lon, lat = lons[pixel], lats[pixel]
        if _is_missing(lon, lat, shores[pixel], seed):
            for band in range(bands):
                counts[band, pixel] = null
            continue
        x, y, z = unit_vector(lon, lat)
        steps = (round(x * HASH_STEPS), round(y * HASH_STEPS), round(z * HASH_STEPS))
        bits = hash_of(int(steps[0]), int(steps[1]), int(steps[2]), seed)
        # twelve bits a band: five bands a word
        word = bits
        for band in range(bands):
            if band == 5:
                word = hash_of(int(steps[0]), int(steps[1]), int(steps[2]), seed + 1)
            chance = float((word >> np.uint64(12 * (band % 5))) & np.uint64(0xFFF)) / 2047.5 - 1.0
            count = spectra[band, pixel] * (1.0 + NOISE * chance) / scale
            counts[band, pixel] = math.floor(count + 0.5)
        # a product stirs the bits enough for the few that are broken
        bits = bits * np.uint64(0x9E3779B97F4A7C15)
        if float(bits) / 2.0**64 < BROKEN:
            band = int((bits & np.uint64(0xFFFF)) % np.uint64(bands))
            kind = int((bits >> np.uint64(16) & np.uint64(0xFFFF)) % np.uint64(broken.size))
            counts[band, pixel] = broken[kind]
