"""The matrix form against the plain modules: values, gradients, running averages."""

import pytest
import torch
from torch.func import grad, vmap

from lunarscale.training.matrix_form import MatrixForm, matrix_form, torch_form
from lunarscale.training.networks import NETWORKS, NetworkKind

INPUTS = {"qiu-2025": 6, "yang-2023": 10, "residual": 8}
each_kind = pytest.mark.parametrize("kind", NETWORKS.values(), ids=NETWORKS)


def made(kind: NetworkKind, seed: int = 0) -> torch.nn.Module:
    """A network in float64 with running averages that are not their first ones."""
    network = kind.module(INPUTS[kind.name])
    generator = torch.Generator().manual_seed(seed)
    kind.initialise(network, generator)
    network = network.double()
    network.train()(torch.randn(20, INPUTS[kind.name], generator=generator).double())
    return network


def rows(kind: NetworkKind, count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(9)
    return torch.randn(count, INPUTS[kind.name], generator=generator, dtype=torch.float64)


@each_kind
def test_the_form_goes_there_and_back(kind: NetworkKind) -> None:
    network = made(kind)
    state = network.state_dict()
    back = torch_form(matrix_form(state), network)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], state[name]) for name in state if state[name].ndim)


@each_kind
def test_values_are_those_of_the_plain_module(kind: NetworkKind) -> None:
    network, x = made(kind).eval(), rows(kind, 13)
    tensors = matrix_form(network.state_dict())
    torch.testing.assert_close(MatrixForm(tensors).apply(network, x), network(x))


@each_kind
def test_gradients_and_averages_are_those_of_the_plain_module(kind: NetworkKind) -> None:
    """Also when some rows weigh nothing: they are not there."""
    network, x = made(kind).train(), rows(kind, 13)
    tensors = matrix_form({name: v.clone() for name, v in network.state_dict().items()})
    weights = torch.ones(13, dtype=torch.float64)
    weights[[2, 7]] = 0.0
    moving = {name: tensors[name] for name, _ in network.named_parameters()}

    def loss(moving: dict) -> torch.Tensor:
        y = MatrixForm({**tensors, **moving}, weights).apply(network, x)[:, 0]
        return (weights * (y - 1.0) ** 2).sum()

    form = MatrixForm(tensors, weights)
    form.apply(network, x)
    expected = network(x[weights > 0])
    ((expected - 1.0) ** 2).sum().backward()
    gradients = grad(loss)(moving)
    plain = matrix_form({name: p.grad for name, p in network.named_parameters()})
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, plain[name], msg=name)
    after = network.state_dict()
    assert set(form.averages) == {name for name in after if "running" in name}
    for name, average in form.averages.items():
        torch.testing.assert_close(average, after[name], msg=name)


@each_kind
def test_mapped_models_are_the_models(kind: NetworkKind) -> None:
    networks = [made(kind, seed).eval() for seed in range(3)]
    x = torch.stack([rows(kind, 5) + shift for shift in range(3)])
    states = [matrix_form(network.state_dict()) for network in networks]
    stacked = {name: torch.stack([state[name] for state in states]) for name in states[0]}
    mapped = vmap(lambda tensors, x: MatrixForm(tensors).apply(networks[0], x))(stacked, x)
    expected = torch.stack([network(x) for network, x in zip(networks, x, strict=True)])
    torch.testing.assert_close(mapped, expected)


def test_frozen_layers_use_and_keep_their_averages() -> None:
    kind = NETWORKS["residual"]
    network, x = made(kind), rows(kind, 13)
    tensors, weights = matrix_form(network.state_dict()), torch.ones(13, dtype=torch.float64)
    form = MatrixForm(tensors, weights, frozen=("conv", "norm", "block1", "block2", "block3"))
    torch.testing.assert_close(form.apply(network, x), network.eval()(x))
    assert not form.averages
    part = MatrixForm(tensors, weights, frozen=("norm", "block1"))
    part.apply(network, x)
    assert all(name.startswith(("block2", "block3")) for name in part.averages)
