"""What training needs beyond the package's own dependencies."""

from importlib.util import find_spec

from lunarscale.errors import TrainingError

_NEEDED = ("torch", "onnx")


def require_extra() -> None:
    """Say so in one sentence where the ``train`` extra is not installed.

    Raises
    ------
    TrainingError
        If torch or onnx is missing.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise TrainingError(
            f"training needs {', '.join(missing)}, which is not installed; "
            "run `pip install 'lunarscale[train]'` (predicting needs none of it)"
        )
