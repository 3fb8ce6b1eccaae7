"""Models by name: all of the table, and one clear sentence for anything else."""

from pathlib import Path

import pytest
from networks_at_hand import CARD, dense, edited, export
from onnx import helper

from lunarscale.errors import ModelError
from lunarscale.models import network_files, session
from lunarscale.models.card import Card
from lunarscale.models.equations import LUCEY_2000_FEO, LUCEY_2000_TIO2
from lunarscale.models.files import EquationFile, write_equations
from lunarscale.models.network import Network
from lunarscale.models.registry import (
    BUILT_IN,
    DEFAULT_MODELS,
    default_models,
    find_model,
    find_models,
)


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


def test_a_file_of_equations_may_hold_several(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    write_equations(path, EquationFile((LUCEY_2000_FEO, LUCEY_2000_TIO2)))
    assert find_models(str(path)) == (LUCEY_2000_FEO, LUCEY_2000_TIO2)
    with pytest.raises(ModelError, match=r"holds 2 equations \(lucey-2000-feo, lucey-2000-tio2\)"):
        find_model(str(path))


def test_networks_of_the_package_are_found_by_their_files_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (network_files, session):
        monkeypatch.setattr(module, "ready_folder", lambda: tmp_path)
    card = Card.from_yaml(CARD).to_json()
    path = export(dense(), tmp_path / "iron-2026.onnx", card=None)
    edited(path, lambda model: helper.set_model_props(model, {"lunarscale": card}))
    assert network_files.ready_names() == ["iron-2026"]
    model = find_model("iron-2026")
    assert isinstance(model, Network)
    assert model.location == "ready:iron-2026"  # wherever a worker's package lies
    model.open()
    with pytest.raises(ModelError, match="'iron-2025' among the 16; did you mean iron-2026"):
        find_model("iron-2025")


def test_each_camera_has_its_usual_models() -> None:
    assert default_models("clementine-uvvis") == DEFAULT_MODELS
    (oxides,) = default_models("kaguya-mi")
    assert (oxides.name, oxides.camera) == ("kaguya-oxides", "kaguya-mi")
