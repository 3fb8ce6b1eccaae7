"""Every way a model file can be wrong has its own sentence, which names the file."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks_at_hand import CARD, convolutional, dense, edited, export
from onnx import TensorProto, helper
from torch import nn

from lunarscale.errors import ModelError
from lunarscale.models.network import Network
from lunarscale.models.network_files import read_network
from lunarscale.models.onnx_file import NotProtobufError, read_facts
from lunarscale.models.registry import find_model
from lunarscale.models.session import LARGEST_FILE

Break = Callable[[Path], object]


def _opset(version: int) -> Break:
    def change(model: Any) -> None:
        model.opset_import[0].version = version

    return lambda path: edited(path, change)


def _ir_version(path: Path) -> None:
    edited(path, lambda model: setattr(model, "ir_version", 99))


def _custom_operator(path: Path) -> None:
    def change(model: Any) -> None:
        model.graph.node[0].domain = "my.ops"
        model.opset_import.append(helper.make_opsetid("my.ops", 1))

    edited(path, change)


def _unknown_operator(path: Path) -> None:
    edited(path, lambda model: setattr(model.graph.node[0], "op_type", "Gemmm"))


def _external(path: Path) -> None:
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="w", size_threshold=0)


def _external_constant(path: Path) -> None:
    """Weights of a node's attribute, pointing out of the folder."""

    def change(model: Any) -> None:
        tensor = TensorProto(name="leak", data_type=TensorProto.FLOAT, dims=[4])
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../etc/passwd")
        model.graph.node.insert(0, helper.make_node("Constant", [], ["leaked"], value=tensor))

    edited(path, change)


def _input(element: int, *shape: int | str) -> Break:
    def change(model: Any) -> None:
        model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", element, shape))

    return lambda path: edited(path, change)


def _output(element: int) -> Break:
    def change(model: Any) -> None:
        model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", element, ["batch", 1]))

    return lambda path: edited(path, change)


def _second_input(path: Path) -> None:
    port = helper.make_tensor_value_info("angles", TensorProto.FLOAT, ["batch", 2])
    edited(path, lambda model: model.graph.input.append(port))


def _no_outputs(path: Path) -> None:
    edited(path, lambda model: model.graph.ClearField("output"))


def _card(text: str) -> Break:
    return lambda path: path.with_suffix(".yaml").write_text(text)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _too_large(path: Path) -> None:
    os.truncate(path, LARGEST_FILE + 1)


def _per_spectrum(path: Path) -> None:
    export(nn.Sequential(nn.Unflatten(1, (1, 5)), nn.Conv1d(1, 1, 2)), path)


def _fixed_inside(path: Path) -> None:
    """A batch of one that a view in the middle has fixed."""

    def change(model: Any) -> None:
        model.graph.node.append(helper.make_node("Reshape", ["y1", "shape"], ["y"]))
        model.graph.node[-2].output[0] = "y1"
        shape = helper.make_tensor("shape", TensorProto.INT64, [2], [1, 1])
        model.graph.initializer.append(shape)

    edited(path, change)


