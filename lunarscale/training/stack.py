"""A stack of models of one shape and its training: Adam, stopping, the rate's schedule.

Tensors have the model as their first axis. A model whose training is over leaves the stack, so
that the others go on faster.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import grad_and_value, vmap

from lunarscale.training.matrix_form import MatrixForm, Tensors
from lunarscale.training.networks import Recipe

#: Adam's decay of its two averages, in torch and in Keras.
_BETAS = 0.9, 0.999

#: The relative improvement that torch's ReduceLROnPlateau asks for.
_PLATEAU_THRESHOLD = 1e-4

#: Stacks are of a multiple of so many models. Sums over a model's rows are then taken in one order
#: whatever the stack's size, so that a model is the same bits in any company (measured: stacks of
#: 8, 16, 24 and 32 agree; of 1, 2, 4 and 7 they differ in the last digit).
EVEN = 8

#: A stack is packed anew when no more than this share of its models goes on.
_WORTH_REPACKING = 0.75

#: What a stack knows of each model.
_BY_MODEL = (
    "_x", "_y", "_at", "_going", "_rate", "_best", "_waited", "_plateau_best", "_plateau_epochs"
)  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """Rows of each model, filled up to equal numbers.

    Parameters
    ----------
    rows : Tensor of int64, (model, row)
    weights : Tensor of float32, (model, row)
        1, or 0 where filled up.
    """

    rows: Tensor
    weights: Tensor

    @classmethod
    def of(cls, rows: Sequence[Tensor], size: int) -> "Batch":
        """Rows of different numbers, at most ``size``, side by side."""
        filled = torch.zeros(len(rows), size, dtype=torch.int64)
        weights = torch.zeros(len(rows), size)
        for index, row in enumerate(rows):
            filled[index, : len(row)], weights[index, : len(row)] = row, 1.0
        return cls(filled, weights)

    def pick(self, models: Tensor) -> "Batch":
        """Of some of the models."""
        return Batch(self.rows[models], self.weights[models])


class Stack:
    """Models of one shape, trained together.

    Parameters
    ----------
    module : Module
        Their architecture.
    recipe : Recipe
    tensors : dict of str to Tensor, (model, ...)
        First parameters and running averages, in matrix form.
    inputs : Tensor, (model, row, input)
        Standardised, of all rows.
    targets : Tensor, (model, row)
        Standardised; any number where there is none.
    learnt : list of Tensor of int64
        Rows that each model learns from; for all of them as many steps an epoch (``steps_of``).
    watched : Batch or None
        Rows whose error chooses the epoch instead of the training loss (leaky).
    generators : list of Generator
        Each model's chance, for the order of its rows.
    frozen : tuple of str
        Beginnings of the names of layers that stay as they are.

    Attributes
    ----------
    chosen : dict of str to Tensor, (model, ...)
        Parameters and running averages of the chosen epochs.
    losses, epochs, diverged : Tensor, (model,)
        Training loss then, number of that epoch, whether the loss stopped being finite.
    """

    def __init__(
        self, module: nn.Module, recipe: Recipe, *, tensors: Tensors, inputs: Tensor,
        targets: Tensor, learnt: list[Tensor], watched: Batch | None,
        generators: list[torch.Generator], frozen: tuple[str, ...],
    ) -> None:  # fmt: skip
        self.module, self.recipe, self.frozen = module, recipe, frozen
        self._inputs = inputs
        self._learnt, self._watched, self._generators = learnt, watched, generators
        count, kind = len(inputs), inputs.dtype
        trained = {name for name, _ in module.named_parameters() if not _frozen(name, frozen)}
        self._moving = {name: value.clone() for name, value in tensors.items() if name in trained}
        self._still = {n: v.clone() for n, v in tensors.items() if n not in self._moving}
        self._first = {n: torch.zeros_like(v) for n, v in self._moving.items()}
        self._second = {n: torch.zeros_like(v) for n, v in self._moving.items()}
        self._rate = torch.full((count,), recipe.learning_rate, dtype=kind)
        self._plateau_best = torch.full((count,), math.inf, dtype=kind)
        self._plateau_epochs = torch.zeros(count, dtype=kind)
        self._best = torch.full((count,), math.inf, dtype=kind)
        self._waited = torch.zeros(count, dtype=kind)
        self._at = torch.arange(count)  # position in the results of each model still training
        self._going = torch.ones(count, dtype=torch.bool)
        self._x, self._y = inputs, targets
        self._steps = 0
        self.chosen = {name: value.clone() for name, value in tensors.items()}
        self.losses = torch.full((count,), math.nan, dtype=kind)
        self.epochs = torch.zeros(count, dtype=torch.int64)
        self.diverged = torch.zeros(count, dtype=torch.bool)
        self._gradient = vmap(grad_and_value(self._loss, has_aux=True))
        self._evaluate = vmap(lambda tensors, x: MatrixForm(tensors).apply(module, x)[:, 0])

    def train(self) -> None:
        """Train until every model has stopped."""
        several = steps_of(self.recipe, len(self._learnt[0])) > 1
        whole = [] if several else [self._told(Batch.of(self._learnt, self._x.shape[1]))]
        for epoch in range(1, self.recipe.epochs + 1):
            total, number = torch.zeros_like(self._best), torch.zeros_like(self._best)
            for x, y, weights in map(self._told, self._dealt()) if several else whole:
                size = weights.sum(1)
                total += self._step(x, y, weights) * size
                number += size
            self._judge(epoch, total / number)
            if not self._going.any():
                return
            if self._going.sum() <= _WORTH_REPACKING * len(self._going):
                live = self._going.nonzero()[:, 0]
                over = (~self._going).nonzero()[:, 0]
                self._repack(torch.cat([live, over[: -len(live) % EVEN]]))
                whole = [] if several else [self._told(Batch.of(self._learnt, self._x.shape[1]))]

    def predict(self) -> Tensor:
        """Standardised values of all rows by the chosen weights, (model, row)."""
        predicted: Tensor = self._evaluate(self.chosen, self._inputs)
        return predicted

    def _loss(
        self, moving: Tensors, still: Tensors, x: Tensor, y: Tensor, weights: Tensor
    ) -> tuple[Tensor, Tensors]:
        form = MatrixForm({**moving, **still}, weights, self.frozen)
        residual = form.apply(self.module, x)[:, 0] - y
        loss = (weights * residual * residual).sum() / weights.sum()
        if self.recipe.kernel_l2:
            kernels = [value for value in moving.values() if value.ndim == 2]
            loss = loss + self.recipe.kernel_l2 * sum((k * k).sum() for k in kernels)
        return loss, form.averages

    def _told(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs, targets and weights of a batch."""
        rows = batch.rows
        x = self._x.gather(1, rows[:, :, None].expand(-1, -1, self._x.shape[2]))
        return x, self._y.gather(1, rows), batch.weights.to(x.dtype)

    def _step(self, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """One step of Adam on a batch; its loss before the step, (model,)."""
        gradients, (loss, averages) = self._gradient(self._moving, self._still, x, y, weights)
        self._still.update(averages)
        self._steps += 1
        fast, slow = _BETAS
        shrink = math.sqrt(1.0 - slow**self._steps)
        rate = self._rate / (1.0 - fast**self._steps)
        for name, gradient in gradients.items():
            value, first, second = self._moving[name], self._first[name], self._second[name]
            if self.recipe.weight_decay:
                gradient = gradient + self.recipe.weight_decay * value
            first.lerp_(gradient, 1.0 - fast)
            second.mul_(slow).addcmul_(gradient, gradient, value=1.0 - slow)
            step = first / (second.sqrt() / shrink).add_(self.recipe.epsilon)
            value -= step * rate.view(-1, *[1] * (value.ndim - 1))
        losses: Tensor = loss
        return losses

    def _judge(self, epoch: int, loss: Tensor) -> None:
        """Choose weights, stop, lower rates."""
        lost = self._going & ~torch.isfinite(loss)
        self.diverged[self._at[lost]] = True
        self._going &= ~lost
        watched = loss if self._watched is None else self._error(self._watched)
        chooses = self._watched is not None or self.recipe.patience is not None
        better = self._going & (watched < self._best) if chooses else self._going.clone()
        if chooses or epoch == self.recipe.epochs:
            self._choose(better)
        self.losses[self._at[better]] = loss[better]
        self.epochs[self._at[better]] = epoch
        self._best = torch.where(better, watched, self._best)
        self._waited = torch.where(better, 0.0, self._waited + 1.0)
        self._schedule(watched)
        if self.recipe.patience is not None and self._watched is None:
            self._going &= self._waited < self.recipe.patience

    def _choose(self, better: Tensor) -> None:
        for name, value in (self._moving | self._still).items():
            self.chosen[name][self._at[better]] = value[better]

    def _error(self, batch: Batch) -> Tensor:
        predicted = self._evaluate(self._moving | self._still, self._x)
        squared = ((predicted - self._y) ** 2).gather(1, batch.rows)
        return (squared * batch.weights).sum(1) / batch.weights.sum(1).clamp(min=1.0)

    def _schedule(self, watched: Tensor) -> None:
        """torch's ReduceLROnPlateau, model by model."""
        if self.recipe.plateau is None:
            return
        factor, patience = self.recipe.plateau
        better = watched < self._plateau_best * (1.0 - _PLATEAU_THRESHOLD)
        self._plateau_best = torch.where(better, watched, self._plateau_best)
        self._plateau_epochs = torch.where(better, 0.0, self._plateau_epochs + 1.0)
        tired = self._plateau_epochs > patience
        self._rate = torch.where(tired, self._rate * factor, self._rate)
        self._plateau_epochs = torch.where(tired, 0.0, self._plateau_epochs)

    def _repack(self, models: Tensor) -> None:
        """Go on with some of the models."""
        for tensors in (self._moving, self._still, self._first, self._second):
            tensors.update({name: value[models] for name, value in tensors.items()})
        for name in _BY_MODEL:
            setattr(self, name, getattr(self, name)[models])
        self._learnt = [self._learnt[index] for index in models.tolist()]
        self._generators = [self._generators[index] for index in models.tolist()]
        self._watched = self._watched.pick(models) if self._watched is not None else None

    def _dealt(self) -> list[Batch]:
        """Every model's rows in an order of its own, dealt evenly to as few steps as it takes."""
        steps = steps_of(self.recipe, len(self._learnt[0]))
        dealt = [
            rows[torch.randperm(len(rows), generator=generator)].tensor_split(steps)
            for rows, generator in zip(self._learnt, self._generators, strict=True)
        ]
        size = math.ceil(self._x.shape[1] / steps)
        return [Batch.of(rows, size) for rows in zip(*dealt, strict=True)]


def steps_of(recipe: Recipe, rows: int) -> int:
    """Steps an epoch of a model that learns from so many rows."""
    return 1 if recipe.batch is None else math.ceil(rows / recipe.batch)


def _frozen(name: str, beginnings: tuple[str, ...]) -> bool:
    return bool(beginnings) and name.startswith(beginnings)
