"""The panel's page: one file that asks ``lunarscale.json`` beside it once a second."""

from functools import cache
from importlib.resources import files


@cache
def page() -> str:
    """The page, as HTML."""
    return files("lunarscale").joinpath("engine", "panel.html").read_text("utf-8")
