"""Ready: remake the models that come with the package, from the package's own stations.

``lunarscale train --network ready --out lunarscale/models/ready`` writes them again: the same bits
on the same machine, the same scores anywhere. It takes some minutes, nearly all of them for
judging the network.
"""

from collections.abc import Callable
from pathlib import Path

from lunarscale.bands import CLEMENTINE_UVVIS, KAGUYA_MI
from lunarscale.steps.learning.ridges import train_ridges, write_ridges
from lunarscale.steps.saving import save
from lunarscale.steps.train import model_of, network_name, train
from lunarscale.training.mg_number import with_mg_number

#: The name by which `train` knows all of them.
READY = "ready"

#: The published network that comes ready, and how many of it are averaged.
NETWORK, SEEDS = "qiu-2025", 8

Progress = Callable[[int, int], None]


def remake_ridges(folder: Path, *, progress: Progress = lambda done, todo: None) -> list[Path]:
    """What ships for both cameras, values and intervals."""
    written = []
    for camera in (CLEMENTINE_UVVIS, KAGUYA_MI):
        written += write_ridges(train_ridges(camera.name, progress=progress), folder)
    return written


def remake_network(folder: Path, *, progress: Progress = lambda done, todo: None) -> Path:
    """The paper's own network, all of its oxides and Mg# in one file."""
    training = train(NETWORK, seeds=SEEDS, progress=progress)
    name = f"{network_name(training.run.final.kind)}.onnx"
    return save(folder / name, model_of(training, with_mg_number(training.run.final.oxides)))
