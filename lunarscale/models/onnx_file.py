"""What an ONNX file says of itself, read without running it.

An ONNX file is one protocol buffer. A walk over its fields tells ports, operators, metadata and
where the weights lie, in microseconds, before any runtime sees a byte that it might follow to
another file. Field numbers are those of ``onnx.proto`` (github.com/onnx/onnx, IR version 10).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

#: Elements that a port may hold, by ``TensorProto.DataType``.
FLOAT = 1
ELEMENT_NAMES = {1: "float32", 6: "int32", 7: "int64", 10: "float16", 11: "float64", 16: "bfloat16"}

#: Domains of operators that onnxruntime has itself.
KNOWN_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_EXTERNAL = 1  # TensorProto.DataLocation
_MOST_AXES = 64  # ordinary tensors have four at most
_DEEPEST = 16  # graphs within graphs; ordinary ones have one or two

Shape = tuple[int | str, ...]


class NotProtobufError(ValueError):
    """The bytes are no protocol buffer, or not all of one."""


@dataclass(frozen=True)
class Port:
    """An input or output of a graph.

    Parameters
    ----------
    name : str
    element : int
        ``TensorProto.DataType``; 0 for what is no tensor.
    shape : tuple of int or str, or None
        Sizes; a text (which may be empty) where a size is free; None where nothing is said.
    """

    name: str
    element: int
    shape: Shape | None


@dataclass
class GraphFacts:
    """What a walk over an ONNX file finds.

    Parameters
    ----------
    ir_version : int
    opsets : dict of str to int
        Version of each domain's operators; "" is ONNX's own.
    producer : str
        What wrote the file.
    metadata : dict of str to str
    inputs, outputs : list of Port
        Inputs with a default value in the file are left out.
    operators : dict of (str, str) to int
        How often each operator (domain, name) stands in the file.
    functions : set of str
        Domains that the file defines itself.
    external : str
        Name of a tensor whose numbers lie outside the file; "" if none does.
    weights : int
        Numbers in the file's tensors.
    widest : int
        Largest number of values a pixel that a matrix takes or makes.
    deepest : int
        Largest number of channels that a convolution makes.
    """

    ir_version: int = 0
    opsets: dict[str, int] = field(default_factory=dict)
    producer: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    operators: dict[tuple[str, str], int] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    external: str = ""
    weights: int = 0
    widest: int = 1
    deepest: int = 0

    @property
    def opset(self) -> int:
        """Version of ONNX's own operators; 0 where the file does not say."""
        return self.opsets.get("", self.opsets.get("ai.onnx", 0))

    @property
    def foreign_operators(self) -> list[str]:
        """Operators that neither ONNX nor the file itself defines."""
        return [
            f"{domain}:{name}"
            for domain, name in self.operators
            if domain not in KNOWN_DOMAINS and domain not in self.functions
        ]


def read_facts(content: bytes) -> GraphFacts:
    """Walk over an ONNX file.

    Raises
    ------
    NotProtobufError
        If the bytes are no protocol buffer, or end in the middle of one.
    """
    facts = GraphFacts()
    for number, value in _fields(memoryview(content)):
        match number, value:
            case 1, int():
                facts.ir_version = value
            case 2, memoryview():
                facts.producer = _text(value)
            case 7, memoryview():
                _graph(value, facts, depth=0)
            case 8, memoryview():
                inside = dict(_fields(value))
                facts.opsets[_text(inside.get(1))] = _integer(inside.get(2))
            case 14, memoryview():
                inside = dict(_fields(value))
                facts.metadata[_text(inside.get(1))] = _text(inside.get(2))
            case 25, memoryview():
                _function(value, facts)
    return facts


