"""Networks for tests, exported the ordinary way from torch, each with its card beside it."""

import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

BANDS = (415, 750, 900, 950, 1000)

CARD = """
name: my-feo
camera: clementine-uvvis
bands_nm: [415, 750, 900, 950, 1000]
outputs: [{quantity: FeO, units: wt %}]
"""

#: A card of three outputs in one array.
THREE_OXIDES = CARD.replace(
    "[{quantity: FeO, units: wt %}]",
    "[" + ", ".join(f"{{quantity: {q}, units: wt %}}" for q in ("FeO", "TiO2", "CaO")) + "]",
)


def dense(outputs: int = 1, seed: int = 0, width: int = 32) -> nn.Sequential:
    """A network of (N, bands)."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(len(BANDS), width), nn.ReLU(), nn.Linear(width, outputs))


def convolutional(seed: int = 0) -> nn.Sequential:
    """A network of (N, 1, bands), as the published ones are."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(1, 16, 2), nn.ReLU(), nn.Conv1d(16, 16, 2), nn.ReLU(), nn.Flatten(),
        nn.Linear(48, 1),
    )  # fmt: skip


def bands_last(seed: int = 0) -> nn.Sequential:
    """A network of (N, bands, 1), as Keras has it."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(len(BANDS), 8), nn.Tanh(), nn.Linear(8, 1))


def export(
    network: nn.Module, path: Path, *, shape: tuple[int, ...] = (len(BANDS),), opset: int = 17,
    card: str | None = CARD, dynamo: bool = False, free: bool = True,
) -> Path:  # fmt: skip
    """Write a network, with inputs (N, *shape), and its card; ``free`` is the first axis."""
    network.eval()
    names: dict[str, Any] = {"input_names": ["x"], "output_names": ["y"], "opset_version": opset}
    if free and dynamo:
        names["dynamic_shapes"] = ({0: torch.export.Dim("batch", min=2, max=65_536)},)
    elif free:
        names["dynamic_axes"] = {"x": {0: "batch"}, "y": {0: "batch"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about its exporters
        torch.onnx.export(
            network,
            (torch.rand(3, *shape),),
            str(path),
            dynamo=dynamo,
            external_data=False,
            **names,
        )
    if card is not None:
        path.with_suffix(".yaml").write_text(card)
    return path


def edited(path: Path, change: Any) -> Path:
    """The same file after ``change(model)`` of what the onnx package reads."""
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())
    return path
