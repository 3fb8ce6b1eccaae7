"""Objects in a store that neither its layout nor its ledger speaks of."""

import re

from lunarscale.engine.ledger import FOLDER, Ledger
from lunarscale.engine.leftovers import half_written
from lunarscale.engine.record import RUNS
from lunarscale.steps.validating.shards import objects_of
from lunarscale.store.cube import LOCKS, Cube
from lunarscale.store.levels import DOCUMENT, OVERVIEWS

#: Objects of the levels, which are stores of their own and validated by themselves.
_LEVELS = re.compile(rf"{DOCUMENT}|{OVERVIEWS}/\d+/.+")

_PAPERS = re.compile(rf"{FOLDER}/tiles\.json|{RUNS}/[^/]+\.json|{LOCKS}/\d{{6}}")


def strangers(cube: Cube, keys: set[str]) -> list[str]:
    """Sentences about what lies there and is of no run; nothing reads it.

    Parameters
    ----------
    cube : Cube
    keys : set of str
        Of all objects of the store, as listed.
    """
    ledger, known = Ledger.of(cube), set(cube.documents())
    for window in cube.layout.windows():
        known |= {ledger.key(window), ledger.statistics_key(window)}
        known |= objects_of(cube, window).keys()
    url = cube.location.url
    unknown = (key for key in keys - known if not _PAPERS.fullmatch(key))
    foreign = sorted(key for key in unknown if not _LEVELS.fullmatch(key))
    left = half_written(cube.location)
    return [
        *(f"{url}/{key}: no run of lunarscale wrote this; remove it" for key in foreign),
        *(f"{path}: half-written: a run is at it now, or a killed worker left it; the next run "
          "removes it"
          for path in left),
    ]  # fmt: skip
