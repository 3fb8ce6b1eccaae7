"""Models by name: all of the table, and one clear sentence for anything else."""

import pytest

from lunarscale.errors import ModelError
from lunarscale.models.registry import BUILT_IN, DEFAULT_MODELS, find_model


def test_the_whole_table_is_there():
    assert set(BUILT_IN) == {
        *(
            f"{author}-{kind}"
            for author in ("qiu-2025", "lucey-2000")
            for kind in ("feo", "tio2", "omat")
        ),
        "wilcox-2005-feo",
        "otake-2012-theta-fe",
        "otake-2012-theta-ti",
    }
    assert [model.quantity.name for model in DEFAULT_MODELS] == ["FeO", "TiO2", "OMAT"]


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_is_found_by_its_name(name):
    assert find_model(name).name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("qiu-2025-fe", "'qiu-2025-fe'.*did you mean qiu-2025-feo"),
        ("QIU-2025-FEO", "did you mean qiu-2025-feo"),
        ("zzz", "'zzz'.*lunarscale models"),
        ("", "''.*lunarscale models"),
        ("nets/feo.onnx", r"nets/feo.onnx cannot be read here \(No such file"),
        ("./feo", r"\./feo is a path but no .onnx or .json file; give the path"),
        ("s3://bucket/feo.onnx", "is a URL.*download it"),
        ("feo.pt", r"torch keeps that form.*torch\.onnx\.export"),
        ("feo.keras", "tf2onnx"),
        ("feo.yaml", r"a card lies beside its \.onnx"),
    ],
)
def test_what_is_no_model_is_told(name, message):
    with pytest.raises(ModelError, match=message):
        find_model(name)
