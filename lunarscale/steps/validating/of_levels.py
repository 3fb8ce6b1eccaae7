"""The coarser levels of maps, held against the document that names them."""

from lunarscale.steps.validating.verdict import Verdict
from lunarscale.store.cube import Cube
from lunarscale.store.levels import DOCUMENT, OVERVIEWS, Level


def of_level(level: Level, judged: Verdict | None, *, url: str) -> Verdict:
    """What was found of a level.

    Parameters
    ----------
    level : Level
    judged : Verdict or None
        Of the level as a store of its own; None where it is none, or another.
    url : str
        Of the maps.
    """
    where = level.location.url
    if judged is None:
        problem = (
            f"{where}: {DOCUMENT} names the level that was made here, but there is none or another "
            f"one; remove what is here and run `lunarscale overview {url}` again"
        )
        return Verdict(where, 0, damaged=[problem])
    if judged.is_whole and not level.is_read:
        judged.damaged.append(
            f"{where}: this level was mended since it was made, and nobody reads it until "
            f"`lunarscale overview {url}` has looked at it again"
        )
    return judged


def note_unread(verdict: Verdict, cube: Cube, state: str) -> None:
    """Enter why nobody reads the levels that lie in a store.

    Parameters
    ----------
    verdict : Verdict
        Of the store.
    cube : Cube
    state : str
        Of the document that names them (``store.levels.Told``).
    """
    url, place = cube.location.url, f"{cube.location.url}/{OVERVIEWS}"
    if state == "damaged":
        problem = (
            f"{url}/{DOCUMENT}: this document is not what `lunarscale overview` wrote, and nobody "
            f"reads the levels; run `lunarscale overview {url}` again"
        )
        verdict.levels.append(Verdict(place, 0, damaged=[problem]))
    elif state == "past":
        verdict.unread = (
            f"{place}: these levels are of what the maps held before they were last written to, "
            f"and nobody reads them; `lunarscale overview {url}` brings them up to date"
        )
    elif state == "none" and OVERVIEWS in cube.location.entries():
        verdict.unread = (
            f"{place}: these levels are not finished, and nobody reads them; "
            f"`lunarscale overview {url}` finishes them"
        )
