"""Maps of networks from elsewhere: torch's numbers, in any executor, beside equations."""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from distributed import Client
from engine_moon import LITTLE, arrays, assert_same_arrays
from networks_at_hand import BANDS, CARD, THREE_OXIDES, convolutional, dense, export
from torch import nn

from lunarscale.engine.executors import OnDask
from lunarscale.errors import ModelError
from lunarscale.flags import NEGATIVE, MapReason
from lunarscale.models.network_files import read_network
from lunarscale.steps.ingest import ingest
from lunarscale.steps.predict import name_layers, predict, prepare_predict


@pytest.fixture(scope="module")
def mosaic(little_tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A little mosaic, from pole to pole."""
    store = tmp_path_factory.mktemp("mosaic") / "mosaic.zarr"
    ingest([str(little_tiles)], out=str(store), **LITTLE)
    return str(store)


def centred(network: nn.Sequential, mosaic: str, shape: tuple[int, ...]) -> nn.Sequential:
    """The same network with values spread over -2 to 20, nearly as oxides are."""
    with torch.no_grad():
        network[0].weight *= 20.0  # reflectances are small: else all is the biases' doing
    made = by_torch(network, mosaic, shape)
    low, high = np.nanmin(made), np.nanmax(made)
    with torch.no_grad():
        for parameter in (network[-1].weight, network[-1].bias):
            parameter *= 22.0 / float(high - low)
        network[-1].bias -= 2.0 + 22.0 * float(low / (high - low))
    return network


def by_torch(network: nn.Module, mosaic: str, shape: tuple[int, ...]) -> np.ndarray:
    """Torch's value in every pixel where all bands are known, else NaN; (row, col)."""
    with xr.open_zarr(mosaic, chunks=None) as dataset:
        reflectance = dataset["reflectance"].values.astype(np.float32)
    x = torch.tensor(reflectance.reshape(len(BANDS), -1).T)
    with torch.no_grad():
        made = network(x.reshape(-1, *shape)).numpy()[:, 0]
    return np.where(np.isnan(reflectance).any(axis=0), np.nan, made.reshape(reflectance.shape[1:]))


@pytest.mark.parametrize(
    ("make", "shape", "dynamo"), [(dense, (5,), True), (convolutional, (1, 5), False)]
)
def test_an_ordinary_export_maps_as_torch_does(
    mosaic: str, tmp_path: Path, *, make: type, shape: tuple[int, ...], dynamo: bool
) -> None:
    network = centred(make(), mosaic, shape)
    path = export(network, tmp_path / "feo.onnx", shape=shape, dynamo=dynamo, opset=18)
    maps = tmp_path / "maps.zarr"
    predict(mosaic, out=str(maps), models=[str(path)])
    expected, quantum = by_torch(network, mosaic, shape), 0.005
    with (
        xr.open_zarr(maps, chunks=None) as found,
        xr.open_zarr(maps, chunks=None, mask_and_scale=False) as stored,
    ):
        np.testing.assert_array_equal(np.isnan(found["FeO"].values), np.isnan(expected))
        np.testing.assert_allclose(
            found["FeO"].values, expected, rtol=0, atol=quantum / 2 + 1e-4, equal_nan=True
        )
        flags = stored["FeO_flag"].values
    known = ~np.isnan(expected)
    assert known.mean() > 0.5
    sure = known & (abs(expected) > 1e-4)
    np.testing.assert_array_equal(flags[sure], np.where(expected < 0, NEGATIVE, 0)[sure])
    assert (flags[sure] == NEGATIVE).any()
    assert (flags[~known] >= MapReason.NO_INPUT).all()


@pytest.mark.cluster
def test_workers_make_the_bits_that_serial_makes(
    mosaic: str, tmp_path: Path, two_workers: Client
) -> None:
    card = THREE_OXIDES + "block_pixels: 100\n"
    path = export(dense(outputs=3), tmp_path / "three.onnx", card=card)
    models = ["qiu-2025-feo", str(path), "qiu-2025-omat"]
    alone, together = tmp_path / "serial.zarr", tmp_path / "dask.zarr"
    predict(mosaic, out=str(alone), models=models)
    predict(mosaic, out=str(together), models=models, executor=OnDask(two_workers))
    assert_same_arrays(arrays(alone), arrays(together))
    assert {"FeO", "FeO_my_feo", "TiO2", "CaO", "OMAT"} <= arrays(alone).keys()


def test_what_does_not_run_is_told_before_anything_is_written(mosaic: str, tmp_path: Path) -> None:
    path = export(dense(), tmp_path / "feo.onnx", card=CARD + "distance_limit: 1")
    with pytest.raises(ModelError, match="the output 'distance'"):
        predict(mosaic, out=str(tmp_path / "maps.zarr"), models=[str(path)])
    assert not (tmp_path / "maps.zarr").exists()


def test_a_network_of_another_camera_is_refused_by_name(mosaic: str, tmp_path: Path) -> None:
    card = CARD.replace("clementine-uvvis", "kaguya-mi").replace(
        "415, 750, 900, 950, 1000", "414, 749, 901, 950, 1001"
    )
    path = export(dense(), tmp_path / "feo.onnx", card=card)
    with pytest.raises(ModelError, match=r"my-feo was made for .*Kaguya.* mosaic is of Clementine"):
        prepare_predict(mosaic, out=str(tmp_path / "maps.zarr"), models=[str(path)])


def test_networks_are_in_the_plan(mosaic: str, tmp_path: Path) -> None:
    path = export(dense(width=2048), tmp_path / "feo.onnx")
    network = read_network(str(path))
    plans = [
        prepare_predict(mosaic, out=str(tmp_path / "maps.zarr"), models=models).plan
        for models in (["qiu-2025-feo"], [str(path)])
    ]
    assert plans[1].process_bytes - plans[0].process_bytes > network.process_bytes
    assert plans[1].task_bytes - plans[0].task_bytes > network.thread_bytes


def test_layers_are_told_apart_by_their_models(tmp_path: Path) -> None:
    networks = []
    for name in ("my-feo-first", "my-feo-second", "Kärnten + 2"):
        path = export(
            dense(), tmp_path / f"{len(networks)}.onnx", card=CARD.replace("my-feo", f"'{name}'")
        )
        networks.append(read_network(str(path)))
    assert [layer.name for layer in name_layers(networks)] == [
        "FeO",
        "FeO_my_feo",
        "FeO_Kärnten_2",
    ]
    with pytest.raises(ModelError, match="named twice"):
        name_layers([networks[0], networks[0]])
