"""Fine-tune: what one landing site's truth changes in a network that was trained without it."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

import lunarscale
from lunarscale.errors import TrainingError
from lunarscale.models.card import Card
from lunarscale.models.signature import Output
from lunarscale.quantities import QUANTITIES
from lunarscale.render.figure import Illustration
from lunarscale.render.predictions import PredictionPanel, draw_predictions
from lunarscale.steps.saving import save, save_table
from lunarscale.steps.train import (
    LICENCE,
    network_kind,
    network_name,
    oxides_of,
    stations_facts,
    stations_for,
)
from lunarscale.training.batched import Trained, train
from lunarscale.training.domain import Domain
from lunarscale.training.export import export
from lunarscale.training.graph import BLOCK_PIXELS
from lunarscale.training.mg_number import with_mg_number
from lunarscale.training.networks import Recipe
from lunarscale.training.samples import Floats, Samples, samples_of

#: The site whose truth the published fine-tuning brings in.
SITE = "Chang'e-6"

#: The rate of fine-tuning against that of training, and its epochs against training's. The
#: published schedule is not public; these are ours.
RATE, EPOCHS = 0.1, 0.5

#: Beginnings of the names of the layers that stay as they are when early layers are frozen.
EARLY = {
    "residual": ("conv.", "norm.", "block1.", "block2."),
    "yang-2023": ("conv1.", "norm1.", "conv2.", "norm2.", "conv3.", "norm3."),
    "qiu-2025": ("conv1.", "conv2."),
}

BEFORE, AFTER, FROZEN = "before", "after", "after, early layers frozen"


@dataclass(frozen=True, eq=False)
class FineTuning:
    """A network before and after it learnt from one more site.

    Parameters
    ----------
    site : str
    samples : Samples
    stages : dict of str to Trained
        Before, after, and after with early layers frozen; fold 0 of each is the model.
    warnings : tuple of str
        What is doubtful about the stations.
    facts : dict
        What a card says of where the stations come from.
    """

    site: str
    samples: Samples
    stages: dict[str, Trained]
    warnings: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    def predicted(self, stage: str, oxide: str) -> Floats:
        """The mean of the seeds at every station, (sample,), wt %."""
        trained = self.stages[stage]
        place = trained.oxides.index(oxide)
        return np.asarray(trained.predictions[0, place].mean(axis=0))

    @property
    def oxides(self) -> tuple[str, ...]:
        """What the networks give."""
        return self.stages[BEFORE].oxides


def fine_tune(
    network: str,
    *,
    site: str = SITE,
    camera: str | None = None,
    oxides: Sequence[str] = (),
    seeds: int = 4,
    epochs: int | None = None,
    stations: str | None = None,
    fractions: bool | None = None,
    progress: Callable[[int, int], None] = lambda done, todo: None,
) -> FineTuning:
    """Train without a landing site, then go on with it at a tenth of the rate.

    Parameters
    ----------
    network : str
        A name of ``lunarscale.training.networks.NETWORKS``.
    site : str
        The landing site that comes in last.
    camera, oxides, stations, fractions
        As ``steps.train.train`` takes them.
    seeds : int
        Networks an oxide; their mean is used.
    epochs : int, optional
        At most, of the first training, instead of the paper's.
    progress : callable, optional
        Told networks trained and all of them.

    Raises
    ------
    TrainingError
        If no station, or every one, is of the site, or a training diverged.
    StationError
        If the table is faulty, or the stations without the site are too few.
    """
    kind, chosen = network_kind(network, camera)
    wanted = oxides_of(oxides, kind.oxides)
    found, warnings = stations_for(chosen, stations, fractions=fractions)
    samples = samples_of(found, chosen)
    inside = np.array([name == site for name in samples.sites])
    if not inside.any() or inside.all():
        raise TrainingError(
            f"{inside.sum()} of {len(samples)} stations are of the site {site!r}; name one of "
            f"{', '.join(dict.fromkeys(samples.sites))}"
        )
    first = kind.recipe if epochs is None else replace(kind.recipe, epochs=epochs)
    every = np.arange(len(samples))
    Domain.of(samples, every[~inside])  # refuses too few before minutes of training
    for oxide in wanted:
        samples.rows(oxide, at_least=4)
    without, whole = (every[~inside], every[inside]), (every, every[:0])
    models = 3 * len(wanted) * seeds

    def learn(stage: str, start: Trained | None, done: int) -> Trained:
        made = train(
            kind, samples, wanted, seeds=range(seeds), start=start,
            folds=[without if start is None else whole],
            recipe=first if start is None else _lower(first),
            freeze=EARLY[kind.name] if stage == FROZEN else (),
            progress=lambda now, _: progress(done + now, models),
        )  # fmt: skip
        if made.diverged.any():
            raise TrainingError(
                f"{network}, {stage}: the loss stopped being finite, and nothing is exported; "
                "check the stations, or use fewer epochs"
            )
        return made

    before = learn(BEFORE, None, 0)
    after = {
        stage: learn(stage, before, number * models // 3)
        for number, stage in enumerate((AFTER, FROZEN), start=1)
    }
    facts = stations_facts(chosen, stations, ())
    return FineTuning(site, samples, {BEFORE: before, **after}, warnings, facts)


def _lower(recipe: Recipe) -> Recipe:
    """The recipe of going on: a lower rate, fewer epochs."""
    epochs = max(1, int(recipe.epochs * EPOCHS))
    return replace(recipe, learning_rate=recipe.learning_rate * RATE, epochs=epochs)


def write(tuning: FineTuning, folder: Path) -> list[Path]:
    """Write each stage as a model file, every station's predictions, and the figure."""
    written = [_write_model(tuning, stage, folder) for stage in tuning.stages]
    stages = [stage.replace(", ", "_").replace(" ", "_") for stage in tuning.stages]
    columns = (f"{stage}_wt_pct" for stage in stages)
    header = ("station", "site", "estimated", "oxide", "measured_wt_pct", *columns)
    table = save_table(folder / "fine-tuning.csv", header, _rows(tuning))
    return [*written, table, draw(tuning, folder / "fine-tuning.png").path]


