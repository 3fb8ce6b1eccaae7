"""A network as matrix products, so that many of them run as one under ``torch.func.vmap``.

torch's own convolution becomes a slow grouped one when mapped over models. Here a convolution is
its windows times its kernel, rows hold positions before channels, (row, position, channel), and a
kernel is (kernel x in, out); mapped over models every layer is one batched product. Rows carry
weights, so that folds of different sizes stack: a row of weight 0 changes nothing, batch
statistics included.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional

from lunarscale.training.networks import PositionsFirst, ResidualBlock

Tensors = dict[str, Tensor]


def matrix_form(state: Mapping[str, Tensor]) -> Tensors:
    """A module's ``state_dict`` with its kernels as matrices; counters are dropped."""
    return {
        name: value.permute(2, 1, 0).flatten(0, 1) if value.ndim == 3 else value.t()
        if value.ndim == 2 else value
        for name, value in state.items() if value.ndim > 0
    }  # fmt: skip


def torch_form(tensors: Mapping[str, Tensor], module: nn.Module) -> Tensors:
    """What ``matrix_form`` was given: tensors that ``module.load_state_dict`` takes."""
    state = {}
    for name, like in module.state_dict().items():
        if like.ndim == 0:
            state[name] = torch.zeros_like(like)  # how many batches it saw: nothing uses it
            continue
        value = tensors[name].detach()
        if like.ndim == 3:
            out, channels, size = like.shape
            value = value.reshape(size, channels, out).permute(2, 1, 0)
        state[name] = (value.t() if like.ndim == 2 else value).contiguous()
    return state


@dataclass
class MatrixForm:
    """One pass of a module through its matrix form.

    Parameters
    ----------
    tensors : dict of str to Tensor
        Parameters and running averages, from ``matrix_form``.
    weights : Tensor, (row,), optional
        Of the rows in batch statistics; None uses the running averages, as in ``eval``.
    frozen : tuple of str
        Beginnings of the names of layers whose running averages are used and kept.
    """

    tensors: Mapping[str, Tensor]
    weights: Tensor | None = None
    frozen: tuple[str, ...] = ()
    averages: Tensors = field(default_factory=dict)  #: running averages after this pass

    def apply(self, module: nn.Module, x: Tensor, name: str = "") -> Tensor:
        """The module's output, (row, 1) for a network of (row, input)."""
        match module:
            case nn.Sequential():
                for child, layer in module.named_children():
                    x = self.apply(layer, x, f"{name}{child}.")
                return x
            case ResidualBlock():
                main = self.apply(module.main, x, f"{name}main.")
                return torch.relu(main + self.apply(module.shortcut, x, f"{name}shortcut."))
            case nn.Conv1d():
                return self._convolve(module, x, name)
            case nn.BatchNorm1d():
                return self._normalise(module, x, name)
            case nn.Linear():
                line: Tensor = x @ self.tensors[f"{name}weight"] + self.tensors[f"{name}bias"]
                return line
            case _:
                return _without_parameters(module, x)

    def _convolve(self, module: nn.Conv1d, x: Tensor, name: str) -> Tensor:
        (size,), (stride,), padding = module.kernel_size, module.stride, module.padding
        assert not isinstance(padding, str)  # networks.py pads by numbers
        if padding[0]:
            x = functional.pad(x, (0, 0, padding[0], padding[0]))
        rows, positions = x.shape[0], (x.shape[1] - size) // stride + 1
        span = (positions - 1) * stride + 1
        shifted = [x[:, shift : shift + span : stride] for shift in range(size)]
        windows = torch.cat(shifted, dim=-1) if size > 1 else shifted[0]
        y = windows.flatten(0, 1) @ self.tensors[f"{name}weight"]
        if module.bias is not None:
            y = y + self.tensors[f"{name}bias"]
        convolved: Tensor = y.unflatten(0, (rows, positions))
        return convolved

    def _normalise(self, module: nn.BatchNorm1d, x: Tensor, name: str) -> Tensor:
        mean, variance = (self.tensors[f"{name}running_{n}"] for n in ("mean", "var"))
        if self.weights is not None and not name.startswith(self.frozen or "/"):
            number = self.weights.sum() * x.shape[1]
            share = (self.weights / number)[:, None].expand(-1, x.shape[1]).flatten()
            flat = x.flatten(0, 1)
            batch_mean = share @ flat
            # two products; deviations from the mean would take the memory's time three times
            square = share @ (flat * flat) - batch_mean * batch_mean
            batch_variance = square.clamp(min=0.0)  # rounding may take it below
            assert module.momentum is not None  # networks.py takes torch's 0.1
            new = {"mean": batch_mean, "var": batch_variance * number / (number - 1.0)}
            for key, old in (("mean", mean), ("var", variance)):
                average = torch.lerp(old, new[key].detach(), module.momentum)
                self.averages[f"{name}running_{key}"] = average
            mean, variance = batch_mean, batch_variance
        slope = self.tensors[f"{name}weight"] * torch.rsqrt(variance + module.eps)
        return x * slope + (self.tensors[f"{name}bias"] - mean * slope)


def _without_parameters(module: nn.Module, x: Tensor) -> Tensor:
    match module:
        case nn.Unflatten():
            return x.unsqueeze(-1)
        case nn.ReLU():
            return torch.relu(x)
        case nn.MaxPool1d():
            size = int(module.kernel_size)  # type: ignore[arg-type]  # networks.py gives a number
            whole = x[:, : x.shape[1] // size * size].unflatten(1, (-1, size))
            largest: Tensor = reduce(torch.maximum, whole.unbind(2))
            return largest
        case nn.AdaptiveAvgPool1d():
            return x.mean(1, keepdim=True)
        case PositionsFirst():
            return x.flatten(1)
        case _:
            raise TypeError(f"no matrix form is written for {module}; add it here")
