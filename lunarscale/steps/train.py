"""Train: a published network on the stations, judged by what it never saw, as model files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import lunarscale
from lunarscale.bands import camera_name
from lunarscale.errors import StationError, TrainingError
from lunarscale.models.card import LEFT_OUT, TABLE, Card
from lunarscale.models.signature import Output
from lunarscale.plurals import several
from lunarscale.quantities import QUANTITIES
from lunarscale.stations import OXIDES, Station, built_in_table, read_stations
from lunarscale.steps.saving import save
from lunarscale.training.cross_calibration import cross_calibrated_stations
from lunarscale.training.cross_validation import NetworkRun, cross_validate
from lunarscale.training.domain import Domain
from lunarscale.training.export import export
from lunarscale.training.folds import leave_one_mission_out
from lunarscale.training.graph import BLOCK_PIXELS
from lunarscale.training.mg_number import made_of, with_mg_number
from lunarscale.training.networks import NETWORKS, NetworkKind
from lunarscale.training.samples import Samples, samples_of
from lunarscale.training.scoreboard import Line, scoreboard

CLEMENTINE, KAGUYA = "clementine-uvvis", "kaguya-mi"

#: The licence of what we train; the stations' figures are facts.
LICENCE = "Apache-2.0"


@dataclass(frozen=True)
class Training:
    """A trained network with its scores, before and after it is written.

    Parameters
    ----------
    run : NetworkRun
    samples : Samples
    lines : list of Line
    warnings : tuple of str
        What is doubtful about the stations, and models that diverged.
    domain : Domain
        Where the stations' spectra lie.
    facts : dict
        What a card says of where the stations come from.
    """

    run: NetworkRun
    samples: Samples
    lines: list[Line]
    warnings: tuple[str, ...]
    domain: Domain
    facts: dict[str, Any]


def stations_for(
    camera: str,
    table: str | None = None,
    *,
    fractions: bool | None = None,
    cross_calibrated: bool = True,
    without: Sequence[int] = (),
) -> tuple[tuple[Station, ...], tuple[str, ...]]:
    """The stations to learn from, and what is doubtful about them.

    Parameters
    ----------
    camera : str
        ``clementine-uvvis`` or ``kaguya-mi``.
    table : str, optional
        A user's CSV; the package's own table if none.
    fractions : bool, optional
        Whether its oxides are weight fractions; asked about where it looks so.
    cross_calibrated : bool
        Whether to add Chang'e-5 and Chang'e-6 with Clementine spectra estimated from Kaguya MI's,
        to the package's own Clementine table only.
    without : sequence of int
        Numbers of stations to leave out of everything.

    Raises
    ------
    StationError
        If the table is faulty, or there is no station of a number.
    """
    if table is None:
        read = built_in_table(camera)
    else:
        read = read_stations(table, camera, fractions=fractions)
    known = {station.number for station in read.stations}
    if strange := [number for number in without if number not in known]:
        raise StationError(
            f"there is no station {strange[0]} among the {len(known)} of {read.title} to leave "
            "out; `lunarscale stations --soils` lists them by number"
        )
    kept = tuple(station for station in read.stations if station.number not in without)
    if table is not None:
        return kept, read.warnings
    added = cross_calibrated_stations() if cross_calibrated and camera == CLEMENTINE else ()
    return (*kept, *added), ()


def stations_facts(camera: str, table: str | None, without: Sequence[int]) -> dict[str, Any]:
    """What a card says of where the stations come from."""
    own: dict[str, Any] = {"targets": TARGETS[camera], LEFT_OUT: list(without)}
    return own if table is None else own | {"targets": "the table's", TABLE: Path(table).name}


def lacking(samples: Samples, oxides: Sequence[str]) -> tuple[str, ...]:
    """How many stations each oxide has to do without, where any."""
    return tuple(
        f"{oxide}: {count} of {len(samples)} stations lack it and are left out"
        for oxide, count in samples.left_out().items()
        if oxide in oxides
    )


def network_kind(name: str, camera: str | None) -> tuple[NetworkKind, str]:
    """A network and the camera to train it for: the paper's own unless one is named.

    Raises
    ------
    TrainingError
        If there is no such network, or it does not read what the camera sees.
    """
    if name not in NETWORKS:
        raise TrainingError(f"there is no network {name!r}; train {', '.join(NETWORKS)}")
    kind = NETWORKS[name]
    chosen = kind.cameras[0] if camera is None else camera_name(camera)
    if chosen not in kind.cameras:
        raise TrainingError(
            f"{name} is made for {' and '.join(kind.cameras)}, not {chosen}; train another "
            "network, or leave out --camera"
        )
    return kind, chosen


def train(
    network: str,
    *,
    camera: str | None = None,
    oxides: Sequence[str] = (),
    seeds: int = 8,
    stations: str | None = None,
    fractions: bool | None = None,
    cross_calibrated: bool = True,
    without: Sequence[int] = (),
    epochs: int | None = None,
    shared: bool = False,
    leaky: bool = True,
    progress: Callable[[int, int], None] = lambda done, todo: None,
) -> Training:
    """Train a network on all stations, and once for every station and landing site held out.

    Parameters
    ----------
    network : str
        A name of ``lunarscale.training.networks.NETWORKS``.
    camera : str, optional
        ``clementine`` or ``kaguya-mi``; the paper's own if none.
    oxides : sequence of str
        Those of the paper if none are named.
    seeds : int
        Networks of one oxide whose mean is the model.
    stations : str, optional
        A user's table of stations.
    fractions : bool, optional
        Whether its oxides are weight fractions; asked about where it looks so.
    cross_calibrated : bool
        Whether to learn from the estimated spectra of Chang'e-5 and Chang'e-6 too.
    without : sequence of int
        Numbers of stations to leave out of everything.
    epochs : int, optional
        At most, instead of the paper's.
    shared : bool
        Whether to judge also with all stations held out that share a spectrum or a soil.
    leaky : bool
        Whether to show what the leaky protocol of the open code would have told.
    progress : callable, optional
        Told networks trained and all of them.

    Raises
    ------
    TrainingError, StationError
        If it cannot be trained, or the networks of all stations diverged.
    """
    kind, chosen = network_kind(network, camera)
    wanted = oxides_of(oxides, kind.oxides)
    found, warnings = stations_for(
        chosen, stations, fractions=fractions, cross_calibrated=cross_calibrated, without=without
    )
    samples = samples_of(found, chosen)
    domain = Domain.of(samples, np.arange(len(samples)))
    warnings += lacking(samples, wanted) if stations is None else ()
    for oxide in wanted:
        _require_enough(samples, oxide)
    run = cross_validate(
        kind, samples, wanted, seeds=range(seeds), epochs=epochs, leaky=leaky, progress=progress,
        schemes=("LOO", "LOMO", *(["shared"] if shared else [])),
    )  # fmt: skip
    if run.final.diverged.any():
        raise TrainingError(
            f"{network}: {', '.join(run.diverged)}: the loss stopped being finite, and nothing is "
            "exported; check the stations, or use fewer epochs"
        )
    told = tuple(f"{what}: diverged and was left out of the mean" for what in run.diverged)
    lines = scoreboard(run, samples, own=stations is None)
    facts = stations_facts(chosen, stations, without)
    return Training(run, samples, lines, (*warnings, *told), domain, facts)


#: Stations that an oxide is learnt from, at least, whichever landing site is held out.
_AT_LEAST = 4


def _require_enough(samples: Samples, oxide: str) -> None:
    """Refuse too few stations, also without each landing site, before minutes of training."""
    rows = samples.rows(oxide, at_least=_AT_LEAST)
    for fold in leave_one_mission_out(samples, rows):
        if fold.train.size < _AT_LEAST:
            raise StationError(
                f"{oxide}: {fold.held_out.size} of the {rows.size} stations that have it are of "
                f"{fold.name}, which leaves {fold.train.size} where that landing site is held out "
                f"and {_AT_LEAST} are needed; add stations elsewhere, or leave the oxide out"
            )


def oxides_of(asked: Sequence[str], usual: Sequence[str]) -> tuple[str, ...]:
    """The oxides asked for, or the usual ones, in the order of everywhere.

    Raises
    ------
    StationError
        If one is no oxide of the stations.
    """
    unknown = [oxide for oxide in asked if oxide not in OXIDES]
    if unknown:
        raise StationError(f"{unknown[0]!r} is no oxide of the stations; use {', '.join(OXIDES)}")
    return tuple(oxide for oxide in OXIDES if oxide in (asked or usual))


def write_models(training: Training, folder: Path) -> list[Path]:
    """Write one model file an oxide, ``feo.onnx``, and one of all, with Mg#, ``oxides.onnx``."""
    oxides = training.run.final.oxides
    files: dict[str, tuple[str, ...]] = {f"{oxide.lower()}.onnx": (oxide,) for oxide in oxides}
    if len(oxides) > 1:
        files["oxides.onnx"] = with_mg_number(oxides)
    return [save(folder / name, model_of(training, of)) for name, of in files.items()]


