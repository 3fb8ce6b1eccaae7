"""The stack's training against torch's own optimiser and schedule, model by model."""

import pytest
import torch

from lunarscale.training.matrix_form import matrix_form, torch_form
from lunarscale.training.networks import NETWORKS, NetworkKind, Recipe
from lunarscale.training.stack import Batch, Stack

ROWS, INPUTS = 12, 8


def stack_of(kind: NetworkKind, recipe: Recipe, models: int = 3, **options) -> Stack:
    """Models in float64, where rounding does not grow into the third digit."""
    states = []
    for seed in range(models):
        module = kind.module(INPUTS)
        kind.initialise(module, torch.Generator().manual_seed(seed))
        states.append(matrix_form({n: v.clone() for n, v in module.double().state_dict().items()}))
    generator = torch.Generator().manual_seed(5)
    draw = {"generator": generator, "dtype": torch.float64}
    given = {
        "tensors": {name: torch.stack([s[name] for s in states]) for name in states[0]},
        "inputs": torch.randn(models, ROWS, INPUTS, **draw),
        "targets": torch.randn(models, ROWS, **draw),
        "learnt": [torch.arange(ROWS - model) for model in range(models)],
        "watched": None,
        "generators": [torch.Generator().manual_seed(seed) for seed in range(models)],
        "frozen": (),
    }
    return Stack(module.requires_grad_(False), recipe, **(given | options))


@pytest.mark.parametrize("name", NETWORKS)
def test_training_is_what_torch_does_model_by_model(name: str) -> None:
    kind = NETWORKS[name]
    recipe = Recipe(
        3e-3, epochs=12, batch=None, kernel_l2=1e-3, weight_decay=1e-2, plateau=(0.5, 1)
    )
    stack = stack_of(kind, recipe)
    first = {name: value.clone() for name, value in stack.chosen.items()}
    stack.train()
    for model in range(3):
        network = kind.module(INPUTS).double()
        own = {name: value[model] for name, value in first.items()}
        network.load_state_dict(torch_form(own, network))
        adam = torch.optim.Adam(network.parameters(), lr=3e-3, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(adam, factor=0.5, patience=1)
        x, y = stack._inputs[model][: ROWS - model], stack._y[model][: ROWS - model]
        for _ in range(12):
            adam.zero_grad()
            kernels = (p for p in network.parameters() if p.ndim > 1)
            loss = ((network.train()(x)[:, 0] - y) ** 2).mean()
            loss = loss + 1e-3 * sum((kernel**2).sum() for kernel in kernels)
            loss.backward()
            adam.step()
            schedule.step(loss.detach())
        assert stack.losses[model] == pytest.approx(float(loss.detach()), rel=1e-6)
        assert stack._rate[model] == pytest.approx(schedule.get_last_lr()[0])
        with torch.no_grad():
            expected = network.eval()(stack._inputs[model])[:, 0]
        torch.testing.assert_close(stack.predict()[model], expected, rtol=1e-5, atol=1e-5)


def test_the_best_epoch_is_kept_and_patience_ends_training() -> None:
    recipe = Recipe(0.3, epochs=200, batch=None, patience=5)  # so fast that it jumps about
    stack = stack_of(NETWORKS["qiu-2025"], recipe)
    losses: list[torch.Tensor] = []
    judge = stack._judge

    def listen(epoch: int, loss: torch.Tensor) -> None:
        full = torch.full((3,), torch.inf, dtype=torch.float64)
        full[stack._at] = torch.where(stack._going, loss, torch.inf)
        losses.append(full)
        judge(epoch, loss)

    stack._judge = listen  # type: ignore[method-assign]
    stack.train()
    history = torch.stack(losses)
    for model in range(3):
        best = int(history[:, model].argmin())
        assert stack.epochs[model] == best + 1
        assert stack.losses[model] == history[best, model]
        trained = int(torch.isfinite(history[:, model]).sum())
        assert trained == min(best + 1 + 5, 200)


def test_more_rows_than_a_batch_are_dealt_evenly() -> None:
    recipe = Recipe(1e-3, epochs=1, batch=5)
    stack = stack_of(NETWORKS["qiu-2025"], recipe)
    dealt = stack._dealt()
    assert len(dealt) == 3
    for model in range(3):
        seen = torch.cat([b.rows[model][b.weights[model] > 0] for b in dealt])
        assert sorted(seen.tolist()) == list(range(ROWS - model))
        sizes = [int(b.weights[model].sum()) for b in dealt]
        assert max(sizes) - min(sizes) <= 1
    assert dealt[0].rows[0].tolist() != sorted(dealt[0].rows[0].tolist())


def test_a_diverged_model_leaves_the_others_alone() -> None:
    recipe = Recipe(1e-2, epochs=10, batch=None)
    kind = NETWORKS["yang-2023"]
    clean = stack_of(kind, recipe)
    clean.train()
    targets = clean._y.clone()
    targets[1, 0] = torch.inf
    broken = stack_of(kind, recipe, targets=targets)
    broken.train()
    assert broken.diverged.tolist() == [False, True, False]
    torch.testing.assert_close(broken.predict()[[0, 2]], clean.predict()[[0, 2]])


def test_frozen_layers_do_not_move() -> None:
    stack = stack_of(
        NETWORKS["residual"], Recipe(1e-2, epochs=3, batch=None), frozen=("conv", "norm", "block1")
    )
    before = {name: value.clone() for name, value in stack.chosen.items()}
    stack.train()
    for name, value in stack.chosen.items():
        still = name.startswith(("conv", "norm", "block1"))
        assert torch.equal(value, before[name]) == still, name


def test_rows_are_filled_up_with_weight_zero() -> None:
    batch = Batch.of([torch.tensor([3, 1]), torch.tensor([2])], 2)
    assert batch.weights.tolist() == [[1.0, 1.0], [1.0, 0.0]]
    assert batch.pick(torch.tensor([1])).rows[0, 0] == 2
