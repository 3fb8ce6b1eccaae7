"""What killed workers leave beside their objects: files half-written that nobody reads."""

from pathlib import Path

from lunarscale.store.cube import LOCKS
from lunarscale.store.local import PARTIAL
from lunarscale.store.location import Location


def half_written(location: Location) -> list[Path]:
    """Files that killed workers left, or that living ones write just now; locks' not among them."""
    if not location.is_local:
        return []  # elsewhere an object is sent whole, or leaves nothing under any name
    found = Path(location.path).rglob(f"*{PARTIAL}")
    return sorted(path for path in found if not path.parent.match(LOCKS))


def sweep(location: Location) -> None:
    """Remove them: for who holds the store, before the first of its jobs and after the last."""
    for path in half_written(location):
        path.unlink(missing_ok=True)