def _fields(given: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field of a message."""
    at, end = 0, len(given)
    while at < end:
        key, at = _varint(given, at)
        number, wire = key >> 3, key & 7
        value: int | memoryview
        if wire == _VARINT:
            value, at = _varint(given, at)
        elif wire in (_BYTES, _FIXED32, _FIXED64):
            size = {_FIXED32: 4, _FIXED64: 8}.get(wire)
            if size is None:
                size, at = _varint(given, at)
            if at + size > end:
                raise NotProtobufError(f"a field of {size} bytes has {end - at}")
            value, at = given[at : at + size], at + size
        else:
            raise NotProtobufError(f"a field of the unknown kind {wire}")
        yield number, value


def _varint(given: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(given):
            raise NotProtobufError("a number without end")
        byte = given[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise NotProtobufError("a number of more than 64 bits")


def _text(value: object) -> str:
    if not isinstance(value, memoryview):
        return ""
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError as problem:
        raise NotProtobufError("a text that is no UTF-8") from problem


def _integer(value: object) -> int:
    return value if isinstance(value, int) else 0


def _messages(given: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields that may be messages."""
    for number, value in _fields(given):
        if isinstance(value, memoryview):
            yield number, value


def _graph(given: memoryview, facts: GraphFacts, depth: int) -> None:
    if depth > _DEEPEST:
        raise NotProtobufError("graphs nested beyond all use")
    defaults, inputs = set(), []
    for number, value in _messages(given):
        if number == 1:
            _node(value, facts, depth)
        elif number == 5:
            defaults.add(_tensor(value, facts))
        elif number == 15:
            for _, tensor in _messages(value):
                _tensor(tensor, facts)
        elif number == 11 and depth == 0:
            inputs.append(_port(value))
        elif number == 12 and depth == 0:
            facts.outputs.append(_port(value))
    facts.inputs += [port for port in inputs if port.name not in defaults]


def _node(given: memoryview, facts: GraphFacts, depth: int) -> None:
    domain = name = ""
    for number, value in _messages(given):
        if number == 4:
            name = _text(value)
        elif number == 7:
            domain = _text(value)
        elif number == 5:
            _attribute(value, facts, depth)
    facts.operators[domain, name] = facts.operators.get((domain, name), 0) + 1


def _attribute(given: memoryview, facts: GraphFacts, depth: int) -> None:
    for number, value in _messages(given):
        if number in (5, 10):  # a tensor, tensors
            _tensor(value, facts)
        elif number in (6, 11):  # a graph, graphs
            _graph(value, facts, depth + 1)
        elif number in (22, 23):  # a sparse tensor, sparse tensors
            for _, tensor in _messages(value):
                _tensor(tensor, facts)


def _function(given: memoryview, facts: GraphFacts) -> None:
    for number, value in _messages(given):
        if number == 7:
            _node(value, facts, depth=0)
        elif number == 10:
            facts.functions.add(_text(value))


def _tensor(given: memoryview, facts: GraphFacts) -> str:
    """Count a tensor's numbers and see where they lie; returns its name."""
    dims, name, is_external = [], "", False
    for number, value in _fields(given):
        if number == 1 and isinstance(value, int):
            dims.append(value)
        elif number == 1 and isinstance(value, memoryview):  # packed
            at = 0
            while at < len(value):
                size, at = _varint(value, at)
                dims.append(size)
                _check_axes(dims)
        elif number == 8:
            name = _text(value)
        elif number == 13 or (number == 14 and value == _EXTERNAL):
            is_external = True
    _check_axes(dims)
    if is_external:
        facts.external = facts.external or name or "a tensor"
    facts.weights += math.prod(dims)
    if len(dims) >= 2:
        facts.widest = max(facts.widest, *dims[:2])
    if len(dims) >= 3:
        facts.deepest = max(facts.deepest, dims[0])
    return name


def _check_axes(dims: list[int]) -> None:
    if len(dims) > _MOST_AXES:
        raise NotProtobufError(f"a tensor of more than {_MOST_AXES} axes")


def _port(given: memoryview) -> Port:
    """Name, element and shape of a ``ValueInfoProto``."""
    fields = dict(_fields(given))
    kind = fields.get(2)
    tensor = dict(_fields(kind)).get(1) if isinstance(kind, memoryview) else None
    if not isinstance(tensor, memoryview):
        return Port(_text(fields.get(1)), 0, None)
    said = dict(_fields(tensor))
    shape = said.get(2)
    sizes: Shape | None = None
    if isinstance(shape, memoryview):
        sizes = tuple(_size(dim) for number, dim in _messages(shape) if number == 1)
    return Port(_text(fields.get(1)), _integer(said.get(1)), sizes)


def _size(given: memoryview) -> int | str:
    fields = dict(_fields(given))
    fixed = fields.get(1)
    return fixed if isinstance(fixed, int) else _text(fields.get(2))
