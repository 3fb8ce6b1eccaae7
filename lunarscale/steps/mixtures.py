"""Mixtures: judge models on a simulated Moon of mixed stations, whose composition is known."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table

from lunarscale.bands import CLEMENTINE_UVVIS, KAGUYA_MI, Camera
from lunarscale.engine.executors import Executor
from lunarscale.errors import ModelError, StationError
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid
from lunarscale.models.card import LEFT_OUT, TABLE
from lunarscale.models.network import Network
from lunarscale.models.registry import find_models
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.agreement import Agreement, agreement
from lunarscale.render.comparison import ComparedMap, draw_comparison
from lunarscale.simulated.mixtures import NOISE, SEED, MixturesMoon, write_mixtures
from lunarscale.stations import Station, built_in_table
from lunarscale.steps.ingest import ingest
from lunarscale.steps.opening import open_maps
from lunarscale.steps.predict import models_for, predict
from lunarscale.steps.saving import records_csv, save
from lunarscale.store.cube import Cube
from lunarscale.store.layout import MapLayer

#: Resolution of the comparison, pixels a degree, and its cut: 1440 x 720 pixels in 18 shards.
PPD, SHARD, CHUNK = 4.0, 240, 120

#: The same for Kaguya, whose tiles are a degree wide: a part of the Moon in 1,600 of them.
KAGUYA_PPD, KAGUYA_BOX = 16.0, (-20.0, -20.0, 20.0, 20.0)


@dataclass(frozen=True)
class MixtureCheck:
    """Models against the known composition of a Moon of mixtures.

    Parameters
    ----------
    moon : MixturesMoon
    held_out : bool
        Whether the models were trained without its stations, as the caller says.
    scores : dict of (MapLayer, Agreement) by layer's name
    figure, table, facts : Path
        What was written: PNG, CSV, JSON.
    """

    moon: MixturesMoon
    held_out: bool
    scores: dict[str, tuple[MapLayer, Agreement]]
    figure: Path
    table: Path
    facts: Path


def held_out_stations(
    numbers: Sequence[int], camera: str = CLEMENTINE_UVVIS.name
) -> tuple[Station, ...]:
    """Stations of a camera's built-in table by their numbers.

    Raises
    ------
    StationError
        If there is none of a number, or one is named twice.
    """
    known = {station.number: station for station in built_in_table(camera).stations}
    wrong = [n for n in numbers if n not in known or list(numbers).count(n) > 1]
    if wrong:
        raise StationError(
            f"there is no station {wrong[0]} in the table of {len(known)}, or it is named twice; "
            "`lunarscale stations --soils` lists them by number"
        )
    return tuple(known[n] for n in numbers)


def never_saw(models: Sequence[str], numbers: Sequence[int]) -> bool:
    """Whether the cards of all models say that they were trained without some stations.

    A card of a user's table says nothing of the package's stations, whatever its numbers.
    """
    for model in (found for name in models for found in find_models(name)):
        card = model.card if isinstance(model, Network) else None
        known = card is not None and TABLE not in card.training
        left_out = card.training.get(LEFT_OUT, ()) if card is not None and known else ()
        if not set(numbers) <= set(left_out):
            return False
    return True


def check_on_mixtures(
    models: str | Sequence[str],
    stations: Sequence[Station],
    *,
    out: str,
    held_out: bool = True,
    noise: float | None = None,
    seed: int | None = None,
    camera: Camera = CLEMENTINE_UVVIS,
    ppd: float | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] = lambda done, todo: None,
) -> MixtureCheck:
    """The whole way on mixtures: archive tiles, ingest, predict, and the maps beside the truth.

    Parameters
    ----------
    models : str or sequence of str
        Names or paths.
    stations : sequence of Station
        With the camera's reflectances; the models should never have seen them.
    out : str
        Folder for the tiles, the stores, a figure, a table in CSV and all facts in JSON.
    held_out : bool
        Whether the models were trained without the stations: the figure's title says which.
    noise : float, optional
        Relative standard deviation of a reflectance.
    seed : int, optional
    camera : Camera
        Whose tiles are made: the whole Moon as Clementine's, or a part of it as Kaguya's.
    ppd : float, optional
        Pixels a degree of tiles and maps.
    executor : Executor, optional
    progress : callable, optional
        Told tiles written and all the tiles.

    Raises
    ------
    StationError
        If the stations cannot be mixed.
    ModelError
        If there is no such model, it is for another camera, or the models give nothing that is
        known of all the stations.
    """
    moon = MixturesMoon(
        tuple(stations), camera, NOISE if noise is None else noise, SEED if seed is None else seed
    )
    names = [models] if isinstance(models, str) else list(models)
    models_for(names, camera)  # refuses before tiles are made what cannot map them
    folder = Path(out)
    box = KAGUYA_BOX if camera == KAGUYA_MI else None
    ppd = (PPD if box is None else KAGUYA_PPD) if ppd is None else ppd
    RasterGrid.whole(ppd)  # refuses a resolution that is none
    write_mixtures(folder / "tiles", moon, ppd=ppd, bbox=box, progress=progress)
    mosaic, maps = str(folder / "mosaic.zarr"), str(folder / "maps.zarr")
    ingest(
        [str(folder / "tiles")], out=mosaic, ppd=ppd, bbox=box, shard=SHARD, chunk=CHUNK,
        overwrite=True, executor=executor,
    )  # fmt: skip
    predict(mosaic, out=maps, models=names, overwrite=True, executor=executor)
    return compare(maps, moon, out=out, held_out=held_out)


def compare(maps: str, moon: MixturesMoon, *, out: str, held_out: bool = True) -> MixtureCheck:
    """Hold finished maps of a Moon of mixtures against its truth; see ``check_on_mixtures``."""
    cube = open_maps(maps, None)
    grid, folder = cube.grid, Path(out)
    truth = moon.truth(grid.lons()[None, :], grid.lats()[:, None])
    layers = [layer for layer in cube.layout.layers if layer.quantity in truth]
    if not layers:
        has = ", ".join(layer.name for layer in cube.layout.layers)
        raise ModelError(
            f"{maps}: the composition is known for {', '.join(truth)} but the models give {has}; "
            "name models of those"
        )
    compared = {layer.name: _compare(cube, layer, truth[layer.quantity]) for layer in layers}
    drawn = draw_comparison(
        list(compared.values()),
        grid.bounds(),
        title=_title(moon, held_out=held_out),
        lines=_lines(moon),
        path=folder / "mixtures.png",
        simulated=True,
    )
    scores = {layer.name: (layer, compared[layer.name].agreement) for layer in layers}
    table, facts = folder / "mixtures.csv", folder / "mixtures.json"
    save(table, _csv(scores))
    save(facts, _json(moon, scores, held_out=held_out))
    return MixtureCheck(moon, held_out, scores, drawn.path, table, facts)


def _compare(cube: Cube, layer: MapLayer, truth: NDArray[np.float64]) -> ComparedMap:
    found = _values(cube, layer)
    ends = [_end(cube, layer, end) for end in ("lower", "upper")]
    lower, upper = (None if end is None else _values(cube, end) for end in ends)
    if not np.isfinite(found).any():
        raise ModelError(
            f"{layer.model} gives no value of {layer.quantity} anywhere on these mixtures; check "
            "that it is made for reflectances as the Clementine table has them"
        )
    scored = agreement(
        truth,
        found,
        areas=cube.grid.pixel_areas_m2(),
        interval=None if lower is None or upper is None else (lower, upper),
    )
    units = QUANTITIES[layer.quantity].units
    as_drawn = truth.astype(np.float32), found.astype(np.float32)
    return ComparedMap(layer.name, units, layer.model, *as_drawn, scored)


def _end(cube: Cube, layer: MapLayer, end: str) -> MapLayer | None:
    """The layer of an interval's end: the same model's, or the only one that there is."""
    found = [x for x in cube.layout.layers if x.quantity == f"{layer.quantity}_{end}"]
    own = [x for x in found if x.model == layer.model]
    return next(iter(own or found), None) if len(own or found) == 1 else None


def _values(cube: Cube, layer: MapLayer) -> NDArray[np.float64]:
    """A whole layer in its units, NaN where it has no value."""
    counts = cube.read(layer.name, cube.grid.window).astype(np.float64)
    return np.where(counts == NO_DATA, np.nan, counts * layer.quantum)


def _title(moon: MixturesMoon, *, held_out: bool) -> str:
    what = "held-out stations" if held_out else "stations that the models were fitted to"
    return f"Simulated mixtures of {len(moon.stations)} {what}, mapped"


def _lines(moon: MixturesMoon) -> tuple[str, ...]:
    names = ", ".join(station.name for station in moon.stations)
    return (
        f"SIMULATED: {names}.",
        "Areal (linear) mixtures of spectra, soils mixed with the same shares; noise "
        f"{100 * moon.noise:g} % of a reflectance, counts rounded. Figures are weighted by area.",
    )


def _csv(scores: dict[str, tuple[MapLayer, Agreement]]) -> str:
    records = _records(scores)
    return records_csv(records, list(records[0]))


def _records(scores: dict[str, tuple[MapLayer, Agreement]]) -> list[dict[str, object]]:
    return [
        {
            "layer": name,
            "model": layer.model,
            "units": QUANTITIES[layer.quantity].units,
            **asdict(scored),
        }
        for name, (layer, scored) in scores.items()
    ]


def _json(
    moon: MixturesMoon, scores: dict[str, tuple[MapLayer, Agreement]], *, held_out: bool
) -> str:
    facts = {
        "simulated": True,
        "stations": [{"number": s.number, "name": s.name, "site": s.site} for s in moon.stations],
        "held_out": held_out,
        "mixing": "areal: reflectance and soils mixed linearly with the same shares",
        "relative_noise": moon.noise,
        "seed": moon.seed,
        "scores": _records(scores),
    }
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def check_table(check: MixtureCheck) -> Table:
    """The figures for a terminal, a layer a row."""
    title = _title(check.moon, held_out=check.held_out)
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("layer", no_wrap=True)
    for heading in ("R²", "RMSE", "bias", "95 % of differences", "in interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, (layer, scored) in check.scores.items():
        digits = 3 if QUANTITIES[layer.quantity].units == "1" else 2
        low, high, rmse, bias = (
            f"{value:.{digits}f}" for value in (scored.low, scored.high, scored.rmse, scored.bias)
        )
        covered = "–" if scored.coverage is None else f"{100 * scored.coverage:.1f} %"
        table.add_row(name, f"{scored.r2:.3f}", rmse, bias, f"{low} to {high}", covered)
    models = dict.fromkeys(layer.model for layer, _ in check.scores.values())
    pixels = max(scored.pixels for _, scored in check.scores.values())
    table.caption = (
        f"By {', '.join(models)}, over {pixels:,} SIMULATED pixels, weighted by area; wt % but of "
        "Mg#. In interval: share of the area whose interval holds the truth."
    )
    table.caption_justify = "left"
    return table
