"""Outlines of long edges side by side, whose check takes as the square of them: refused at once."""

import json
from pathlib import Path

import numpy as np
import pytest
from drawn_at_hand import polygon

from lunarscale.errors import RegionError
from lunarscale.grid.polygons import PolygonGrouping
from lunarscale.service.queries.drawn import drawn_polygon
from lunarscale.service.trial import read_polygons

#: What a request and an upload may have at most here.
MOST = 60_000


def comb(teeth: int, *, slant: float) -> bytes:
    """Teeth from 60 degrees south to 60 north; their tips lie so much further east."""
    foot = np.linspace(-100.0, 0.0, teeth)
    zigzag = np.empty((2 * teeth, 2))
    zigzag[::2] = np.column_stack([foot, np.full(teeth, -60.0)])
    zigzag[1::2] = np.column_stack([foot + slant, np.full(teeth, 60.0)])
    return json.dumps(polygon([*zigzag.tolist(), [1.0 + slant, -61.0], [-101.0, -61.0]])).encode()


def coast(places: int) -> bytes:
    """The shore of a round sea with bays in its bays, down to its places."""
    turn = np.linspace(0.0, 2.0 * np.pi, places, endpoint=False)
    waves = 5 ** np.arange(1.0, 7.0)
    reach = 20.0 + (8.0 * np.sin(np.outer(turn, waves)) / waves**0.8).sum(axis=1)
    shore = np.column_stack([reach * np.cos(turn) - 20.0, reach * np.sin(turn) + 30.0])
    return json.dumps(polygon(shore.tolist())).encode()


def uploaded(body: bytes, folder: Path) -> None:
    """Read it as an upload is."""
    file = folder / "drawn.geojson"
    file.write_bytes(body)
    read_polygons(file, MOST)


def test_a_comb_of_slanted_teeth_is_refused_with_the_limit(tmp_path: Path) -> None:
    body = comb(2_000, slant=60.0)
    with pytest.raises(RegionError, match=r"4,002 edges .* more than 1,000 others on average"):
        drawn_polygon(body, most=MOST)
    with pytest.raises(RegionError, match=r"4,002 edges .* more than 1,000 others on average"):
        uploaded(body, tmp_path)


@pytest.mark.parametrize("body", [
    coast(50_000), comb(2_000, slant=1e-4), comb(400, slant=60.0)
], ids=["a coast of 50,000 places", "upright teeth", "a few slanted ones"])  # fmt: skip
def test_what_is_soon_checked_is_taken(body: bytes, tmp_path: Path) -> None:
    assert isinstance(drawn_polygon(body, most=MOST), PolygonGrouping)
    uploaded(body, tmp_path)
