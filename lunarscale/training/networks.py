"""The published networks, as plain torch modules and with the recipes they are trained by.

The modules are the definition: what is trained (``batched.py``, by way of ``matrix_form.py``) and
what is exported (``export.py``) is held against them in the tests. Each takes standardised inputs
(row, input) and gives one standardised oxide (row, 1).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lunarscale.errors import TrainingError

_CLEMENTINE, _KAGUYA = "clementine-uvvis", "kaguya-mi"

#: Bands that no network reads: MI's near-infrared 1000 nm repeats its 1001 nm.
_REPEATED = {(_KAGUYA, 1000)}


class PositionsFirst(nn.Module):
    """Flattens (row, channel, position) to rows position by position, as Keras does."""

    def forward(self, x: Tensor) -> Tensor:
        """(row, channel, position) to (row, position x channel)."""
        return x.transpose(1, 2).flatten(1)


class QiuNetwork(nn.Sequential):
    """Qiu 2025: two convolutions of two bands, a pool, two dense layers; no padding.

    Parameters
    ----------
    inputs : int
        Positions: five reflectances and OMAT.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.add_module("bands", nn.Unflatten(1, (1, inputs)))
        self.add_module("conv1", nn.Conv1d(1, 32, 2))
        self.add_module("relu1", nn.ReLU())
        self.add_module("conv2", nn.Conv1d(32, 32, 2))
        self.add_module("relu2", nn.ReLU())
        self.add_module("pool", nn.MaxPool1d(2))
        self.add_module("flatten", PositionsFirst())
        self.add_module("dense", nn.Linear((inputs - 2) // 2 * 32, 64))
        self.add_module("relu3", nn.ReLU())
        self.add_module("oxide", nn.Linear(64, 1))


class YangNetwork(nn.Sequential):
    """Yang 2023: five convolutions with batch normalisation, the mean over the bands, a line.

    Parameters
    ----------
    inputs : int
        Positions: eight reflectances, and two angles for FeO and TiO2.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.add_module("bands", nn.Unflatten(1, (1, inputs)))
        widths = ((1, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 1))
        for number, (narrow, wide, stride) in enumerate(widths, start=1):
            conv = nn.Conv1d(narrow, wide, 3, stride=stride, padding=1, bias=False)
            self.add_module(f"conv{number}", conv)
            self.add_module(f"norm{number}", nn.BatchNorm1d(wide))
            self.add_module(f"relu{number}", nn.ReLU())
        self.add_module("mean", nn.AdaptiveAvgPool1d(1))
        self.add_module("flatten", PositionsFirst())
        self.add_module("oxide", nn.Linear(256, 1))


class ResidualBlock(nn.Module):
    """Two convolutions with batch normalisation, added to the block's input, then ReLU.

    Parameters
    ----------
    narrow, wide : int
        Channels in and out.
    stride : int
        Of the first convolution and the shortcut.
    """

    def __init__(self, narrow: int, wide: int, stride: int) -> None:
        super().__init__()
        self.main, self.shortcut = nn.Sequential(), nn.Sequential()
        conv = nn.Conv1d(narrow, wide, 3, stride=stride, padding=1, bias=False)
        self.main.add_module("conv1", conv)
        self.main.add_module("norm1", nn.BatchNorm1d(wide))
        self.main.add_module("relu1", nn.ReLU())
        self.main.add_module("conv2", nn.Conv1d(wide, wide, 3, padding=1, bias=False))
        self.main.add_module("norm2", nn.BatchNorm1d(wide))
        if narrow != wide or stride != 1:
            conv = nn.Conv1d(narrow, wide, 1, stride=stride, bias=False)
            self.shortcut.add_module("conv", conv)
            self.shortcut.add_module("norm", nn.BatchNorm1d(wide))

    def forward(self, x: Tensor) -> Tensor:
        """(row, channel, position) to (row, wide, position / stride)."""
        return torch.relu(self.main(x) + self.shortcut(x))


class ResidualNetwork(nn.Sequential):
    """Nature Sensors 2026: a convolution, three residual blocks, the mean over the bands, a line.

    Parameters
    ----------
    inputs : int
        Positions: eight reflectances.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.add_module("bands", nn.Unflatten(1, (1, inputs)))
        self.add_module("conv", nn.Conv1d(1, 64, 3, padding=1, bias=False))
        self.add_module("norm", nn.BatchNorm1d(64))
        self.add_module("block1", ResidualBlock(64, 64, 1))
        self.add_module("block2", ResidualBlock(64, 128, 2))
        self.add_module("block3", ResidualBlock(128, 256, 1))
        self.add_module("mean", nn.AdaptiveAvgPool1d(1))
        self.add_module("flatten", PositionsFirst())
        self.add_module("oxide", nn.Linear(256, 1))


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: Adam on the mean squared error of standardised targets.

    Parameters
    ----------
    learning_rate : float
    epochs : int
        At most.
    batch : int or None
        Rows a step; where there are more, they are dealt evenly to as few steps as it takes.
        None takes all rows in one.
    kernel_l2 : float
        Factor of the sum of squares of all kernels, added to the loss.
    weight_decay : float
        Times each parameter, added to its gradient (Adam's own, as torch has it).
    patience : int or None
        Epochs without a lower training loss after which training stops and the best epoch's
        weights are restored; None keeps the last epoch's.
    plateau : (float, int) or None
        Factor of the learning rate after so many epochs without a lower loss.
    epsilon : float
        Adam's.
    """

    learning_rate: float
    epochs: int
    batch: int | None
    kernel_l2: float = 0.0
    weight_decay: float = 0.0
    patience: int | None = None
    plateau: tuple[float, int] | None = None
    epsilon: float = 1e-8


@dataclass(frozen=True)
class NetworkKind:
    """A published network: its architecture, what it reads and how it is trained.

    Parameters
    ----------
    name : str
        Name for people and commands, ``qiu-2025``.
    source : str
        Where it was published.
    module : callable
        Makes the torch module for a number of inputs.
    initialise : callable
        Draws a module's first weights from a generator.
    recipe : Recipe
    cameras : tuple of str
        Cameras it can be trained for; the first is the paper's.
    oxides : tuple of str
        Oxides the paper gives.
    angles_for : tuple of str
        Oxides for which both angles are read as well.
    maturity : bool
        Whether OMAT is read as well.
    together : int
        Models that train fastest at once on one core, measured.
    silent : str
        Where the paper does not say, and what was taken.
    """

    name: str
    source: str
    module: Callable[[int], nn.Module]
    initialise: Callable[[nn.Module, torch.Generator], None]
    recipe: Recipe
    cameras: tuple[str, ...]
    oxides: tuple[str, ...]
    angles_for: tuple[str, ...] = ()
    maturity: bool = False
    together: int = 8
    silent: str = ""

    def inputs(self, oxide: str, *, camera: str, bands_nm: Sequence[int]) -> tuple[str, ...]:
        """Names of the features (``lunarscale.training.features``) it reads for an oxide.

        Raises
        ------
        TrainingError
            If it cannot be trained for the camera.
        """
        if camera not in self.cameras:
            raise TrainingError(
                f"{self.name} is made for {' and '.join(self.cameras)}, not {camera}; train "
                "another network, or give it that camera's stations"
            )
        names = [f"R{w}" for w in bands_nm if (camera, w) not in _REPEATED]
        names += ["OMAT"] if self.maturity else []
        names += ["theta_Fe", "theta_Ti"] if oxide in self.angles_for else []
        return tuple(names)


def _as_keras(module: nn.Module, generator: torch.Generator) -> None:
    """Glorot's uniform kernels and zero biases, Keras' defaults."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _as_torch(module: nn.Module, generator: torch.Generator) -> None:
    """Uniform within 1 / sqrt(fan in), kernels and biases, torch's defaults."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Linear):
            bound = 1.0 / math.sqrt(layer.weight[0].numel())
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            if layer.bias is not None:
                nn.init.uniform_(layer.bias, -bound, bound, generator=generator)


def _as_he(module: nn.Module, generator: torch.Generator) -> None:
    """Kaiming He's normal kernels (fan out, ReLU); the last line as torch draws it."""
    _as_torch(module, generator)
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d):
            nn.init.kaiming_normal_(
                layer.weight, mode="fan_out", nonlinearity="relu", generator=generator
            )


_SIX = ("FeO", "TiO2", "Al2O3", "MgO", "CaO", "SiO2")

QIU_2025 = NetworkKind(
    name="qiu-2025",
    source="Qiu, Yan & Liu 2025, Commun. Earth Environ., doi 10.1038/s43247-025-02914-w",
    module=QiuNetwork,
    initialise=_as_keras,
    recipe=Recipe(0.01, epochs=400, batch=50, kernel_l2=0.001, patience=30, epsilon=1e-7),
    cameras=(_CLEMENTINE,),
    oxides=_SIX[:5],
    maturity=True,
    together=64,
    silent="kernel size of the second convolution (2, as the first), initial weights and Adam's "
    "epsilon (Keras' defaults: Glorot uniform, 1e-7)",
)
YANG_2023 = NetworkKind(
    name="yang-2023",
    source="Yang et al. 2023, Nat. Commun. 14, 7554",
    module=YangNetwork,
    initialise=_as_torch,
    recipe=Recipe(1e-3, epochs=100, batch=54, weight_decay=1e-4, plateau=(0.5, 10)),
    cameras=(_KAGUYA, _CLEMENTINE),
    oxides=_SIX,
    angles_for=("FeO", "TiO2"),
    silent="initial weights (torch's defaults); the plateau is watched on the training loss, as "
    "the held-out row must not be looked at",
)
RESIDUAL = NetworkKind(
    name="residual",
    source="Nature Sensors 2026, as in the open code that appears to belong to it",
    module=ResidualNetwork,
    initialise=_as_he,
    recipe=Recipe(1e-3, epochs=100, batch=None, weight_decay=1e-4),
    cameras=(_KAGUYA, _CLEMENTINE),
    oxides=_SIX,
    silent="optimiser (Adam), padding (1), ReLU after the first convolution (none is named, none "
    "is there), biases (none before a normalisation), stride of the third block (1), mode of the "
    "Kaiming weights (normal, fan out), schedule of the rate (none)",
)

#: The networks that can be trained, by name.
NETWORKS: dict[str, NetworkKind] = {kind.name: kind for kind in (QIU_2025, YANG_2023, RESIDUAL)}
