"""A session: what opening it does beside opening it."""

import os
import subprocess
import sys
from pathlib import Path


def test_onnxruntime_tells_nobody(tmp_path: Path) -> None:
    """Its telemetry leaves files in the home and the temporary folder before it sends anything."""
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    silencing = {"CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS"}
    environment = {name: value for name, value in os.environ.items() if name not in silencing}
    environment |= {"HOME": str(home), "TMPDIR": str(temporary)}
    environment.pop("XDG_CACHE_HOME", None)
    code = "import lunarscale.models.session"
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, check=True)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["home", "temporary"]