def model_of(training: Training, quantities: Sequence[str]) -> bytes:
    """The model file of some of what was trained, with its card."""
    card = card_of(training, quantities)
    return export(training.run.final, card, distance=training.domain.write)


def network_name(kind: NetworkKind) -> str:
    """The name of a trained network, apart from its paper's equations: ``qiu-2025-cnn``."""
    return f"{kind.name}-cnn"


def card_of(training: Training, quantities: Sequence[str]) -> Card:
    """The card of a model file that gives some of what was trained."""
    final, samples = training.run.final, training.samples
    kind = final.kind
    scores = _scores(training.lines, kind.name)
    name = network_name(kind)
    name = name if len(quantities) > 1 else f"{name}-{quantities[0].lower()}"
    return Card(
        name=name,
        camera=final.camera,
        bands_nm=final.bands_nm,
        outputs=tuple(_output(quantity, scores) for quantity in quantities),
        distance_limit=training.domain.limit,
        block_pixels=BLOCK_PIXELS,
        description=(
            f"{kind.name}, the mean of {several(len(final.seeds), 'seed')}, trained by lunarscale"
        ),
        source=kind.source,
        licence=LICENCE,
        version=lunarscale.__version__,
        training={
            "stations": samples.digest,
            "n": {oxide: len(samples.rows(oxide)) for oxide in final.oxides},
            "estimated spectra": list(samples.estimated_names),
            **training.facts,
            "seeds": list(final.seeds),
            "where the paper is silent": kind.silent,
        },
        scores={oxide: scores[oxide] for oxide in quantities if oxide in scores},
    )