def _rows(tuning: FineTuning) -> Iterator[tuple[object, ...]]:
    samples = tuning.samples
    for oxide in tuning.oxides:
        predicted = [tuning.predicted(stage, oxide) for stage in tuning.stages]
        for row in samples.rows(oxide):
            values = (round(float(values[row]), 4) for values in predicted)
            measured = samples.target(oxide)[row]
            estimated = "yes" if samples.estimated[row] else "no"
            yield (samples.names[row], samples.sites[row], estimated, oxide, measured, *values)


def draw(tuning: FineTuning, path: Path) -> Illustration:
    """Both models at every station: hollow before, filled after."""
    samples, panels = tuning.samples, []
    for oxide in tuning.oxides:
        rows = samples.rows(oxide)
        after, before = (tuning.predicted(stage, oxide)[rows] for stage in (AFTER, BEFORE))
        sites = tuple(samples.sites[row] for row in rows)
        at = [index for index, site in enumerate(sites) if site == tuning.site]
        told = f"{tuning.site}: {before[at].mean():.2f} → {after[at].mean():.2f}" if at else ""
        panels.append(
            PredictionPanel(
                oxide,
                samples.target(oxide)[rows],
                after,
                before,
                sites,
                told,
                estimated=tuple(bool(samples.estimated[row]) for row in rows),
            )
        )
    marks = (f"fine-tuned on {tuning.site}", "trained without it")
    name = tuning.stages[BEFORE].kind.name
    return draw_predictions(panels, model=name, path=path, marks=marks)


def change_table(tuning: FineTuning) -> Table:
    """What changes at the site, and elsewhere, an oxide a row."""
    name = tuning.stages[BEFORE].kind.name
    title = f"{name}: what {tuning.site} changes, wt %"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("oxide")
    stages = ("before", "after", "frozen")
    headings = ("measured", *stages, *(f"RMSE\n{stage}" for stage in stages))
    for heading in headings:
        table.add_column(heading, justify="right")
    samples = tuning.samples
    inside = np.array([site == tuning.site for site in samples.sites])
    for oxide in tuning.oxides:
        target = samples.target(oxide)
        predicted = [tuning.predicted(stage, oxide) for stage in tuning.stages]
        others = ~inside & np.isfinite(target)
        errors = [np.sqrt(np.mean((p[others] - target[others]) ** 2)) for p in predicted]
        means = [np.nanmean(target[inside]), *(p[inside].mean() for p in predicted)]
        table.add_row(oxide, *(f"{value:.2f}" for value in (*means, *errors)))
    table.caption = (
        f"Before: a prediction, as {tuning.site} was held out; after: it was learnt from. "
        "Frozen: the same, with the early layers as they were. RMSE at all other stations, which "
        "every one of them learnt from."
    )
    table.caption_justify = "left"
    return table


def _write_model(tuning: FineTuning, stage: str, folder: Path) -> Path:
    trained, samples = tuning.stages[stage], tuning.samples
    words = {BEFORE: "without", AFTER: "with", FROZEN: "with-frozen"}
    site = re.sub(r"\W+", "-", tuning.site.lower().replace("'", "")).strip("-")
    name = f"{network_name(trained.kind)}-{words[stage]}-{site}"
    learnt = np.array([site != tuning.site or stage != BEFORE for site in samples.sites])
    domain = Domain.of(samples, np.flatnonzero(learnt))
    card = Card(
        name=name,
        camera=trained.camera,
        bands_nm=trained.bands_nm,
        outputs=tuple(Output(q, q, QUANTITIES[q].units) for q in with_mg_number(trained.oxides)),
        distance_limit=domain.limit,
        block_pixels=BLOCK_PIXELS,
        description=f"{trained.kind.name}, {stage} fine-tuning on {tuning.site}",
        source=trained.kind.source,
        licence=LICENCE,
        version=lunarscale.__version__,
        training={"stations": samples.digest, **tuning.facts, "n": int(learnt.sum()),
                  "seeds": list(trained.seeds),
                  "estimated spectra": [
                      name for name, has, made in zip(samples.names, learnt, samples.estimated,
                                                      strict=True) if has and made],
                  "judged": "at no held-out station; `lunarscale train` judges the network",
                  "rate": RATE, "epochs": EPOCHS, "frozen": list(EARLY[trained.kind.name])
                  if stage == FROZEN else []},
    )  # fmt: skip
    return save(folder / f"{name}.onnx", export(trained, card, distance=domain.write))
