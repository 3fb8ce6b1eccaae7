"""The store of a run that holds it: laid, or gone on with as it was when the run was planned."""

import uuid
from typing import Any

from lunarscale.engine.ledger import STORE
from lunarscale.engine.leftovers import sweep
from lunarscale.engine.run import existing
from lunarscale.engine.seals import SEAL, checksum
from lunarscale.errors import BusyError
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Layout
from lunarscale.store.location import Location


def lay(location: Location, wanted: Layout, attributes: dict[str, Any], *, overwrite: bool) -> Cube:
    """Make a new store, in place of a lunarscale store only where ``overwrite`` is asked for.

    Raises
    ------
    BusyError
        If a store is there that was not when the run was planned.
    """
    if existing(location, wanted, overwrite=overwrite) is not None:
        raise BusyError(
            f"{location.url}: another run has made this store since this one was planned; run the "
            "same command again, it goes on with what is there"
        )
    sweep(location)
    if location.exists():
        Cube.remove(location)
    words = {**attributes, "lunarscale": wanted.to_attributes()}
    number = {"number": uuid.uuid4().hex[:12], SEAL: checksum(words)}
    return Cube.create(location, wanted, {**attributes, STORE: number})


def go_on(planned: Cube) -> Cube:
    """A store that is there, cleared of what killed workers left.

    Raises
    ------
    BusyError
        If it is not the one that the run was planned for.
    """
    cube = Cube.open(planned.location)
    if (cube.layout, cube.attributes) != (planned.layout, planned.attributes):
        raise BusyError(
            f"{planned.location.url}: another run has made this store afresh since this one was "
            "planned; run the same command again"
        )
    sweep(planned.location)
    return cube
