"""All folds, oxides and seeds of a network, trained at once.

A model is one (fold, oxide, seed). Some of them at a time are stacked and mapped by
``torch.func.vmap``; each draws its first weights from a generator of its own, so what is learnt
does not depend on what it was stacked with, nor on the number of threads. Held-out rows touch
nothing: inputs and targets are standardised by the training rows, and stopping watches the
training loss.

Stacks are trained side by side, one a core, each on one thread. Measured on two cores, 400 models
of Qiu's network, 40 epochs: 3.7 s on one thread, 2.4 s so; torch's own two threads only wait for
each other (128 models: 2.0 s on one thread, 18 s on its two, beside other people's work).
"""

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from itertools import groupby, product

import numpy as np
import torch
from numpy.typing import NDArray

from lunarscale.errors import TrainingError
from lunarscale.training.features import feature_matrix
from lunarscale.training.matrix_form import Tensors, matrix_form, torch_form
from lunarscale.training.networks import NetworkKind, Recipe
from lunarscale.training.samples import Floats, Rows, Samples
from lunarscale.training.stack import EVEN, Batch, Stack, steps_of

Fold = tuple[Rows, Rows]


@dataclass(frozen=True)
class Scaler:
    """What standardises a model's inputs and its target.

    Parameters
    ----------
    mean, deviation : ndarray of float64, (input,)
        Of the rows it learnt from, in the inputs' units.
    target_mean, target_deviation : float
        wt %.
    """

    mean: Floats
    deviation: Floats
    target_mean: float
    target_deviation: float


@dataclass(frozen=True, eq=False)
class Trained:
    """What came of training.

    Parameters
    ----------
    kind : NetworkKind
    camera : str
    bands_nm : tuple of int
        What the networks read.
    oxides : tuple of str
    seeds : tuple of int
    inputs : dict of str to tuple of str
        Names of the features read for each oxide.
    predictions : ndarray of float64, (fold, oxide, seed, row)
        wt % of every row by every model, of held-out rows and others; NaN if it diverged.
    losses : ndarray of float64, (fold, oxide, seed)
        Training loss at the epoch whose weights were kept, of standardised targets.
    epochs : ndarray of int, (fold, oxide, seed)
        That epoch.
    diverged : ndarray of bool, (fold, oxide, seed)
        Whether the loss stopped being finite.
    scalers : dict of (int, str) to Scaler
        By fold and oxide.
    """

    kind: NetworkKind
    camera: str
    bands_nm: tuple[int, ...]
    oxides: tuple[str, ...]
    seeds: tuple[int, ...]
    inputs: dict[str, tuple[str, ...]]
    predictions: Floats
    losses: Floats
    epochs: NDArray[np.int64]
    diverged: NDArray[np.bool_]
    scalers: dict[tuple[int, str], Scaler]
    _parameters: dict[tuple[int, str, int], dict[str, NDArray[np.float32]]] = field(repr=False)

    def parameters(self, fold: int, oxide: str, seed: int) -> dict[str, NDArray[np.float32]]:
        """A model's parameters and running averages, as its torch module's ``state_dict``.

        Raises
        ------
        TrainingError
            If it diverged, or parameters were not kept.
        """
        where = (fold, self.oxides.index(oxide), self.seeds.index(seed))
        told = f"{self.kind.name} for {oxide}, fold {fold}, seed {seed}"
        if self.diverged[where]:
            raise TrainingError(
                f"{told} diverged after {self.epochs[where]} epochs and is not used; train with "
                "another seed or a lower learning rate"
            )
        if (fold, oxide, seed) not in self._parameters:
            raise TrainingError(f"{told}: its parameters were not kept; train with keep=True")
        return self._parameters[fold, oxide, seed]


@dataclass(frozen=True)
class _Job:
    """One model to train."""

    fold: int
    oxide: str
    seed: int


