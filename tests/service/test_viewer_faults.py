"""The viewer where something is wrong: the service away, a token run out, hostile names."""

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from browser_at_hand import until_still
from service_at_hand import Live, Tokens

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.browser

AWAY = "The service does not answer; the page goes on when it is there again."

#: Whatever is asked of the service.
API = re.compile("/api")

#: What would run, or be taken for an element, if it were markup.
HOSTILE = "<img src=x onerror=document.title='had'>"


@pytest.fixture
def url(live_service: Live) -> str:
    """Where the service on the shared data is."""
    return live_service.url


def datasets(page: "Page", change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change what the page is told of the datasets."""

    def answer(route: "Route") -> None:
        told = route.fetch().json()
        change(told["datasets"])
        route.fulfill(body=json.dumps(told), content_type="application/json")

    page.route("**/api/datasets", answer)


def test_a_service_that_goes_away_is_told_of_and_comes_back(
    url: str, look: Callable[..., "Page"]
) -> None:
    page = look(url, "#view=cylindrical&panel=maps&map=maps.zarr/FeO", expected=["ERR_", "502"])
    page.route(API, lambda route: route.abort("connectionrefused"))
    page.select_option("#add-layer", "TiO2")
    page.click("text=Show this map")
    notice = page.locator(".notice.error")
    notice.wait_for()
    # over the first route, so that there is no moment without any
    page.route(API, lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    page.click("[aria-label='Zoom in']")
    assert notice.all_inner_texts() == [AWAY]
    page.unroute_all()
    page.get_by_text("The service answers again.").wait_for()
    page.wait_for_selector(".legend:has-text('TiO₂') canvas")
    page.wait_for_selector(".map-row:has-text('TiO₂') .colours canvas")
    assert notice.count() == 0


def test_without_its_token_the_page_goes_on(
    url: str, look: Callable[..., "Page"], tokens: Tokens
) -> None:
    page = look(url, "#token=run-out&map=maps.zarr/FeO", expected=["401"])
    assert "Your token is put aside" in page.inner_text(".notice.error")
    page.wait_for_selector(".legend figure")
    assert page.evaluate("sessionStorage.length") == 0
    page.fill("#token", tokens.run)
    page.click("text=Use this token")
    page.get_by_text("New job").wait_for()


def test_a_link_of_yesterday_says_what_is_gone(url: str, look: Callable[..., "Page"]) -> None:
    page = look(url, "#map=maps.zarr/FeO&map=maps.zarr/Unobtainium&map=old.zarr/FeO&panel=maps")
    said = page.inner_text(".notice.error")
    assert "Unobtainium of maps.zarr, FeO of old.zarr are not here any more" in said
    assert page.inner_text(".legend b") == "FeO"
    assert "The data set old.zarr is not here." in page.inner_text(".maps")


def test_a_dataset_that_vanishes_is_told_of(url: str, look: Callable[..., "Page"]) -> None:
    page = look(url, "#view=cylindrical&map=maps.zarr/FeO&panel=maps", expected=["404"])
    problem = {"detail": "this service has no dataset 'maps.zarr'; it has none yet"}
    page.route(
        "**/tiles/**",
        lambda route: route.fulfill(
            status=404, json=problem, content_type="application/problem+json"
        ),
    )
    datasets(page, lambda there: there.clear())
    page.click("[aria-label='South pole']")
    page.wait_for_selector(".notice:has-text('FeO of maps.zarr is not here any more')")
    assert page.locator(".legend figure").count() == 0
    assert page.locator(".notice").count() == 1


def test_names_are_text_and_many_are_listed(url: str, look: Callable[..., "Page"]) -> None:
    def more(there: list[dict[str, Any]]) -> None:
        first = next(each for each in there if each["kind"] == "maps")
        layers = [{**layer, "name": HOSTILE, "remark": HOSTILE} for layer in first["layers"]]
        hostile = {**first, "name": HOSTILE, "title": HOSTILE, "camera": HOSTILE, "layers": layers}
        there += [{**first, "name": f"maps-{number}.zarr"} for number in range(500)]
        there.append(hostile)

    page = look(url, "#panel=maps&map=maps.zarr/FeO", expected=["404"])
    datasets(page, more)
    features = [{"name": HOSTILE, "kind": HOSTILE, "lon": 0, "lat": 0, "diameter_km": 500}]
    page.route("**/api/features*", lambda route: route.fulfill(json={"features": features}))
    page.reload()
    until_still(page)
    assert page.locator("#add-dataset option").count() > 500
    page.select_option("#add-dataset", HOSTILE)
    page.click("text=Show this map")
    assert HOSTILE in page.inner_text(".maps")
    page.click("#open-places")
    page.fill("#search", "x")
    page.wait_for_selector(".results button")
    page.click("#open-measure")
    page.click("#open-share")
    assert page.locator("img").count() == 0
    assert page.title() == "The Moon · lunarscale"
