"""A real browser on the viewer, which must ask nobody but the service and complain of nothing."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

#: What a browser in a container needs, and what it would else ask of others.
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

#: Milliseconds for what the page shows: others may work on the machine.
PATIENCE_MS = 120_000

#: And for a page to be still: before a service's first tile its loops are compiled.
FIRST_MS = 120_000


@dataclass
class Seen:
    """What a page did that it should not; what a test is about may be told as an error."""

    service: str
    faults: list[str]
    expected: tuple[str, ...] = ()

    def watch(self, page: "Page") -> None:
        """Note errors, and requests that go elsewhere."""
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self._look(request.url))

    def _hear(self, said: "ConsoleMessage") -> None:
        # a browser tells each answer of 4xx as an error
        is_expected = any(each in said.text for each in self.expected)
        if said.type == "error" and not is_expected:
            self.faults.append(said.text)

    def _look(self, url: str) -> None:
        if not url.startswith((f"{self.service}/", "blob:", "data:")):
            self.faults.append(f"asked {url}")


#: When a page shows all that it will, for some frames on end: what was read may ask for more.
_STILL = """() => new Promise(resolve => {
  let frames = 0;
  const look = () => {
    frames = document.body.classList.contains("loading") ? 0 : frames + 1;
    if (frames > 4) resolve(); else requestAnimationFrame(look);
  };
  look();
})"""


def until_still(page: "Page") -> "Page":
    """The page, once all that it shows has come."""
    page.wait_for_function(_STILL, timeout=FIRST_MS)
    return page


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


@pytest.fixture(scope="module")
def users(browser: "Browser") -> "Callable[..., BrowserContext]":
    """``users(width=..., ...)``: a browser's user, the same one for the same options.

    They keep what may be kept, as browsers do; tabs know nothing of each other.
    """
    known: dict[str, BrowserContext] = {}

    def user(*, width: int = 1280, height: int = 800, **options: Any) -> "BrowserContext":
        key = repr((width, height, sorted(options.items())))
        if key not in known:
            size: Any = {"width": width, "height": height}
            known[key] = browser.new_context(viewport=size, reduced_motion="reduce", **options)
            known[key].set_default_timeout(PATIENCE_MS)
        return known[key]

    return user


@pytest.fixture
def look(users: "Callable[..., BrowserContext]") -> "Iterator[Callable[..., Page]]":
    """``look(service_url, "#...", width=..., height=...)``: the viewer as a user opens it."""
    with ExitStack() as stack:

        def open_page(
            service: str, address: str = "", *, expected: Sequence[str] = (), **options: Any
        ) -> "Page":
            page, seen = users(**options).new_page(), Seen(service, [], tuple(expected))
            stack.callback(page.close)
            seen.watch(page)
            stack.callback(lambda: _nothing(seen.faults))
            page.goto(f"{service}/{address}")
            return until_still(page)

        yield open_page


def _nothing(faults: list[str]) -> None:
    assert not faults, faults