def train(
    kind: NetworkKind,
    samples: Samples,
    oxides: Sequence[str],
    *,
    folds: Sequence[Fold],
    seeds: Sequence[int],
    leaky: bool = False,
    recipe: Recipe | None = None,
    epochs: int | None = None,
    start: Trained | None = None,
    freeze: Sequence[str] = (),
    keep: bool = True,
    together: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Trained:
    """Train a network for every fold, oxide and seed.

    Parameters
    ----------
    kind : NetworkKind
    samples : Samples
        Rows without an oxide are left out of its training.
    oxides : sequence of str
    folds : sequence of (ndarray of int, ndarray of int)
        Rows to learn from and rows held out; none held out for a model that is to be used.
    seeds : sequence of int
    leaky : bool
        As the open code does it, for comparison only: standardised by all rows, and the weights of
        the epoch that is best on the held-out rows.
    recipe : Recipe, optional
        The network's own if not given.
    epochs : int, optional
        At most, instead of the recipe's.
    start : Trained, optional
        Models of the same folds, oxides and seeds to go on from, with their scalers.
    freeze : sequence of str
        Beginnings of the names of layers that keep their parameters and running averages.
    keep : bool
        Whether to keep every model's parameters (0.7 MB a model of yang-2023, 2.4 of residual).
    together : int, optional
        Models stacked at a time on each core, rounded up to a multiple of eight; bounds memory
        and changes no result.
    progress : callable, optional
        Called with the models done and all of them.

    Raises
    ------
    TrainingError
        If the network is not for the camera, no station has an oxide, a fold has too little to
        learn from, or ``start`` is of other models.
    """
    recipe = recipe or kind.recipe
    recipe = recipe if epochs is None else replace(recipe, epochs=epochs)
    inputs = {
        oxide: kind.inputs(oxide, camera=samples.camera, bands_nm=samples.bands_nm)
        for oxide in oxides
    }
    told = _Told(kind, samples, inputs, tuple(folds), leaky)
    if start is not None:
        _check_start(start, told, seeds)
    shape = (len(folds), len(oxides), len(seeds))
    trained = Trained(
        kind, samples.camera, samples.bands_nm, tuple(oxides), tuple(seeds), inputs,
        predictions=np.full((*shape, len(samples)), np.nan), losses=np.full(shape, np.nan),
        epochs=np.zeros(shape, np.int64), diverged=np.zeros(shape, np.bool_),
        scalers={
            (fold, oxide): start.scalers[fold, oxide] if start else told.scaler(fold, oxide)
            for fold, oxide in product(range(len(folds)), oxides)
        }, _parameters={},
    )  # fmt: skip

    def learn(jobs: list[_Job]) -> int:
        stack = _stack(jobs, told, trained, start, tuple(freeze), recipe)
        stack.train()
        _take(jobs, stack, told, trained, keep)
        return len(set(jobs))

    done = 0
    for models in _side_by_side(
        learn, list(_stacks(told, seeds, recipe, together=together or kind.together))
    ):
        done += models
        if progress is not None:
            progress(done, trained.losses.size)
    return trained


def _side_by_side(learn: Callable[[list[_Job]], int], stacks: list[list[_Job]]) -> Iterator[int]:
    """What ``learn`` returns for each stack, as they end: one a core, torch on one thread."""
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(os.cpu_count())
    torch.set_num_threads(1)
    try:
        for ended in as_completed([pool.submit(learn, jobs) for jobs in stacks]):
            yield ended.result()
    finally:  # also where one of them failed, or the user has had enough
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class _Told:
    """What the models are told: features, targets, folds."""

    kind: NetworkKind
    samples: Samples
    inputs: dict[str, tuple[str, ...]]
    folds: tuple[Fold, ...]
    leaky: bool

    def features(self, oxide: str) -> Floats:
        """(row, input)."""
        return feature_matrix(self.inputs[oxide], self.samples.reflectance, self.samples.bands_nm)

    def known(self, rows: Rows, oxide: str) -> Rows:
        """Those of the rows that have the oxide."""
        return rows[np.isfinite(self.samples.target(oxide)[rows])]

    def learnt(self, fold: int, oxide: str) -> Rows:
        """The rows that a fold's models learn from.

        Raises
        ------
        TrainingError
            If there are fewer than two.
        """
        rows = self.known(np.asarray(self.folds[fold][0], dtype=np.intp), oxide)
        if rows.size < 2:
            raise TrainingError(
                f"{self.kind.name}: fold {fold} has {rows.size} station(s) with {oxide} to learn "
                "from, and a network needs two at least; hold out fewer stations"
            )
        return rows

    def scaler(self, fold: int, oxide: str) -> Scaler:
        """Mean and deviation of the rows learnt from, or of all if leaky."""
        rows = self.learnt(fold, oxide)
        if self.leaky:
            rows = self.known(np.arange(len(self.samples)), oxide)
        x, y = self.features(oxide)[rows], self.samples.target(oxide)[rows]
        spans = {**dict(zip(self.inputs[oxide], np.ptp(x, axis=0), strict=True)), oxide: np.ptp(y)}
        for name, span in spans.items():
            if not span > 0.0:
                raise TrainingError(
                    f"{self.kind.name}: {name} is the same at all {rows.size} stations that fold "
                    f"{fold} learns {oxide} from, or not defined at one of them; hold out fewer "
                    "stations, check their spectra, or leave out the oxide"
                )
        return Scaler(x.mean(axis=0), x.std(axis=0), float(y.mean()), float(y.std()))


def _stacks(
    told: _Told, seeds: Sequence[int], recipe: Recipe, *, together: int
) -> Iterator[list[_Job]]:
    """Models of one shape and as many steps, so many at a time.

    Where the last ones are too few for a stack, one of them is there again.
    """
    together = math.ceil(together / EVEN) * EVEN

    def shape(job: _Job) -> tuple[int, int]:
        rows = told.learnt(job.fold, job.oxide).size
        return len(told.inputs[job.oxide]), steps_of(recipe, rows)

    models = [_Job(*job) for job in product(range(len(told.folds)), told.inputs, seeds)]
    for _, alike in groupby(sorted(models, key=shape), key=shape):
        jobs = list(alike)
        for first in range(0, len(jobs), together):
            some = jobs[first : first + together]
            yield some + some[-1:] * (-len(some) % EVEN)


def _stack(
    jobs: list[_Job], told: _Told, trained: Trained, start: Trained | None,
    freeze: tuple[str, ...], recipe: Recipe,
) -> Stack:  # fmt: skip
    module = told.kind.module(len(told.inputs[jobs[0].oxide]))
    module.requires_grad_(False)
    generators = [_generator(job, told) for job in jobs]
    states: list[Tensors] = []
    for job, generator in zip(jobs, generators, strict=True):
        if start is None:
            told.kind.initialise(module, generator)
            state = {name: value.clone() for name, value in module.state_dict().items()}
        else:
            kept = start.parameters(job.fold, job.oxide, job.seed)
            state = {name: torch.from_numpy(value.copy()) for name, value in kept.items()}
        states.append(matrix_form(state))
    features = {oxide: told.features(oxide) for oxide in {job.oxide for job in jobs}}
    scalers = [trained.scalers[job.fold, job.oxide] for job in jobs]
    x = [(features[j.oxide] - s.mean) / s.deviation for j, s in zip(jobs, scalers, strict=True)]
    y = [
        np.nan_to_num((told.samples.target(job.oxide) - s.target_mean) / s.target_deviation)
        for job, s in zip(jobs, scalers, strict=True)
    ]
    return Stack(
        module,
        recipe,
        tensors={name: torch.stack([state[name] for state in states]) for name in states[0]},
        inputs=torch.from_numpy(np.stack(x).astype(np.float32)),
        targets=torch.from_numpy(np.stack(y).astype(np.float32)),
        learnt=[torch.from_numpy(told.learnt(job.fold, job.oxide)) for job in jobs],
        watched=_held_out(jobs, told) if told.leaky else None,
        generators=generators,
        frozen=freeze,
    )


def _held_out(jobs: list[_Job], told: _Told) -> Batch:
    """The held-out rows, for those who look at them."""
    rows = [told.known(np.asarray(told.folds[job.fold][1], np.intp), job.oxide) for job in jobs]
    return Batch.of([torch.from_numpy(row) for row in rows], len(told.samples))


def _generator(job: _Job, told: _Told) -> torch.Generator:
    """A model's own chance, which depends on nothing but what it is."""
    rows = np.asarray(told.folds[job.fold][0]).tolist()
    text = json.dumps([told.kind.name, job.seed, job.oxide, rows])
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")
    return torch.Generator().manual_seed(number)


def _take(jobs: list[_Job], stack: Stack, told: _Told, trained: Trained, keep: bool) -> None:
    """Move what a stack has learnt to where it is kept."""
    predicted = stack.predict().double().numpy()
    for index, job in enumerate(jobs):
        where = (job.fold, trained.oxides.index(job.oxide), trained.seeds.index(job.seed))
        trained.losses[where] = float(stack.losses[index])
        trained.epochs[where] = int(stack.epochs[index])
        trained.diverged[where] = bool(stack.diverged[index])
        if trained.diverged[where]:
            continue
        scaler = trained.scalers[job.fold, job.oxide]
        trained.predictions[where] = predicted[index] * scaler.target_deviation + scaler.target_mean
        if keep:
            own = {name: value[index] for name, value in stack.chosen.items()}
            state = torch_form(own, stack.module)
            trained._parameters[job.fold, job.oxide, job.seed] = {
                name: value.numpy() for name, value in state.items()
            }


def _check_start(start: Trained, told: _Told, seeds: Sequence[int]) -> None:
    same = (
        start.kind.name == told.kind.name
        and {oxide: start.inputs.get(oxide) for oxide in told.inputs} == told.inputs
        and set(seeds) <= set(start.seeds)
        and len(told.folds) == len(start.predictions)
    )
    if not same:
        raise TrainingError(
            f"{told.kind.name} cannot go on from {start.kind.name} of {len(start.predictions)} "
            f"fold(s), {', '.join(start.oxides)}, seeds {list(start.seeds)}: give models of the "
            "same network, camera, folds, oxides and seeds"
        )
