"""A real browser on the viewer, which must ask nobody but the service and complain of nothing."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

#: What a browser in a container needs, and what it would else ask of others.
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

#: Milliseconds for what the page shows: others may work on the machine.
PATIENCE_MS = 30_000


@dataclass
class Seen:
    """What a page did that it should not; of refusals, some may be what a test is about."""

    service: str
    faults: list[str]
    may_be_refused: bool = False

    def watch(self, page: "Page") -> None:
        """Note errors, and requests that go elsewhere."""
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self._look(request.url))

    def _hear(self, said: "ConsoleMessage") -> None:
        # a browser tells each answer of 4xx as an error
        refused = self.may_be_refused and "401" in said.text
        if said.type == "error" and not refused:
            self.faults.append(said.text)

    def _look(self, url: str) -> None:
        if not url.startswith((f"{self.service}/", "blob:", "data:")):
            self.faults.append(f"asked {url}")


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """The system's Chromium; skips where there is none.

    Of one file of tests, as Playwright's loop stands in the way of others' in the same thread.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium on this machine: the viewer is not looked at")
    api = pytest.importorskip("playwright.sync_api", reason="the extra `test` is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield opened
        opened.close()


@pytest.fixture
def look(browser: "Browser") -> "Iterator[Callable[..., Page]]":
    """``look(service_url, "#...", width=..., height=...)``: the viewer as a user opens it."""
    with ExitStack() as stack:

        def open_page(service: str, address: str = "", **options: Any) -> "Page":
            refusals = options.pop("expects_refusals", False)
            size = {"width": options.pop("width", 1280), "height": options.pop("height", 800)}
            context = browser.new_context(viewport=size, reduced_motion="reduce", **options)
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            page, seen = context.new_page(), Seen(service, [], refusals)
            seen.watch(page)
            stack.callback(lambda: _nothing(seen.faults))
            # all that it shows at first has come
            page.goto(f"{service}/{address}", wait_until="networkidle")
            page.wait_for_selector("body:not(.loading)")
            return page

        yield open_page


def _nothing(faults: list[str]) -> None:
    assert not faults, faults
