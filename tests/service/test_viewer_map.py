"""The viewer's map in a browser: what is shown is what the store holds, however one comes there."""

import io
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xarray as xr
from browser_at_hand import until_still
from PIL import Image
from service_at_hand import Live, Tokens

from lunarscale.gazetteer.features import find
from lunarscale.moon import RADIUS_M

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

TYCHO = find("Tycho")

METRES_A_DEGREE = math.pi / 180 * RADIUS_M

#: Far out, and near enough for Tycho to fill a part of the screen.
AT_TYCHO = f"#view=cylindrical&lon={TYCHO.lon}&lat={TYCHO.lat}&kmpx=0.5&map=maps.zarr/FeO"


@pytest.fixture
def url(live_service: Live) -> str:
    """Where the service on the shared data is."""
    return live_service.url


@pytest.fixture(scope="module")
def store(service_data: Path) -> xr.Dataset:
    """The maps as xarray reads them."""
    return xr.open_zarr(service_data / "maps.zarr", chunks=None)


def scene_of(page: "Page") -> dict[str, list[str]]:
    """What the link to share says, which the address says too a moment later."""
    link = until_still(page).evaluate("decodeURIComponent(document.getElementById('link').value)")
    words: dict[str, list[str]] = {}
    for word in link.partition("#")[2].split("&"):
        key, _, value = word.partition("=")
        words.setdefault(key, []).append(value)
    return words


def drawn(page: "Page", *, left: float, right: float) -> Any:
    """The picture's pixels between two shares of its width, as colours (row, col, 3)."""
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), float)
    width = picture.shape[1]
    return picture[:, int(left * width) : int(right * width)]


def readings(page: "Page") -> dict[str, float]:
    """The values on the card, by layer."""
    page.wait_for_selector(".card .readings")
    cells = page.locator(".card td[data-layer]").all()
    return {
        str(cell.get_attribute("data-layer")): float(str(cell.get_attribute("data-value")))
        for cell in cells
    }


def test_it_opens_on_a_map_with_its_legend_and_says_that_it_is_simulated(
    url: str, look: Callable[..., "Page"]
) -> None:
    page = look(url)
    page.wait_for_selector(".legend figure")
    assert page.inner_text(".legend b") == "FeO"
    assert page.inner_text(".simulated") == "SIMULATED DATA"
    assert scene_of(page)["map"] == ["maps.zarr/FeO,1.00"]
    # a map is no single colour: tiles came
    assert drawn(page, left=0.3, right=0.7).std(axis=(0, 1)).max() > 10


def test_layers_are_added_ordered_made_thin_and_taken_away(
    url: str, look: Callable[..., "Page"]
) -> None:
    page = look(url)
    page.click("#open-maps")
    page.select_option("#add-layer", "TiO2")
    page.click("text=Show this map")
    assert page.locator(".map-name b").all_inner_texts() == ["TiO₂", "FeO"]
    page.get_by_label("Opacity of TiO₂ of maps.zarr, per cent").fill("40")
    assert scene_of(page)["map"] == ["maps.zarr/FeO,1.00", "maps.zarr/TiO2,0.40"]
    page.get_by_label("Move TiO₂ of maps.zarr down").click()
    assert scene_of(page)["map"] == ["maps.zarr/TiO2,0.40", "maps.zarr/FeO,1.00"]
    page.get_by_label("Take FeO of maps.zarr away").click()
    assert scene_of(page)["map"] == ["maps.zarr/TiO2,0.40"]
    assert page.inner_text(".legend b") == "TiO₂"


def test_colours_follow_the_palette_and_range_that_are_asked_for(
    url: str, look: Callable[..., "Page"]
) -> None:
    page = look(url, "#view=cylindrical&panel=maps&map=maps.zarr/FeO")
    page.locator(".colour-control summary").click()
    palette = page.get_by_label("Palette of FeO of maps.zarr")
    page.wait_for_selector(".colour-control option:nth-child(2)", state="attached")
    other = palette.evaluate("list => [...list.options].find(one => !one.selected).value")
    palette.select_option(other)
    low, high = page.locator(".colour-control input").all()
    high.fill("50")
    high.press("Enter")
    page.wait_for_selector(".legend .ends:has-text('50')")
    (shown,) = scene_of(page)["map"]
    assert re.fullmatch(rf"maps\.zarr/FeO,1\.00,{other},[-\d.]+,50", shown)
    low.fill("99")
    low.press("Enter")
    assert page.locator(".colour-control [role=alert]").is_visible()
    page.click("text=Back to the layer's own")
    assert scene_of(page)["map"] == ["maps.zarr/FeO,1.00"]