TARGETS = {
    CLEMENTINE: "FeO, TiO2: Wilcox 2005; other oxides: the soils of the Kaguya table",
    KAGUYA: "the soils of the Kaguya table, Apollo 15 put back at their stations; points 9 and 10, "
    "whose sites are unknown, count as sites of their own",
}


def _scores(lines: Sequence[Line], model: str) -> dict[str, dict[str, float]]:
    """Figures of a card: R2 and RMSE by oxide and scheme."""
    found: dict[str, dict[str, float]] = {}
    for line in lines:
        if line.model == model and line.score is not None:
            figures = found.setdefault(line.oxide, {})
            figures[f"R2 {line.scheme}"] = round(line.r2, 4)
            figures[f"RMSE {line.scheme}"] = round(line.score.rmse, 4)
    return found


def _output(quantity: str, scores: dict[str, dict[str, float]]) -> Output:
    units = QUANTITIES[quantity].units
    parts = made_of(quantity)
    told = [(p, scores[p]["R2 LOMO"]) for p in parts if scores.get(p, {}).get("R2 LOMO", 0.0) < 0.0]
    reason = "; ".join(f"{p}: R2 {r2:.2f} where a landing site was held out" for p, r2 in told)
    return Output(quantity, quantity, units, experimental=bool(told), reason=reason)
