"""Whether both sides of the comparison draw the same: pictures pixel by pixel.

About a pole a coarse tile is not the same: GDAL's warper goes by the shortest edge of the map's
pixels, which are narrow there, and takes single ones where means are due. There both sides are held
against the true means instead.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.service.tile_servers import Shown
from benchmarks.service.true_means import off_the_means
from lunarscale.service.tiles.colours import colours_of
from lunarscale.service.tiles.matrices import Tile

#: Colours of the palette, of 255, by which a pixel may differ where both took a mean of the map's:
#: GDAL rounds each level's means, and weighs all rows alike.
STEPS = 2

#: Share of pixels that may be otherwise; and about a pole, where GDAL warps titiler's by an
#: approximation that is an eighth of a pixel off.
OTHERWISE, WARPED = 0.0005, 0.06

#: Share by which ours may be farther from the true means than theirs: what warping decides.
AS_NEAR = 0.01

#: A picture's bytes by its path.
Fetch = Callable[[str], bytes]


@dataclass(frozen=True)
class Differences:
    """How far both sides agree.

    Parameters
    ----------
    tiles : int
        That were held against each other.
    at_native, coarser : float
        Share of the pixels that differ: where the map's own pixels are shown at all, elsewhere by
        more than ``STEPS`` colours.
    allowed : float
        Share that may.
    off_means : (float, float) or None
        Of coarser tiles about a pole: how far ours and theirs are from the true means, in colours.
    """

    tiles: int
    at_native: float
    coarser: float
    allowed: float
    off_means: tuple[float, float] | None = None

    @property
    def is_same(self) -> bool:
        """Whether they draw the same map, or ours is nearer to it."""
        if self.off_means is None:
            return max(self.at_native, self.coarser) <= self.allowed
        ours, theirs = self.off_means
        return self.at_native <= self.allowed and ours <= theirs * (1.0 + AS_NEAR)


def compare(
    shown: Shown, tiles: Sequence[Tile], *, ours: Fetch, theirs: Fetch, native: int
) -> Differences:
    """Hold both sides' pictures of some tiles against each other.

    Parameters
    ----------
    shown : Shown
    tiles : sequence of Tile
        Of one set.
    ours, theirs : callable
    native : int
        The first zoom that shows the map's own pixels.
    """
    shares: dict[bool, list[float]] = {True: [], False: []}
    off_means: list[tuple[float, float]] = []
    for tile in tiles:
        own, other = _shades(ours(shown.ours(tile))), _shades(theirs(shown.titilers(tile)))
        is_native = tile.zoom >= native
        off = np.abs(own - other) > (0 if is_native else STEPS)
        shares[is_native].append(float(off.mean()))
        if tile.set.pole is not None and not is_native:
            sides = own.astype(np.float64), other.astype(np.float64)
            off_means.append(off_the_means(shown, tile, sides))
    at_native, coarser = (float(np.mean(shares[key] or [0.0])) for key in (True, False))
    allowed = OTHERWISE if tiles[0].set.pole is None else WARPED
    means = None
    if off_means:
        ours_off, theirs_off = np.sqrt(np.mean(np.square(off_means), axis=0)).tolist()
        means = (ours_off, theirs_off)
    return Differences(len(tiles), at_native, coarser, allowed, means)


def _shades(blob: bytes) -> NDArray[np.int64]:
    """Each pixel's place in the palette, of which both have the same colours; -99 where clear."""
    with Image.open(io.BytesIO(blob)) as picture:
        shown = np.asarray(picture.convert("RGBA")).astype(np.int64)
    known, places = np.unique(_packed(colours_of("batlow").astype(np.int64)), return_index=True)
    seen = _packed(shown)
    at = np.minimum(np.searchsorted(known, seen), known.size - 1)
    is_clear = shown[:, :, 3] == 0
    if not np.array_equal(known[at][~is_clear], seen[~is_clear]):
        raise ValueError("a picture has colours that are none of the palette's")
    return np.where(is_clear, -99, places[at])


def _packed(colours: NDArray[np.int64]) -> NDArray[np.int64]:
    """Three colours as one number."""
    return np.asarray(colours[..., 0] << 16 | colours[..., 1] << 8 | colours[..., 2])