def test_the_swipes_line_has_one_map_on_each_side(url: str, look: Callable[..., "Page"]) -> None:
    two = "&map=maps.zarr/FeO&map=maps.zarr/TiO2"
    page = look(url, f"#view=cylindrical&show=nothing&swipe=0.5{two}")
    # between what stands above and below the map
    both, top, lower = (
        drawn(each, left=0, right=1)[200:500]
        for each in (
            page,
            look(url, f"#view=cylindrical&show=nothing{two}"),
            look(url, "#view=cylindrical&show=nothing&map=maps.zarr/FeO"),
        )
    )
    left, right = slice(128, 512), slice(768, 1024)

    def differ(other: Any, part: slice) -> float:
        return float(np.abs(both[:, part] - other[:, part]).mean())

    assert differ(lower, left) < 1 < 10 < differ(top, left)
    assert differ(top, right) < 1 < 10 < differ(lower, right)
    page.focus(".swipe-grip")
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    assert scene_of(page)["swipe"] == ["0.400"]


def test_the_south_pole_is_shown_and_has_a_scale_of_its_own(
    url: str, look: Callable[..., "Page"]
) -> None:
    page = look(url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.click("[aria-label='South pole']")
    found = scene_of(page)
    assert found["view"] == ["south"]
    # none of the view that was left: bending them into this one never ends where there is no WebGL
    tiles = [each for each in asked if "/tiles/" in each]
    assert tiles
    assert all("/tiles/MoonSouthPolar/" in each for each in tiles), tiles
    assert float(found["lat"][0]) < -89.9
    page.wait_for_selector(".scale .length:has-text('km')")
    length_km = float(page.inner_text(".scale .length").split()[0].replace(",", ""))
    width_px = float(
        page.evaluate("document.querySelector('.length-bar').style.width.slice(0, -2)")
    )
    # true to scale at the pole: the address's kilometres a pixel are the ground's
    assert length_km / width_px == pytest.approx(float(found["kmpx"][0]), rel=1e-3)
    page.wait_for_url(page.input_value("#link"))
    page.reload()  # the address brings back what is shown
    assert scene_of(page)["view"] == ["south"]
    assert drawn(page, left=0.45, right=0.65)[200:600].std(axis=(0, 1)).max() > 5
    # tiles are squares, but beyond their parallel there is sky
    assert drawn(page, left=0, right=1)[95:105, 373:383].max() < 45


def test_a_click_on_tycho_reads_what_the_store_holds(
    url: str, look: Callable[..., "Page"], store: xr.Dataset
) -> None:
    page = look(url, AT_TYCHO)
    box = page.evaluate("document.querySelector('.crosshair').style.cssText.match(/[\\d.]+/g)")
    page.mouse.click(float(box[0]) + 9, float(box[1]) - 7)
    found = readings(page)
    lon, lat = map(float, scene_of(page)["point"][0].split(","))
    assert abs(lon - TYCHO.lon) < 0.5
    assert "in Tycho" in page.inner_text(".card")
    here = store.sel(lon=lon, lat=lat, method="nearest")
    assert {"FeO", "TiO2"} <= found.keys()
    for layer, value in found.items():
        assert value == pytest.approx(float(here[layer]), abs=1e-5), layer
    assert "wt %" in page.inner_text(".card").replace("\xa0", " ")


def test_the_seam_is_no_seam(url: str, look: Callable[..., "Page"]) -> None:
    at = "#view=cylindrical&lon={}&lat=0&kmpx=3&show=nothing&map=maps.zarr/FeO"
    here, there = (look(url, at.format(lon)) for lon in (180, 175))
    moved = round(5 * METRES_A_DEGREE / 3000)
    middle = 76 + (1280 - 76) // 2  # right of the rail
    one = drawn(here, left=0, right=1)[200:500, middle - 300 : middle + 300]
    other = drawn(there, left=0, right=1)[200:500, middle - 300 + moved : middle + 300 + moved]
    # the sky is darker than any colour of a map
    assert (one.max(axis=2) < 45).mean() < 0.05
    assert np.abs(one - other).mean() < 4


def test_a_link_gives_the_whole_view_back(url: str, look: Callable[..., "Page"]) -> None:
    link = (
        "#view=north&lon=40.5&lat=78.25&kmpx=1.5&map=maps.zarr/FeO,0.80&map=maps.zarr/TiO2,1.00"
        "&swipe=0.300&show=names&panel=measure&point=41,79"
        "&polygon=10,80;60,80;60,70;10,70&line=0,75;90,75"
    )
    page = look(url, link)
    page.wait_for_selector(".card .readings")
    found = scene_of(page)
    for word in link[1:].split("&"):
        key, _, value = word.partition("=")
        if key in ("lon", "lat", "kmpx"):
            assert float(found[key][0]) == pytest.approx(float(value), abs=1e-3)
        else:
            assert value in found[key]
    assert page.locator("#panel-measure").is_visible()
    assert page.input_value("#typed-line").splitlines() == ["0, 75", "90, 75"]


def test_the_token_leaves_the_address_and_stays_with_the_tab(
    url: str, look: Callable[..., "Page"], tokens: Tokens
) -> None:
    page = look(url, f"#token={tokens.run}&view=south")
    assert tokens.run not in page.url
    assert scene_of(page)["view"] == ["south"]
    assert page.evaluate("Object.values(sessionStorage)") == [tokens.run]
    assert page.evaluate("localStorage.length") == 0
    page.click("#open-share")
    assert tokens.run not in page.input_value("#link")
    page.reload()
    with page.expect_request("**/api/jobs") as asked:
        page.click("#open-jobs")
    assert asked.value.headers["authorization"] == f"Bearer {tokens.run}"


def test_all_can_be_done_by_keys(url: str, look: Callable[..., "Page"], store: xr.Dataset) -> None:
    page = look(url)
    page.keyboard.press("Tab")
    for name in ("maps", "places"):
        assert page.evaluate("document.activeElement.id") == f"open-{name}"
        page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "title-places"
    while page.evaluate("document.activeElement.id") != "search":
        page.keyboard.press("Tab")
    page.keyboard.type("tycho")
    page.wait_for_selector(".results button")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "open-places"
    while page.evaluate("document.activeElement.id") != "map":
        page.keyboard.press("Tab")
    assert page.locator(".crosshair").is_visible()
    before = scene_of(page)
    for key in ("ArrowRight", "+"):
        link = page.input_value("#link")
        page.keyboard.press(key)
        page.wait_for_function("was => document.getElementById('link').value !== was", arg=link)
    after = scene_of(page)
    assert float(after["lon"][0]) > float(before["lon"][0])
    assert float(after["kmpx"][0]) == pytest.approx(float(before["kmpx"][0]) / 2, rel=1e-3)
    page.keyboard.press("Enter")
    found = readings(page)
    lon, lat = map(float, scene_of(page)["point"][0].split(","))
    assert found["FeO"] == pytest.approx(
        float(store["FeO"].sel(lon=lon, lat=lat, method="nearest")), abs=1e-5
    )
    page.keyboard.press("Escape")
    assert not page.locator(".card").is_visible()


def test_a_phone_has_sheets_that_leave_the_map_to_be_seen(
    url: str, look: Callable[..., "Page"], tokens: Tokens
) -> None:
    page = look(url, f"{AT_TYCHO}&token={tokens.run}", width=375, height=740, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    for name in ("maps", "places", "measure", "jobs", "share"):
        page.tap(f"#open-{name}")
        box = page.locator(f"#panel-{name}").bounding_box()
        assert box is not None
        assert box["width"] == 375
        assert box["y"] > 740 * 0.35
        assert (
            page.evaluate(f"document.querySelector('#panel-{name} .panel-body').scrollWidth") <= 375
        )
    page.tap("#open-share")
    page.touchscreen.tap(187, 250)
    assert readings(page)


def test_the_picture_is_the_map_with_a_strip_to_read_it_by(
    url: str, look: Callable[..., "Page"], tmp_path: Path
) -> None:
    page = look(url, "#view=cylindrical&map=maps.zarr/FeO&panel=share")
    with page.expect_download() as download:
        page.click("text=Save the picture")
    download.value.save_as(tmp_path / "moon.png")
    picture = Image.open(tmp_path / "moon.png").convert("RGB")
    assert picture.width == 1280
    assert picture.height > 800
    pixels = np.asarray(picture, float)
    assert pixels[200:600].std(axis=(0, 1)).max() > 10
    # the legend's colours, and the amber of what is simulated
    strip = pixels[800:].reshape(-1, 3)
    assert len(np.unique(strip, axis=0)) > 60
    assert (np.abs(strip - [255, 211, 122]).max(axis=1) < 6).any()


def test_a_polygon_of_two_corners_is_told_what_it_lacks(
    url: str, look: Callable[..., "Page"]
) -> None:
    page = look(url, "#view=cylindrical&map=maps.zarr/FeO&panel=measure")
    page.locator("#panel-measure summary").first.click()
    page.fill("#typed-polygon", "1, 2\n3, 4")
    page.click("text=Get statistics")
    assert "three corners or more" in page.inner_text("#panel-measure .error")
