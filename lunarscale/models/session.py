"""A network as it runs: one onnxruntime session a process, and buffers for each thread.

Measured on one core, a network of 64 units, blocks of 4,096 pixels (Mpx/s): 12.3 in a plain
process with the arena or without; 12.8 with it and 5.2 without where ``MALLOC_TRIM_THRESHOLD_``
is set, as Dask's workers do, for then every array of a block comes fresh from the system. So the
arena is on; it cannot grow, because every block has the same shape (``tests/models`` holds it to
that). Buffers bound once save 2-3 %.
"""

import hashlib
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import ModelError
from lunarscale.models.ports import BAND_PIXEL, shape_of

# From 1.29 on onnxruntime sends its maker the names and digests of the models it opens, unless this
# is set before it is loaded (its docs/Privacy.md): nothing leaves this machine unasked.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

#: Location of a network that comes with the package: this and its stem.
READY = "ready:"

#: Largest file read: networks of pixels take kilobytes, and every worker holds its own.
LARGEST_FILE = 256_000_000

#: What new exports should have: known to every onnxruntime that lunarscale runs with.
GOOD_OPSET = 17

#: Pixels, in whole blocks, that are packed and unpacked at a time, so that NumPy's calls are few
#: beside the blocks': as many as the engine gives (measured for Qiu's network, blocks of 1,024:
#: 4.8 Mpx/s by spans of 4,096, 5.3 by these; six ridges and more, blocks of 4,096: 16.0 and 18.5).
SPAN_PIXELS = 24_576

_opening = threading.Lock()


@dataclass(frozen=True)
class Shapes:
    """What a session needs to know of a graph.

    Parameters
    ----------
    input : str
        Name of its input.
    layout : str
        How that holds pixels and bands, one of ``LAYOUTS``.
    bands : int
    block : int
        Pixels it is given at a time.
    free : tuple of (str, int)
        Sizes for the names of the input's free axes.
    outputs : tuple of (str, int)
        Outputs to compute, and how many values a pixel each holds.
    opset, ir_version : int
        What the file was written for, for messages.
    """

    input: str
    layout: str
    bands: int
    block: int
    free: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]
    opset: int
    ir_version: int


class Buffers:
    """One thread's input and outputs of some blocks, each bound to the session once.

    Parameters
    ----------
    reflectance : ndarray of float32, (band, block, pixel)
        A view of what the graph reads, whichever way round that lies.
    outputs : dict of str to ndarray of float32, (value, block, pixel)
        Views of what the graph writes.
    """

    def __init__(self, session: Any, shapes: Shapes, given: dict[str, tuple[int, ...]]) -> None:
        blocks = max(1, SPAN_PIXELS // shapes.block)
        shape = shape_of(shapes.layout, shapes.block, shapes.bands)
        read = np.full((blocks, *shape), 0.2, np.float32)
        written = {name: np.zeros((blocks, *shape), np.float32) for name, shape in given.items()}
        rows = (blocks, -1, shapes.block) if shapes.layout == BAND_PIXEL else (
            blocks, shapes.block, -1
        )  # fmt: skip
        bands = (1, 0, 2) if shapes.layout == BAND_PIXEL else (2, 0, 1)
        self.reflectance = read.reshape(rows).transpose(bands)
        self.outputs = {name: _by_value(made, shapes.block) for name, made in written.items()}
        self._session = session
        self._bindings = []
        for index in range(blocks):
            binding = session.io_binding()
            places = {name: made[index] for name, made in written.items()}
            _bind(binding.bind_input, shapes.input, read[index])
            for name, place in places.items():
                _bind(binding.bind_output, name, place)
            self._bindings.append(binding)

    @property
    def blocks(self) -> int:
        """How many there is room for."""
        return len(self._bindings)

    def run(self, block: int) -> None:
        """Compute the outputs of what lies in a block of ``reflectance``."""
        self._session.run_with_iobinding(self._bindings[block])


def _bind(bind: Callable[..., None], name: str, array: NDArray[np.float32]) -> None:
    bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)


def _by_value(made: NDArray[np.float32], pixels: int) -> NDArray[np.float32]:
    """A view (value, block, pixel) of blocks of (pixel,), (pixel, value) or (value, pixel)."""
    if made.ndim == 2:
        return made[np.newaxis]
    return made.transpose((2, 0, 1) if made.shape[1] == pixels else (1, 0, 2))


