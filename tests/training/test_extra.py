"""What training needs: said in one sentence where it is missing, and published figures by name."""

import re
from importlib.util import find_spec

import pytest

from lunarscale.errors import TrainingError
from lunarscale.training.extra import require_extra
from lunarscale.training.networks import NETWORKS
from lunarscale.training.published import PUBLISHED_R2


@pytest.mark.parametrize("missing", [{"torch"}, {"onnx"}, {"torch", "onnx"}])
def test_what_is_missing_is_named(missing: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def not_there(name: str) -> object:
        return None if name in missing else find_spec(name)

    require_extra()  # here all is there
    monkeypatch.setattr("lunarscale.training.extra.find_spec", not_there)
    with pytest.raises(TrainingError) as refusal:
        require_extra()
    told = re.match(r"training needs ([a-z, ]+), which is not installed; run ", str(refusal.value))
    assert told
    assert set(told[1].split(", ")) == missing


def test_published_figures_are_of_networks_and_of_oxides_that_they_give() -> None:
    for network, figures in PUBLISHED_R2.items():
        assert set(figures) == set(NETWORKS[network].oxides)
        assert all(0.7 < r2 < 1.0 for r2 in figures.values())
