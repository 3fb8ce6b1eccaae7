"""Screen-pole: where a polar cap is like the maria, and what of it is rich in iron."""

from pathlib import Path
from typing import Any

from lunarscale.engine.executors import Executor, Serial
from lunarscale.engine.run import complain
from lunarscale.grid.caps import Pole
from lunarscale.reduce.screening import Screen
from lunarscale.steps.screening.figures import draw
from lunarscale.steps.screening.files import write
from lunarscale.steps.screening.finding import (
    Finding,
    finding_of,
    prepare_patches,
    prepare_screen,
    seen_of,
)
from lunarscale.steps.screening.question import ask


def screen_pole(
    maps: str, *, out: str, pole: Pole = "south", latitude: float = 65.0,
    screen: Screen | None = None, mare: str | None = None, model: str | None = None,
    places: list[str] | None = None, executor: Executor | None = None,
    storage_options: dict[str, Any] | None = None,
) -> Finding:  # fmt: skip
    """Screen a polar cap in finished maps: tables, patches and figures.

    Parameters
    ----------
    maps : str
        Path or fsspec URL of finished maps that reach the pole.
    out : str
        Folder for the results.
    pole : {"south", "north"}
    latitude : float
        Degrees from the equator at which the cap begins.
    screen : Screen, optional
        Thresholds and density share.
    mare : str, optional
        A mask whose values other than 0 are mare, or polygons; the seas as circles if none.
    model : str, optional
        Whose FeO and Mg#, where the maps have several.
    places : list of str, optional
        Named features to report on; the paper's in the south if none are given.
    executor : Executor, optional
    storage_options : dict, optional

    Raises
    ------
    StoreError
        If the maps are not finished, lack a layer, or have no values in the cap.
    RegionError
        If the maps do not reach the pole, the maria have no values, or a place is not there.
    IncompleteError
        If some shards cannot be read.
    """
    asked = ask(
        maps, pole=pole, latitude=latitude, screen=screen, mare=mare, model=model, places=places,
        storage_options=storage_options,
    )  # fmt: skip
    executor = executor or Serial()
    tale = prepare_screen(asked).run(executor)
    complain(tale, maps)
    seen = seen_of(asked, tale)
    tale = prepare_patches(seen).run(executor)
    complain(tale, maps)
    finding = finding_of(seen, tale)
    write(finding, Path(out))
    draw(finding, Path(out))
    return finding
