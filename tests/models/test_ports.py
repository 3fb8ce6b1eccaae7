"""Which way a graph holds pixels and bands, from the shape that it states."""

import pytest

from lunarscale.models.ports import _possible


@pytest.mark.parametrize(
    ("shape", "layouts"),
    [
        (("n", 5), ["pixel, band"]),
        ((1024, 5), ["pixel, band"]),
        ((5, "n"), ["band, pixel"]),
        ((5, 1024), ["band, pixel"]),
        (("a", "b"), ["pixel, band"]),
        ((5, 5), ["pixel, band", "band, pixel"]),
        (("n", 1, 5), ["pixel, 1, band"]),
        (("n", 5, 1), ["pixel, band, 1"]),
        (("n", 8), []),
        ((8, "n"), []),
    ],
)
def test_the_axis_of_as_many_as_there_are_bands_holds_them(
    shape: tuple[int | str, ...], layouts: list[str]
) -> None:
    assert _possible(shape, "", 5) == layouts
