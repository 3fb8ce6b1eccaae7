"""What this suite promises of itself."""

import warnings

import pytest


def test_a_warning_is_an_error() -> None:
    with pytest.raises(UserWarning, match="told"):
        warnings.warn("told", stacklevel=1)
