"""Uploads and regions by the page: who may send what, what is refused where, jobs that use them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jobs_at_hand import folder_with
from service_at_hand import Live, Tokens, serving, settings_for

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

#: Bytes of polygons that this service takes.
MOST = 20_000

DRAWN = "map=maps.zarr/FeO&panel=jobs&polygon=170,-10;-170,-10;-170,10;170,10"


@pytest.fixture(scope="module")
def keeper(
    service_data: Path, tokens: Tokens, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """A service of its own, which keeps uploads and jobs."""
    folder = folder_with(tmp_path_factory.mktemp("keeper") / "data", service_data, "maps.zarr")
    settings = settings_for(folder, limits={"polygon_bytes": MOST})
    with serving(settings, tokens.kept) as live:
        yield live


def part(page: "Page", title: str) -> "Locator":
    """A part of the panel of jobs, opened."""
    found = page.locator("#panel-jobs details").filter(
        has=page.locator(f"summary:text-is('{title}')")
    )
    found.locator("summary").click()
    return found


def geojson(name: str, text: str) -> dict[str, Any]:
    """A file as a page is given it."""
    return {"name": name, "mimeType": "application/geo+json", "buffer": text.encode()}


def test_polygons_are_uploaded_and_a_job_is_made_by_them(
    keeper: Live, look: Callable[..., "Page"], tokens: Tokens
) -> None:
    page = look(keeper.url, f"#token={tokens.run}&{DRAWN}", expected=["409", "422"])
    uploads = part(page, "Uploads")
    file = uploads.get_by_label("File", exact=True)
    assert "20 kB and 250,000 places at most" in uploads.inner_text()

    file.set_input_files(geojson("My maria.geojson", " " * (MOST + 1)))
    assert "My maria.geojson has" in uploads.locator("[role=alert]:visible").inner_text()
    assert uploads.get_by_label("Name, by which jobs call it").input_value() == "My-maria"

    file.set_input_files(geojson("maria.geojson", json.dumps({"type": "Point"})))
    uploads.get_by_role("button", name="Upload").click()
    uploads.get_by_text("give a FeatureCollection").wait_for()

    uploads.get_by_text("Take the polygon that I drew").click()
    name = uploads.get_by_label("Name, by which jobs call it")
    assert name.input_value() == "drawn"
    name.fill("My-maria")
    uploads.get_by_role("button", name="Upload").click()
    kept = uploads.locator("li", has_text="My-maria")
    assert "1 region: drawn" in kept.inner_text()

    file.set_input_files(geojson("again.geojson", "{}"))
    name.fill("My-maria")
    uploads.get_by_role("button", name="Upload").click()
    uploads.get_by_text("there is an upload My-maria").wait_for()

    job = part(page, "New job")
    job.get_by_label("What to do").select_option("summarise")
    for group in ("Whole Moon", "Maria", "Each sea"):
        job.get_by_label(group, exact=True).uncheck()
    job.get_by_label("My-maria (1 region)").check()
    job.get_by_label("Divide pixels").check()
    with page.expect_response("**/api/jobs") as made:
        job.get_by_text("Create the job").click()
    assert made.value.json()["parameters"] == {
        "dataset": "maps.zarr", "by": [], "polygons": ["My-maria"], "stats": [], "coverage": True,
    }  # fmt: skip
    page.get_by_role("button", name="Delete Take statistics").click()
    page.get_by_role("button", name="with what it never finished, for good?").click()

    kept.get_by_role("button", name="Delete").click()
    kept.get_by_role("button", name="Delete My-maria for good?").click()
    kept.wait_for(state="detached")


def test_a_jobs_region_is_typed_or_what_was_drawn(
    keeper: Live, look: Callable[..., "Page"], tokens: Tokens
) -> None:
    page = look(keeper.url, f"#token={tokens.run}&{DRAWN}")
    job = part(page, "New job")
    job.get_by_label("What to do").select_option("export")
    job.get_by_label("West").fill("5")
    job.get_by_text("Create the job").click()  # the browser asks for the other sides
    assert job.get_by_label("North").evaluate("side => side.validity.valueMissing")
    job.get_by_text("Around what I drew").click()
    with page.expect_response("**/api/jobs") as made:
        job.get_by_text("Create the job").click()
    assert made.value.json()["parameters"]["bbox"] == [170, -10, -170, 10]


def test_each_role_is_offered_what_it_may(
    keeper: Live, look: Callable[..., "Page"], tokens: Tokens
) -> None:
    page = look(keeper.url, f"#token={tokens.admin}&panel=jobs", expected=["403"])
    uploads = part(page, "Uploads")
    kinds = uploads.get_by_label("Kind")
    assert kinds.locator("option").all_inner_texts() == ["Polygons", "Model", "Table of stations"]
    kinds.select_option("tables")
    assert uploads.get_by_label("For the camera").is_visible()
    kinds.select_option("models")
    assert uploads.get_by_label("Its card").is_visible()
    assert "67.1 MB at most" in uploads.inner_text()
    for role, parts in ((tokens.run, 2), (tokens.read, 0)):
        page.evaluate("token => { location.hash = `token=${token}` }", role)
        page.wait_for_function(
            "n => document.querySelectorAll('#panel-jobs details:not([hidden])').length === n",
            arg=parts,
        )
    page.wait_for_selector("form.token")


def test_a_model_is_uploaded_with_what_its_form_asks_for(
    keeper: Live, look: Callable[..., "Page"], tokens: Tokens
) -> None:
    page = look(keeper.url, f"#token={tokens.admin}&panel=jobs", expected=["422"])
    uploads = part(page, "Uploads")
    uploads.get_by_label("Kind").select_option("models")
    uploads.get_by_label("File", exact=True).set_input_files(
        {"name": "mine.json", "mimeType": "application/json", "buffer": b"{}"}
    )
    problem = {"detail": "mine: its equations are none"}
    page.route(
        "**/api/models?name=mine",
        lambda route: route.fulfill(
            status=422, json=problem, content_type="application/problem+json"
        ),
    )
    with page.expect_request("**/api/models?name=mine") as sent:
        uploads.get_by_role("button", name="Upload").click()
    assert "multipart/form-data" in sent.value.headers["content-type"]
    uploads.get_by_text("mine: its equations are none").wait_for()
