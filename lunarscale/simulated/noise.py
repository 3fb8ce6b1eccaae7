"""Chance that depends on nothing but the place: smooth noise in space, and a hash of a place.

Both work on the unit sphere in three dimensions, so there is no seam and no pole.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lunarscale.grid.compiling import LOOP, PART

#: Nodes along a side of the noise's cube, after which it repeats (a power of two).
SIDE = 32

#: Independent fields of smooth noise that one look-up gives.
CHANNELS = 2

#: Frequency (cells a unit of length) of the broadest noise, and the ratio between octaves.
BROADEST, LACUNARITY = 2.0, 3.0

#: Steps a unit of length in which a place is hashed: 2.6 cm on the Moon.
HASH_STEPS = 2.0**26


def noise_nodes(seed: int) -> NDArray[np.float32]:
    """Values of the noise at its nodes, uniform in -1..1, ``(SIDE**3, CHANNELS)`` float32."""
    values = np.random.default_rng([seed, 0]).random((SIDE**3, CHANNELS)) * 2.0 - 1.0
    return values.astype(np.float32)


def octave_weights(detail_deg: float, persistence: tuple[float, ...]) -> NDArray[np.float32]:
    """Weights of the octaves down to the finest wanted detail, ``(octave, field)`` float32.

    Parameters
    ----------
    detail_deg : float
        No octave has cells under two of these.
    persistence : tuple of float
        Ratio of the weights of successive octaves, one a field.
    """
    finest = 1.0 / (2.0 * math.radians(detail_deg))
    octaves = max(1, 1 + math.floor(math.log(finest / BROADEST) / math.log(LACUNARITY)))
    weights: NDArray[np.float64] = np.array(persistence) ** np.arange(octaves)[:, None]
    return weights.astype(np.float32)


#: How every loop of the simulated Moon is compiled. Small functions are drawn into their
#: callers: a call that passes an array costs two atomic operations, as much as its arithmetic.
#: Fused multiply-adds are allowed (a quarter faster); no loop over pixels vectorises, so that
#: every pixel still goes through the same instructions, however the pixels are split.
_HOW: dict[str, Any] = {"error_model": "numpy", "forceinline": True, "fastmath": {"contract"}}

#: Makes a loop over pixels, which Python calls, and what only such loops call.
kernel, part = njit(**LOOP, **_HOW), njit(**PART, **_HOW)


@part
def _blend(nodes, channel, corners, shares):  # type: ignore[no-untyped-def]
    """Trilinear mixture of one channel at eight corners: four columns, each at two heights."""
    (a, b, c, d, low, high), (u, v, w) = corners, shares
    p, q = nodes[a + low, channel], nodes[b + low, channel]
    r, s = nodes[c + low, channel], nodes[d + low, channel]
    p += (nodes[a + high, channel] - p) * w
    q += (nodes[b + high, channel] - q) * w
    r += (nodes[c + high, channel] - r) * w
    s += (nodes[d + high, channel] - s) * w
    p += (q - p) * v
    r += (s - r) * v
    return p + (r - p) * u


@part
def smooth_noise(x, y, z, nodes):  # type: ignore[no-untyped-def]
    """Both channels of smooth noise, each in -1..1, at a place in cells."""
    fx, fy, fz = math.floor(x), math.floor(y), math.floor(z)
    u, v, w = np.float32(x - fx), np.float32(y - fy), np.float32(z - fz)
    two, three = np.float32(2.0), np.float32(3.0)
    shares = u * u * (three - two * u), v * v * (three - two * v), w * w * (three - two * w)
    # unsigned, so that numba need not ask for negative indices
    one, side, last = np.uint64(1), np.uint64(SIDE), np.uint64(SIDE - 1)
    x0, y0, z0 = np.uint64(fx) & last, np.uint64(fy) & last, np.uint64(fz) & last
    x1, y1, z1 = (x0 + one) & last, (y0 + one) & last, (z0 + one) & last
    a, b = (x0 * side + y0) * side, (x0 * side + y1) * side
    c, d = (x1 * side + y0) * side, (x1 * side + y1) * side
    corners = (a, b, c, d, z0, z1)
    return _blend(nodes, 0, corners, shares), _blend(nodes, 1, corners, shares)


@part
def hash_of(first, second, third, seed):  # type: ignore[no-untyped-def]
    """64 well-mixed bits of three integers and a seed (the finaliser of splitmix64)."""
    bits = np.uint64(seed)
    for part in (np.uint64(first), np.uint64(second), np.uint64(third)):
        bits = (bits ^ part) + np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits = bits ^ (bits >> np.uint64(31))
    return bits


@part
def unit_vector(lon, lat):  # type: ignore[no-untyped-def]
    """x, y, z on the unit sphere of a longitude and latitude in degrees."""
    lam, phi = math.radians(lon), math.radians(lat)
    across = math.cos(phi)
    return across * math.cos(lam), across * math.sin(lam), math.sin(phi)