class Session:
    """An onnxruntime session of one thread that has shown that it runs.

    Raises
    ------
    ModelError
        If onnxruntime cannot load or run the graph, or its outputs are not one value a pixel for
        each of the card's quantities.
    """

    def __init__(self, content: bytes, shapes: Shapes, where: str) -> None:
        self._shapes, self._where = shapes, where
        self._session = _load(content, shapes, where)
        self._given = self._try()
        self._local = threading.local()

    @property
    def buffers(self) -> Buffers:
        """The calling thread's own."""
        if not hasattr(self._local, "buffers"):
            self._local.buffers = Buffers(self._session, self._shapes, self._given)
        return self._local.buffers  # type: ignore[no-any-return]

    def _try(self) -> dict[str, tuple[int, ...]]:
        """Run one block; the shapes of what comes out."""
        shapes = self._shapes
        block = np.full(shape_of(shapes.layout, shapes.block, shapes.bands), 0.2, np.float32)
        names = [name for name, _ in shapes.outputs]
        try:
            made = self._session.run(names, {shapes.input: block})
        except Exception as problem:  # noqa: BLE001 - onnxruntime's errors have no common base
            raise ModelError(
                f"{self._where}: the graph does not run on a block of {shapes.block:,} pixels x "
                f"{shapes.bands} bands ({_first_sentence(problem)}); export it with a free first "
                "axis (dynamic_axes or dynamic_shapes in torch) and check the card's bands"
            ) from None
        for (name, values), array in zip(shapes.outputs, made, strict=True):
            self._check_output(name, values, array.shape)
        return dict(zip(names, (array.shape for array in made), strict=True))

    def _check_output(self, name: str, values: int, shape: tuple[int, ...]) -> None:
        block = self._shapes.block
        good = {(block, values)} | ({(block,)} if values == 1 else set())
        if self._shapes.layout == BAND_PIXEL:
            good.add((values, block))
        if shape not in good:
            raise ModelError(
                f"{self._where}: the output {name} has the shape {shape} for {block:,} pixels but "
                f"the card sees {values} quantit{'ies' if values > 1 else 'y'} in it, which is "
                f"({block}, {values}); list in the card what each column holds, or export "
                "one value a pixel"
            )


@lru_cache(maxsize=32)
def _open(location: str, sha256: str, shapes: Shapes) -> Session:
    content = read_file(location)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ModelError(
            f"{location} has changed: the run began with SHA-256 {sha256[:12]}… and this process "
            f"finds {found[:12]}…; put the same file where every worker looks, and run again"
        )
    return Session(content, shapes, location)


def open_session(location: str, sha256: str, shapes: Shapes) -> Session:
    """This process's session of a network, opened at the first call.

    Raises
    ------
    ModelError
        If the file is not there, is another than when the run began, or does not run.
    """
    with _opening:  # threads that meet here must not each open one
        return _open(location, sha256, shapes)


def ready_folder() -> Traversable:
    """Where the networks that come with the package lie."""
    return resources.files("lunarscale.models") / "ready"


def read_file(location: str) -> bytes:
    """The bytes of a network: a path, or ``ready:`` and the stem of one in the package.

    Raises
    ------
    ModelError
        If it is not there, is empty, or is too large.
    """
    if location.startswith(READY):
        return (ready_folder() / f"{location.removeprefix(READY)}.onnx").read_bytes()
    path = Path(location)
    try:
        if path.exists() and not path.is_file():
            raise ModelError(f"{location} is no file; give the path of a model file")
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise ModelError(
                f"{location} has {size / 1e6:,.0f} MB but a model may have "
                f"{LARGEST_FILE / 1e6:,.0f} MB, as every worker holds it; use a smaller network"
            )
        content = path.read_bytes()
    except OSError as problem:
        raise ModelError(
            f"{location} cannot be read here ({problem.strerror}); give the path of a model file "
            "that this machine, and every worker, sees"
        ) from None
    if not content:
        raise ModelError(f"{location} is empty; export the network again")
    return content


def _load(content: bytes, shapes: Shapes, where: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.enable_mem_pattern = False
    options.log_severity_level = 4  # what goes wrong is told by the error
    for name, size in shapes.free:
        options.add_free_dimension_override_by_name(name, size)
    # no more memory than asked for: the default doubles what it takes
    provider = ("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})
    try:
        return onnxruntime.InferenceSession(content, options, providers=[provider])
    except Exception as problem:  # noqa: BLE001 - onnxruntime's errors have no common base
        raise ModelError(_why(problem, shapes, where)) from None


def _why(problem: Exception, shapes: Shapes, where: str) -> str:
    """One sentence from what onnxruntime says."""
    told, runtime = str(problem), f"onnxruntime {onnxruntime.__version__}"
    export = f"export it again with opset_version={GOOD_OPSET}"
    newest_ir = re.search(r"max supported IR version: (\d+)", told)
    if newest_ir:
        return (
            f"{where} has IR version {shapes.ir_version} but {runtime} reads up to "
            f"{newest_ir[1]}; set `model.ir_version = 10` with the onnx package, or {export}"
        )
    newest = re.search(r"support for domain ai\.onnx is till opset (\d+)", told)
    if newest:
        return f"{where} has opset {shapes.opset} but {runtime} reads up to {newest[1]}; {export}"
    if shapes.opset < 7:
        return f"{where} has opset {shapes.opset} but {runtime} needs 7 or newer; {export}"
    return f"{where}: {runtime} cannot load it ({_first_sentence(problem)}); {export}"


def _first_sentence(problem: Exception) -> str:
    """What an error of onnxruntime says, without its prefix and its source files."""
    told = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", str(problem).strip())
    told = re.sub(r"/\S+:\d+ \S.*?\) (?=[A-Z!])", "", told)
    return " ".join(told.split())[:200]
