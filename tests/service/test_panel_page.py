"""The panel's page in a browser: what it shows is what the runs told, in units."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from browser_at_hand import PATIENCE_MS, Seen

from lunarscale.engine.hearing import OnScheduler
from lunarscale.engine.panel import PAGE
from lunarscale.engine.telling import News

if TYPE_CHECKING:
    from distributed import Client
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.cluster]

SUMS = News(
    "0000aaaa", "summarise", "maps", seconds=5e3, shards=8, shards_todo=8, shards_done=2,
    pixels_done=12_500_000_000, bytes_read=None, bytes_written=None, problems=None,
)  # fmt: skip

MAPS = News(
    "0000bbbb", "predict", "maps <b>of</b> 8 x 4 pixels", status="incomplete", seconds=3725.0,
    shards=8, shards_before=1, shards_todo=7, shards_done=6, pixels_done=9_500_000_000,
    bytes_read=3_456_000_000, bytes_written=0, share_of_limit=0.614, problems=1,
    sentences=["<img src=x> is torn"], base_bytes=250_000_000, thread_bytes=50_000_000,
)  # fmt: skip


@pytest.fixture
def page(browser: "Browser", two_workers: "Client") -> "Iterator[Page]":
    """The page of a cluster to which two runs were told."""
    for news in (replace(SUMS, seconds=2e3, shards_done=1), SUMS, MAPS):
        OnScheduler(two_workers).hear(news, last=True)
    base = two_workers.dashboard_link.rpartition("/")[0]
    opened, seen = browser.new_page(viewport={"width": 390, "height": 844}), Seen(base, [])
    seen.watch(opened)
    opened.goto(base + PAGE)
    yield opened
    opened.close()
    assert seen.faults == []


def figures(page: "Page", run: str) -> dict[str, str]:
    card = page.locator(".run", has_text=f"run {run}")
    card.wait_for(timeout=PATIENCE_MS)
    names, values = card.locator("dt").all_inner_texts(), card.locator("dd").all_inner_texts()
    return dict(zip(names, values, strict=True))


def test_runs_are_shown_as_they_were_told(page: "Page") -> None:
    maps, sums = figures(page, MAPS.run), figures(page, SUMS.run)
    assert maps["Rate"] == "2.55 Mpx/s"
    assert maps["Share of the limit"] == "61 %"
    assert (maps["Read"], maps["Written"]) == ("3.46 GB", "0 bytes")
    assert "of 300 MB planned" in maps["Peak of a worker"]
    assert (maps["Problems"], maps["Time"]) == ("1", "1 h 2 min")
    assert sums["Read"] == sums["Problems"] == "told at the end"
    # it goes on, so the seconds since it was told count too: some minutes here at most
    assert 2.3 < float(sums["Rate"].removesuffix(" Mpx/s")) <= 2.5
    assert re.fullmatch(r"1 h 2[3-8] min", sums["Time"])
    assert re.fullmatch(r"5 h 0 min|4 h 5\d min", sums["Left, about"])  # 6 shards of 50 minutes
    card = page.locator(".run", has_text=MAPS.run)
    text = card.inner_text()
    assert "6 of 7 shards; 1 of the store's 8 were done before" in text
    assert "ended with problems" in text
    # what others named is text
    assert "maps <b>of</b> 8 x 4 pixels" in text
    assert "<img src=x> is torn" in text
    assert page.locator("#workers tr").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") == 390
