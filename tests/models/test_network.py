"""Networks from torch, run as models: the same numbers, flags for the rest, threads, pickles."""

import pickle
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from networks_at_hand import BANDS, CARD, bands_last, convolutional, dense, edited, export
from numpy.typing import NDArray
from torch import nn

from lunarscale.errors import ModelError
from lunarscale.flags import EXTRAPOLATED, NEGATIVE, NO_DATA, REASON_MASK, MapReason
from lunarscale.models.model import Prediction
from lunarscale.models.network_files import read_network
from lunarscale.models.registry import find_model
from lunarscale.models.session import open_session

SCALE = 1.35e-4


def counts(pixels: int, seed: int = 0) -> NDArray[np.int16]:
    """Counts of five bands as the Moon has them."""
    return np.random.default_rng(seed).integers(300, 3000, (len(BANDS), pixels), dtype=np.int16)


def by_torch(
    network: nn.Module, given: NDArray[np.int16], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """What torch makes of the same counts, (quantity, pixel)."""
    x = torch.tensor(given.T * SCALE, dtype=torch.float32).reshape(-1, *shape)
    with torch.no_grad():
        made: NDArray[np.float32] = network(x).numpy().T
    return made


@pytest.mark.parametrize(
    ("opset", "dynamo"), [(17, False), (18, False), (20, False), (18, True), (20, True)]
)
@pytest.mark.parametrize(
    ("make", "shape"), [(dense, (5,)), (convolutional, (1, 5)), (bands_last, (5, 1))]
)
def test_an_ordinary_export_gives_what_torch_gives(
    tmp_path: Path, *, opset: int, dynamo: bool, make: type, shape: tuple[int, ...]
) -> None:
    network = make()
    model = find_model(
        str(export(network, tmp_path / "feo.onnx", shape=shape, opset=opset, dynamo=dynamo))
    )
    given = counts(10_000)  # two blocks and a part of one
    found = model.predict(given, SCALE)
    np.testing.assert_allclose(found.values, by_torch(network, given, shape), rtol=0, atol=1e-5)
    assert not (found.flags & REASON_MASK).any()
    assert model.name == "my-feo"
    assert [quantity.name for quantity in model.quantities] == ["FeO"]


def test_scalers_of_the_card_are_those_of_the_training(tmp_path: Path) -> None:
    network, rng = dense(outputs=2), np.random.default_rng(3)
    mean, std = rng.uniform(0.05, 0.2, 5), rng.uniform(0.01, 0.05, 5)
    card = (
        CARD.replace(
            "[{quantity: FeO, units: wt %}]",
            "[{quantity: FeO, units: wt %, multiply_by: 4.5, add: 9},"
            " {quantity: Mg_number, units: '1', multiply_by: 0.1, add: 0.5}]",
        )
        + f"input: {{subtract: {mean.tolist()}, divide_by: {std.tolist()}}}\n"
    )
    model = find_model(str(export(network, tmp_path / "two.onnx", card=card)))
    given = counts(5000)
    x = torch.tensor((given.T * SCALE - mean) / std, dtype=torch.float32)
    with torch.no_grad():
        y = network(x).numpy().T
    found = model.predict(given, SCALE)
    np.testing.assert_allclose(found.values, [y[0] * 4.5 + 9, y[1] * 0.1 + 0.5], atol=1e-4)


def test_a_missing_band_voids_and_a_negative_value_is_kept(tmp_path: Path) -> None:
    network, given = dense(), counts(6000)
    with torch.no_grad():
        network[-1].bias -= float(np.median(by_torch(network, given, (5,))))  # of both signs
    model = find_model(str(export(network, tmp_path / "feo.onnx")))
    exact = by_torch(network, given, (5,))[0]
    holes = np.random.default_rng(1).random(given.shape) < 0.02
    given[holes] = NO_DATA
    found = model.predict(given, SCALE)
    missing = holes.any(axis=0)
    assert missing.any()
    assert 0.1 < (exact[~missing] < 0).mean() < 0.9
    assert (found.flags[0, missing] == MapReason.NO_INPUT).all()
    np.testing.assert_array_equal(
        found.flags[0, ~missing], np.where(exact < 0, NEGATIVE, 0)[~missing]
    )
    np.testing.assert_allclose(found.values[0, ~missing], exact[~missing], atol=1e-5)
    nothing = model.predict(np.full((5, 70), NO_DATA, np.int16), SCALE)
    assert (nothing.flags == MapReason.NO_INPUT).all()


class Logarithm(nn.Module):
    """No finite number where a reflectance is not positive."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, bands) to (N,)."""
        return x.log().sum(dim=1)


def test_no_finite_number_is_no_value(tmp_path: Path) -> None:
    model = find_model(str(export(Logarithm(), tmp_path / "log.onnx")))
    given = counts(4)
    given[:, 0], given[0, 1], given[4, 2] = -5, 0, NO_DATA
    flags = model.predict(given, SCALE).flags[0]
    assert flags.tolist()[:3] == [
        MapReason.OUTSIDE_DOMAIN, MapReason.OUTSIDE_DOMAIN, MapReason.NO_INPUT
    ]  # fmt: skip
    assert flags[3] & REASON_MASK == 0


class WithDistance(nn.Module):
    """Iron, and how far the spectrum lies from the stations'; a NaN is far."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, bands) to (N, 1) and (N,)."""
        return x[:, :1] * 40, x[:, 1].sqrt()


def test_a_distance_beyond_the_cards_limit_is_extrapolated(tmp_path: Path) -> None:
    def name_outputs(model: object) -> None:
        for at, name in enumerate(("FeO", "distance")):
            old = model.graph.output[at].name  # type: ignore[attr-defined]
            model.graph.output[at].name = name  # type: ignore[attr-defined]
            for node in model.graph.node:  # type: ignore[attr-defined]
                node.output[:] = [name if o == old else o for o in node.output]

    path = export(WithDistance(), tmp_path / "far.onnx", card=CARD + "distance_limit: 0.5\n")
    model = find_model(str(edited(path, name_outputs)))
    given = counts(9000)
    given[1, 7] = -1
    found = model.predict(given, SCALE)
    far = given[1] * SCALE > 0.25
    far[7] = True
    assert 0.1 < far.mean() < 0.9
    np.testing.assert_array_equal(found.flags[0], np.where(far, EXTRAPOLATED, 0))


def test_a_reflectance_outside_the_cards_range_is_extrapolated(tmp_path: Path) -> None:
    card = CARD + "input: {range: [[0, 1], [0.1, 0.3], [0, 1], [0, 1], [0, 0.35]]}\n"
    model = find_model(str(export(bands_last(), tmp_path / "feo.onnx", shape=(5, 1), card=card)))
    given = counts(9000)
    r750, r1000 = given[1] * SCALE, given[4] * SCALE
    flagged = model.predict(given, SCALE).flags[0] & EXTRAPOLATED
    np.testing.assert_array_equal(flagged > 0, (r750 < 0.1) | (r750 > 0.3) | (r1000 > 0.35))


def test_blocks_of_any_size_make_the_same_map(tmp_path: Path) -> None:
    given = counts(3001)
    export(convolutional(), tmp_path / "whole.onnx", shape=(1, 5), card=CARD + "block_pixels: 3001")
    whole = read_network(str(tmp_path / "whole.onnx")).predict(given, SCALE)
    for block in (1, 64, 1000):
        path = export(convolutional(), tmp_path / f"{block}.onnx", shape=(1, 5),
                      card=CARD + f"block_pixels: {block}")  # fmt: skip
        part = read_network(str(path)).predict(given, SCALE)
        np.testing.assert_allclose(part.values, whole.values, rtol=0, atol=1e-5)


def test_a_batch_that_the_export_fixed_is_the_block(tmp_path: Path) -> None:
    network = dense()
    model = read_network(str(export(network, tmp_path / "three.onnx", free=False)))
    assert model.shapes.block == 3
    given = counts(10)
    np.testing.assert_allclose(
        model.predict(given, SCALE).values, by_torch(network, given, (5,)), atol=1e-5
    )


def test_results_go_where_they_are_asked_to(tmp_path: Path) -> None:
    model = find_model(str(export(dense(), tmp_path / "feo.onnx")))
    given = counts(5000)
    room = Prediction(np.empty((3, 5000), np.float32)[::2][:1], np.empty((1, 5000), np.uint8))
    made = model.predict(given, SCALE, out=room)
    assert made.values is room.values
    np.testing.assert_array_equal(room.values, model.predict(given, SCALE).values)
    with pytest.raises(
        ModelError, match=r"takes 5 rows of int16 counts but was given int16 of shape"
    ):
        model.predict(given[:4], SCALE)


def test_a_network_pickles_as_its_location_and_opens_again(tmp_path: Path) -> None:
    path = export(dense(width=4096), tmp_path / "feo.onnx")
    model = read_network(str(path))
    model.open()
    sent = pickle.dumps(model)
    assert len(sent) < 3000 < path.stat().st_size
    there = pickle.loads(sent)
    assert there == model
    assert there.digest == model.digest
    given = counts(100)
    np.testing.assert_array_equal(
        there.predict(given, SCALE).values, model.predict(given, SCALE).values
    )


def test_a_process_has_one_session_a_network(tmp_path: Path) -> None:
    model = read_network(str(export(dense(), tmp_path / "feo.onnx")))
    again = pickle.loads(pickle.dumps(model))
    mine, other = (open_session(m.location, m.sha256, m.shapes) for m in (model, again))
    assert mine is other


def test_a_file_that_changed_or_went_is_refused(tmp_path: Path) -> None:
    path = export(dense(), tmp_path / "feo.onnx")
    model = read_network(str(path))
    export(dense(seed=1), path)
    changed = read_network(str(path))
    assert changed.digest != model.digest
    with pytest.raises(
        ModelError, match=f"feo.onnx has changed.*{model.sha256[:12]}.*{changed.sha256[:12]}"
    ):
        model.predict(counts(5), SCALE)
    path.unlink()
    with pytest.raises(ModelError, match=r"cannot be read here.*every worker"):
        model.predict(counts(5), SCALE)


def test_another_card_is_another_digest(tmp_path: Path) -> None:
    path = export(dense(), tmp_path / "feo.onnx")
    before = read_network(str(path))
    path.with_suffix(".yaml").write_text(CARD.replace("FeO", "TiO2"))
    assert read_network(str(path)).digest != before.digest


def test_threads_do_not_disturb_each_other(tmp_path: Path) -> None:
    model = find_model(str(export(convolutional(), tmp_path / "feo.onnx", shape=(1, 5))))
    several = [counts(9000, seed) for seed in range(8)]
    alone = [model.predict(given, SCALE).values.copy() for given in several]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            together = list(pool.map(lambda given: model.predict(given, SCALE).values, several))
            for mine, theirs in zip(alone, together, strict=True):
                np.testing.assert_array_equal(mine, theirs)


def test_memory_is_flat_over_hundreds_of_blocks(tmp_path: Path) -> None:
    path = export(convolutional(), tmp_path / "feo.onnx", shape=(1, 5))
    model, given = read_network(str(path)), counts(4096 * 10)
    made = model.predict(given, SCALE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(20):
        model.predict(given[:, : 4096 * 10 - 17], SCALE, out=Prediction(
            made.values[:, :-17], made.flags[:, :-17]
        ))  # fmt: skip
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 4096, f"{grown} kB more after 200 blocks"
