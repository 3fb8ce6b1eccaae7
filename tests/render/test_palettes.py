"""Palettes: one a quantity, even in lightness, far from the grey of no-data."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from lunarscale.quantities import QUANTITIES
from lunarscale.render.palettes import NO_DATA_COLOUR, palette_of, quantity_of


def cielab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE L*a*b* (D65) of sRGB colours (IEC 61966-2-1; CIE 15)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = linear @ np.array(to_xyz).T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def colours(layer: str) -> NDArray[np.float64]:
    return palette_of(layer)(np.linspace(0.0, 1.0, 256))[:, :3]


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_lightness_rises_or_falls_throughout(quantity: str) -> None:
    steps = np.diff(cielab(colours(quantity))[::8, 0])
    assert (steps > 0).all() or (steps < 0).all()


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_no_data_grey_is_no_colour_of_the_palette(quantity: str) -> None:
    grey = cielab(np.array(NO_DATA_COLOUR))
    assert np.linalg.norm(cielab(colours(quantity)) - grey, axis=-1).min() > 15.0
    assert to_rgb(palette_of(quantity).get_bad()) == pytest.approx(NO_DATA_COLOUR)


def test_each_quantity_has_its_own_palette() -> None:
    alone = [name for name in QUANTITIES if not name.endswith(("_lower", "_upper"))]
    assert len({palette_of(quantity).name for quantity in alone}) == len(alone)


@pytest.mark.parametrize("end", ["lower", "upper"])
def test_the_ends_of_an_interval_are_drawn_as_the_oxide(end):
    assert palette_of(f"FeO_{end}").name == palette_of("FeO").name


@pytest.mark.parametrize(
    ("layer", "quantity"),
    [
        ("FeO", "FeO"),
        ("FeO_lucey_2000", "FeO"),
        ("Mg_number", "Mg_number"),
        ("Mg_number_two", "Mg_number"),
        ("theta_Fe", "theta_Fe"),
        ("FeOx", "FeOx"),
        ("slope", "slope"),
    ],
)
def test_a_layer_shows_its_quantity(layer: str, quantity: str) -> None:
    assert quantity_of(layer) == quantity
