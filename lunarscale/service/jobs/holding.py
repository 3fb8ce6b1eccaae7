"""One service at a time runs the jobs of a folder: who holds the lock of a file does."""

import fcntl
import os
from pathlib import Path


class Hold:
    """The hold on a folder's jobs; it ends with the process, however that ends.

    Parameters
    ----------
    path : Path
        Of the file that is locked.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def is_ours(self) -> bool:
        """Whether this service runs the jobs."""
        return self._descriptor is not None

    def take(self) -> bool:
        """Take the hold if nobody has it; whether it is ours."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:  # a filesystem that knows no locks, say
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def close(self) -> None:
        """Let another service run the jobs."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
