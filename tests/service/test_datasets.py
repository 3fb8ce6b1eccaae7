"""What datasets a service says it has."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

Service = Callable[..., TestClient]


def test_the_datasets_are_the_stores_of_the_folder(service: Service, service_data: Path) -> None:
    told: dict[str, Any] = service(service_data).get("/api/datasets").json()
    by_name = {each["name"]: each for each in told["datasets"]}
    assert sorted(by_name) == ["maps.zarr", "mosaic.zarr"]
    maps = by_name["maps.zarr"]
    assert maps["kind"] == "maps"
    assert maps["simulated"] is True
    assert maps["grid"] == {
        "width": 512, "height": 256, "pixel_deg": 0.703125, "bounds": [-180.0, -90.0, 180.0, 90.0],
    }  # fmt: skip
    assert maps["shards"] == {"done": 8, "torn": 0, "all": 8}
    assert maps["levels"] == [1, 2]
    assert maps["created"].startswith("20")
    oxides = "FeO_clementine_oxides"
    layers = {layer["name"]: layer for layer in maps["layers"]}
    low, high = layers["FeO"]["range"]
    assert -5 < low < high < 40
    assert layers["FeO"]["uncertainty"] is None  # another model's interval is none of its own
    meaning = "90% prediction intervals by CV+ by landing site"
    ends = {"lower": "FeO_lower", "upper": "FeO_upper", "meaning": meaning}
    assert layers[oxides]["uncertainty"] == ends
    assert layers["FeO_lower"]["remark"] == meaning
    assert [layer["name"] for layer in by_name["mosaic.zarr"]["layers"]] == [
        "R415", "R750", "R900", "R950", "R1000",
    ]  # fmt: skip
