"""What the viewer has done by the service: statistics, profiles, jobs; and what it says of them."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import xarray as xr
from jobs_at_hand import Gate
from service_at_hand import Live, Tokens, serving, settings_for

from lunarscale.steps.summarise import summarise

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

#: The middle of what nothing covers of a page of 1280 x 800 with an open panel.
MIDDLE = 416 + (1280 - 416) // 2, 400


@pytest.fixture
def workshop(service_data: Path, tokens: Tokens, tmp_path: Path) -> Iterator[Live]:
    """A service whose data may be written."""
    shutil.copytree(service_data, tmp_path / "data")
    with serving(settings_for(tmp_path / "data"), tokens.kept) as live:
        yield live


def form_of(page: "Page", shape: str) -> "Locator":
    """The part of the panel that measures a polygon or a line."""
    return page.locator("#panel-measure form").filter(has=page.locator(f"#typed-{shape}"))


def draw(page: "Page", shape: str, corners: list[tuple[int, int]]) -> None:
    """Draw by the mouse, corners from the middle in pixels."""
    form_of(page, shape).get_by_text("Draw on the map").click()
    for right, down in corners:
        page.mouse.click(MIDDLE[0] + right, MIDDLE[1] + down)
        page.wait_for_timeout(300)  # two clicks in haste are a double one
    page.get_by_role("button", name="Done", exact=True).click()


@pytest.mark.parametrize(
    ("view", "corners"),
    [
        ("view=cylindrical&lon=12&lat=-20&kmpx=6", [(-90, -60), (80, -70), (120, 90), (-70, 60)]),
        ("view=cylindrical&lon=180&lat=10&kmpx=6", [(-90, -60), (80, -70), (0, 90)]),
        ("view=south&lon=0&lat=-90&kmpx=2", [(-90, -80), (100, -60), (90, 120), (-60, 70)]),
    ],
    ids=["plain", "over the seam", "round the pole"],
)
def test_a_drawn_polygon_has_the_statistics_that_summarise_gives(
    live_service: Live,
    look: Callable[..., "Page"],
    service_data: Path,
    tmp_path: Path,
    view: str,
    corners: list[tuple[int, int]],
) -> None:
    page = look(live_service.url, f"#{view}&map=maps.zarr/FeO&panel=measure")
    with page.expect_request("**/statistics*") as asked:
        draw(page, "polygon", corners)
    drawn = tmp_path / "drawn.geojson"
    drawn.write_text(json.dumps(asked.value.post_data_json))
    page.wait_for_selector("#panel-measure td[data-fact=mean]")
    shown = {
        str(cell.get_attribute("data-fact")): float(str(cell.get_attribute("data-value")))
        for cell in page.locator("#panel-measure td[data-fact]").all()
    }
    (row,) = [
        row
        for row in summarise(str(service_data / "maps.zarr"), by=[str(drawn)]).rows
        if row.layer == "FeO"
    ]
    assert {"mean", "std", "median", "area_km2", "valid_share"} <= shown.keys()
    for fact, value in shown.items():
        assert value == pytest.approx(getattr(row, fact), rel=1e-9), fact
    assert page.locator("#panel-measure svg rect.bar").count() > 3
    assert "SIMULATED" in page.inner_text("#panel-measure .facts caption")


def test_a_typed_line_has_a_profile_whose_samples_are_the_stores(
    live_service: Live, look: Callable[..., "Page"], service_data: Path
) -> None:
    page = look(live_service.url, "#view=cylindrical&map=maps.zarr/FeO&panel=measure")
    line = form_of(page, "line")
    line.locator("summary").click()
    line.locator("textarea").fill("-20, -10\n25, 15")
    with page.expect_response("**/profile*") as asked:
        line.get_by_text("Get profile").click()
    answer = asked.value.json()
    store = xr.open_zarr(service_data / "maps.zarr", chunks=None)["FeO"]
    along = {key: xr.DataArray(answer[key], dims="at") for key in ("lon", "lat")}
    held = store.sel(method="nearest", **along).to_numpy()
    given = np.array(answer["value"], float)
    # a sample on the border of two pixels may be either's
    assert np.isclose(given, held, atol=1e-5, equal_nan=True).mean() > 0.97
    chart = line.locator("svg.chart")
    chart.hover()
    assert "km:" in line.inner_text()
    assert chart.locator("path.line").get_attribute("d").count("L") > 100


def test_a_line_is_drawn_and_given_up(live_service: Live, look: Callable[..., "Page"]) -> None:
    page = look(live_service.url, "#view=cylindrical&map=maps.zarr/FeO&panel=measure")
    form_of(page, "line").get_by_text("Draw on the map").click()
    bar, panel = (page.locator(each).bounding_box() for each in (".drawing", "#panel-measure"))
    assert bar is not None
    assert panel is not None
    assert bar["x"] >= panel["x"] + panel["width"]  # it stands over the map, not over the panel
    page.mouse.click(*MIDDLE)
    page.keyboard.press("Escape")
    assert not page.locator(".drawing").is_visible()
    assert page.locator("#panel-measure").is_visible()
    draw(page, "line", [(-100, 0), (100, 20)])
    page.wait_for_selector("#panel-measure path.line")
    form_of(page, "line").get_by_text("Clear").click()
    assert page.locator("#panel-measure path.line").count() == 0


def test_a_job_is_made_runs_to_its_end_and_its_map_is_shown(
    workshop: Live,
    look: Callable[..., "Page"],
    tokens: Tokens,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = look(workshop.url, f"#token={tokens.run}&panel=jobs")
    page.get_by_text("New job").click()
    page.get_by_label("What to do").select_option("predict")
    page.get_by_label("qiu-2025-feo").check()
    page.get_by_label("Name of the new data set").fill("made.zarr")
    page.get_by_label("Title (optional)").fill("Iron from the page")
    page.click("text=Create the job")
    job = page.locator(".job", has_text="Iron from the page")
    assert job.locator(".status").inner_text() == "created"
    gate = Gate(3).shut(monkeypatch)
    job.get_by_role("button", name="Start").click()
    gate.wait()
    bar = job.get_by_role("progressbar")
    job.get_by_text(re.compile("[123] of 8")).wait_for()  # it is told twice a second
    done, todo = bar.evaluate("bar => [bar.value, bar.max]")
    assert (0 < done <= 3, todo) == (True, 8)
    gate.opened.set()
    job.locator(".status[data-status=finished]").wait_for(timeout=120_000)
    assert bar.evaluate("bar => bar.value === bar.max")
    job.get_by_text("Logs").click()
    page.wait_for_selector(".job .log li")
    job.get_by_role("button", name="Results").click()
    job.get_by_text("Show made.zarr on the map").click()
    page.wait_for_selector(".map-row:has-text('made.zarr') .colours canvas")
    assert "made.zarr" in page.inner_text(".maps")


def test_a_job_that_a_reader_wants_is_refused_in_the_services_words(
    live_service: Live, look: Callable[..., "Page"]
) -> None:
    page = look(live_service.url, "#panel=jobs", expected=["401"])
    page.wait_for_selector("form.token")
    assert "token" in page.inner_text("#panel-jobs .panel-body > [role=status]")


def test_a_private_service_asks_for_a_token_and_then_shows_its_maps(
    service_data: Path, tokens: Tokens, look: Callable[..., "Page"]
) -> None:
    with serving(settings_for(service_data, private=True), tokens.kept) as live:
        page = look(live.url, expected=["401"])
        page.wait_for_selector("form.token")
        assert page.locator(".legend figure").count() == 0
        page.fill("#token", tokens.run)
        page.click("text=Use this token")
        page.wait_for_selector(".legend figure")
        page.wait_for_selector("form.token", state="hidden")
        page.click("[aria-label='Close Jobs']")
        page.mouse.click(700, 400)
        page.wait_for_selector(".card .readings")
