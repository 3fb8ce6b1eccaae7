"""The three architectures: sizes counted by hand, Qiu's forward pass in NumPy, first weights."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from lunarscale.errors import TrainingError
from lunarscale.training.networks import (
    NETWORKS,
    QIU_2025,
    RESIDUAL,
    YANG_2023,
    QiuNetwork,
    ResidualNetwork,
    YangNetwork,
)

CLEMENTINE = (415, 750, 900, 950, 1000)
KAGUYA = (414, 749, 901, 950, 1001, 1049, 1248, 1548)


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_sizes_are_those_counted_by_hand() -> None:
    qiu = (2 * 32 + 32) + (2 * 32 * 32 + 32) + (2 * 32 * 64 + 64) + (64 + 1)
    assert parameters(QiuNetwork(6)) == qiu
    widths = [(1, 64), (64, 64), (64, 128), (128, 128), (128, 256)]
    yang = sum(3 * narrow * wide + 2 * wide for narrow, wide in widths) + 256 + 1
    assert parameters(YangNetwork(8)) == parameters(YangNetwork(10)) == yang
    blocks = sum(
        3 * narrow * wide + 3 * wide * wide + 4 * wide + (narrow != wide) * (narrow + 2) * wide
        for narrow, wide in [(64, 64), (64, 128), (128, 256)]
    )
    assert parameters(ResidualNetwork(8)) == 3 * 64 + 2 * 64 + blocks + 256 + 1


def test_positions_shrink_as_the_papers_say() -> None:
    seen: dict[str, tuple[int, ...]] = {}

    def watch(network: nn.Module) -> None:
        for name, layer in network.named_children():
            layer.register_forward_hook(
                lambda _, __, y, name=name: seen.update({name: tuple(y.shape[1:])})
            )

    for network, inputs in ((QiuNetwork(6), 6), (YangNetwork(10), 10), (ResidualNetwork(8), 8)):
        watch(network)
        assert network.eval()(torch.zeros(2, inputs)).shape == (2, 1)
    assert seen["pool"] == (32, 2)
    assert [seen[f"conv{n}"] for n in (3, 4, 5)] == [(128, 5), (128, 5), (256, 5)]
    assert [seen[f"block{n}"] for n in (1, 2, 3)] == [(64, 8), (128, 4), (256, 4)]


def test_qiu_is_what_one_computes_by_hand() -> None:
    network = QiuNetwork(6)
    QIU_2025.initialise(network, torch.Generator().manual_seed(1))
    p = {name: value.numpy().astype(np.float64) for name, value in network.state_dict().items()}
    x = np.random.default_rng(1).normal(size=(7, 6))

    def slide(x: np.ndarray, layer: str) -> np.ndarray:  # (row, position, channel)
        kernel = p[f"{layer}.weight"]
        return np.stack([
            np.maximum(sum(x[:, i + k] @ kernel[:, :, k].T for k in (0, 1)) + p[f"{layer}.bias"], 0)
            for i in range(x.shape[1] - 1)
        ], axis=1)  # fmt: skip

    h = slide(slide(x[:, :, None], "conv1"), "conv2")
    pooled = np.concatenate([np.maximum(h[:, 0], h[:, 1]), np.maximum(h[:, 2], h[:, 3])], axis=1)
    hidden = np.maximum(pooled @ p["dense.weight"].T + p["dense.bias"], 0)
    expected = hidden @ p["oxide.weight"].T + p["oxide.bias"]
    with torch.no_grad():
        got = network(torch.from_numpy(x.astype(np.float32))).numpy()
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("kind", NETWORKS.values(), ids=NETWORKS)
def test_first_weights_come_from_the_generator_alone(kind) -> None:
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(len(states))  # must not matter
        network = kind.module(8)
        kind.initialise(network, torch.Generator().manual_seed(seed))
        states.append([p.detach().clone() for p in network.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(states[0], states[1], strict=True))
    kernels = [(a, b) for a, b in zip(states[0], states[2], strict=True) if a.ndim > 1]
    assert not any(torch.equal(a, b) for a, b in kernels)


def test_first_weights_have_the_spread_of_their_rule() -> None:
    drawn = {}
    for kind in NETWORKS.values():
        network = kind.module(8)
        kind.initialise(network, torch.Generator().manual_seed(0))
        drawn[kind.name] = network.requires_grad_(False)
    glorot = math.sqrt(6 / (2 * 32 + 2 * 32))
    assert drawn["qiu-2025"].conv2.weight.abs().max() == pytest.approx(glorot, rel=0.01)
    assert not drawn["qiu-2025"].conv2.bias.any()
    fan_in = 1 / math.sqrt(3 * 128)
    assert drawn["yang-2023"].conv4.weight.abs().max() == pytest.approx(fan_in, rel=0.01)
    he = math.sqrt(2 / (3 * 256))
    assert drawn["residual"].block3.main.conv2.weight.std() == pytest.approx(he, rel=0.02)


def test_what_each_network_reads() -> None:
    clementine = {"camera": "clementine-uvvis", "bands_nm": CLEMENTINE}
    kaguya = {"camera": "kaguya-mi", "bands_nm": (*KAGUYA, 1000)}
    bands = tuple(f"R{w}" for w in KAGUYA)
    assert QIU_2025.inputs("MgO", **clementine) == (*(f"R{w}" for w in CLEMENTINE), "OMAT")
    assert YANG_2023.inputs("MgO", **kaguya) == bands
    assert YANG_2023.inputs("FeO", **kaguya) == (*bands, "theta_Fe", "theta_Ti")
    assert RESIDUAL.inputs("FeO", **kaguya) == bands
    with pytest.raises(TrainingError, match="qiu-2025 is made for clementine-uvvis, not kaguya"):
        QIU_2025.inputs("FeO", **kaguya)