MISTAKES: dict[str, tuple[Break, str]] = {
    "empty": (lambda path: path.write_bytes(b""), "is empty; export"),
    "text": (lambda path: path.write_text("weights\n" * 99), "is no ONNX file"),
    "zip": (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(99)), "is no ONNX file"),
    "cut": (_cut, "is cut short or damaged"),
    "missing": (Path.unlink, "cannot be read here .No such file"),
    "too large": (_too_large, "has 256 MB but a model may have 256 MB"),
    "opset of the future": (_opset(99), r"has opset 99 but onnxruntime .* reads up to \d+; export"),
    "opset of the past": (_opset(5), "has opset 5 but onnxruntime .* needs 7 or newer; export"),
    "IR of the future": (_ir_version, r"has IR version 99 but onnxruntime .* reads up to \d+; set"),
    "operator of its own": (_custom_operator, r"operators that.*does not have \(my.ops:Gemm\)"),
    "operator of nobody": (_unknown_operator, "cannot load it .*Gemmm"),
    "external data": (_external, r"keeps its weights in another file \([02]\."),
    "external constant": (_external_constant, r"keeps its weights in another file \(leak\)"),
    "eight bands": (
        _input(TensorProto.FLOAT, "batch", 8),
        r"the graph takes \(batch, 8\) but its card lists 5 bands",
    ),
    "an image": (_input(TensorProto.FLOAT, "batch", 5, 64, 64), r"takes \(batch, 5, 64, 64\) but"),
    "another layout": (
        _card(CARD + "input: {layout: 'pixel, 1, band'}"),
        r"\(batch, 5\) but its card lists 5 bands as 'pixel, 1, band'",
    ),
    "bands left open": (_input(TensorProto.FLOAT, "n", "a", "b"), "may be pixel, 1, band or pixel"),
    "double": (_input(TensorProto.DOUBLE, "batch", 5), r"takes float64 \(x\)"),
    "double out": (_output(TensorProto.DOUBLE), r"gives float64 \(y\)"),
    "two inputs": (_second_input, r"2 inputs \(x, angles\)"),
    "no outputs": (_no_outputs, "holds no graph with outputs"),
    "an output not there": (
        _card(CARD.replace("[{", "[{name: iron, ")),
        "names the output 'iron' but the graph has y",
    ),
    "distance not there": (_card(CARD + "distance_limit: 3"), "the output 'distance' but the"),
    "more quantities": (
        _card(CARD.replace("%}]", "%}, {quantity: TiO2, units: wt %}]")),
        r"output y has the shape \(4096, 1\).* 2 quantities in it",
    ),
    "a spectrum out": (_per_spectrum, r"output y has the shape \(4096, 1, 4\)"),
    "a batch fixed inside": (_fixed_inside, "does not run on a block of 4,096 pixels"),
    "no card": (
        lambda path: path.with_suffix(".yaml").unlink(),
        "has no card.*write feo.yaml beside it with four lines such as `name: feo`",
    ),
    "a pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "is no file; give the path of a"),
    "a huge block": (
        _input(TensorProto.FLOAT, 10**12, 5),
        "the graph has blocks of 1,000,000,000,000 pixels but they are between 1 and 1,048,576",
    ),
    "no block": (_input(TensorProto.FLOAT, 0, 5), "the graph has blocks of 0 pixels but"),
    "a card of a huge block": (
        _card(CARD + "block_pixels: 1000000000000"),
        "the card has blocks of 1,000,000,000,000 pixels",
    ),
    "a card in Latin-1": (
        lambda path: path.with_suffix(".yaml").write_bytes(b"name: caf\xe9"),
        r"is no text in UTF-8 \(byte 9\); save",
    ),
    "a long card": (_card(CARD + f"description: {'x' * 100_000}"), "bytes but a card may have 100"),
    "a card that is wrong": (_card(CARD.replace("415", "416")), "yaml: .*needs the bands 416"),
    "a card in it that is wrong": (
        lambda path: edited(path, lambda m: helper.set_model_props(m, {"lunarscale": "{}"})),
        "its card lacks its format",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("break_it", "message"), MISTAKES.values(), ids=MISTAKES)
def test_each_mistake_has_its_sentence(tmp_path: Path, break_it: Break, message: str) -> None:
    path = export(dense(), tmp_path / "feo.onnx")
    assert isinstance(find_model(str(path)), Network)
    break_it(path)
    with pytest.raises(ModelError, match=message) as caught:
        _run(path)
    told = str(caught.value)
    assert str(path.with_suffix("")) in told
    assert ";" in told, "what to do"
    assert "\n" not in told


def _run(path: Path) -> None:
    model = find_model(str(path))
    assert isinstance(model, Network)
    model.open()


def test_a_card_says_which_way_bands_lie(tmp_path: Path) -> None:
    path = export(convolutional(), tmp_path / "feo.onnx", shape=(1, 5))
    _input(TensorProto.FLOAT, "n", "a", "b")(path)
    with pytest.raises(ModelError, match="may be"):
        read_network(str(path))
    path.with_suffix(".yaml").write_text(CARD + "input: {layout: 'pixel, 1, band'}")
    read_network(str(path)).open()


def test_what_the_walk_finds_is_what_onnx_finds(tmp_path: Path) -> None:
    path = export(convolutional(), tmp_path / "feo.onnx", shape=(1, 5), dynamo=True, opset=18)
    facts, model = read_facts(path.read_bytes()), onnx.load(path)
    assert facts.ir_version == model.ir_version
    assert facts.opset == 18
    assert facts.producer == model.producer_name
    assert [port.name for port in facts.inputs] == ["x"]
    assert facts.inputs[0].shape == ("batch", 1, 5)
    assert sum(facts.operators.values()) == len(model.graph.node)
    assert {name for _, name in facts.operators} == {node.op_type for node in model.graph.node}
    assert facts.weights == sum(
        int(helper.np.prod(list(tensor.dims))) for tensor in model.graph.initializer
    )


@given(st.binary(max_size=200), st.integers(0, 2000), st.integers(0, 255))
def test_damaged_bytes_are_told_and_nothing_else(noise: bytes, at: int, byte: int) -> None:
    whole = helper.make_model(
        helper.make_graph(
            [helper.make_node("Relu", ["x"], ["y"])],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 5])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5])],
            [helper.make_tensor("w", TensorProto.FLOAT, [2, 3], list(range(6)))],
        )
    ).SerializeToString()
    at %= len(whole)
    for damaged in (noise, whole[:at], whole[:at] + bytes([byte]) + whole[at + 1 :], whole + noise):
        try:
            read_facts(damaged)
        except NotProtobufError:
            continue
