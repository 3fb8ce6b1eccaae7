"""One client of a bucket a process, and what it says in words of our own."""

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from lunarscale.errors import StoreError
from lunarscale.urls.options import Settings, environment
from lunarscale.urls.patience import PassingError, WornError
from lunarscale.urls.secrets import without_secrets

Result = TypeVar("Result")

#: What the answers that pass by themselves say beside their number (S3's error codes).
_PASSING_CODES = ("RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable")

#: Answers below 500 that pass by themselves: timeout, conflict, too early, too many requests.
_PASSING = (408, 409, 425, 429)

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([^<]*)</Code>")
_MESSAGE = re.compile(r"<Message>([^<]*)</Message>")
_SYSTEM = re.compile(r'kind: (\w+),\s+message: "([^"]*)"|(TimedOut|dns error|IncompleteMessage)')

_clients: dict[tuple[Any, ...], Any] = {}
#: Settings whose server was last waited for in vain.
_dead: set[Settings] = set()

_lock = threading.Lock()
_forked = False


def _after_fork() -> None:
    """A client's threads stay with the parent: the child would wait for them for ever."""
    global _lock, _forked
    _lock, _forked = threading.Lock(), bool(_clients) or _forked
    _clients.clear()


os.register_at_fork(after_in_child=_after_fork)


def client_of(settings: Settings, *, insists: bool = False, prefix: str | None = None) -> Any:
    """The process's client for some settings; threads share it.

    Parameters
    ----------
    settings : Settings
    insists : bool
        Whether it tries again by itself, which uploads in parts need; else the caller does.
    prefix : str, optional
        The folder that its names begin in.

    Raises
    ------
    StoreError
        If the process was forked from one that had a client, or the settings cannot be used.
    """
    if _forked:
        raise StoreError(
            f"{settings.cloud}://{settings.bucket}: this process was forked from one that had used "
            "an object store, and connections do not survive that; start processes by "
            "multiprocessing's spawn, as lunarscale's own clusters do"
        )
    key = settings, insists, prefix, environment(settings.cloud)
    with _lock:
        if key not in _clients:
            _clients[key] = _made(settings, insists=insists, prefix=prefix)
        return _clients[key]


def _made(settings: Settings, *, insists: bool, prefix: str | None) -> Any:
    import obstore.store  # loaded with the first bucket, not with the first folder

    classes = {
        "s3": obstore.store.S3Store, "gs": obstore.store.GCSStore, "az": obstore.store.AzureStore,
    }  # fmt: skip
    patience = settings.patience
    retries = {
        "max_retries": patience.tries - 1 if insists else 0,
        "retry_timeout": timedelta(seconds=patience.seconds),
    }
    with told(settings, f"{settings.cloud}://{settings.bucket}"):
        return classes[settings.cloud](
            settings.bucket,
            prefix=prefix,
            config=json.loads(settings.config),
            client_options=json.loads(settings.client),
            retry_config=retries,
        )


@contextmanager
def told(settings: Settings, what: str) -> Iterator[None]:
    """Turn what a client raises into a PassingError or a StoreError, without secrets.

    FileNotFoundError passes, and what says that a condition was not met; of a bucket that is not
    there it is a StoreError.
    """
    try:
        yield
    except (StoreError, PassingError, MemoryError):
        raise
    except Exception as error:  # the client's own tree of errors, and Rust's panics
        kind, text = type(error).__name__, str(error)
        reason = without_secrets(_reason(text), settings.secrets)
        if isinstance(error, FileNotFoundError) and "NoSuchBucket" not in text:
            raise
        if kind in ("AlreadyExistsError", "PreconditionError", "NotModifiedError"):
            raise
        passes = _passes(kind, text)
        sentence = reason if passes else f"{what} failed: {reason}; {_advice(kind, text)}"
        raise (PassingError if passes else StoreError)(sentence) from None


def _passes(kind: str, text: str) -> bool:
    """Whether an error may be gone when it is tried again."""
    if kind not in ("GenericError", "BaseError", "JoinError"):
        return False
    status = _STATUS.search(text)
    code = _CODE.search(text)
    if code is not None and code[1] in _PASSING_CODES:
        return True
    if status is not None:
        return int(status[1]) >= 500 or int(status[1]) in _PASSING
    return "redirect" not in text and "builder error" not in text


def _reason(text: str) -> str:
    """The first sentence of a client's error, and what lies at its root."""
    head, _, debug = text.partition("\n\nDebug source:")
    code, message = _CODE.search(head), _MESSAGE.search(head)
    where = re.search(r"(https?://[^/\s]+)", head)
    head = head.partition("<?xml")[0].rpartition(" - ")[2]
    head = head.removeprefix("Server returned non-2xx status code: ").strip(" :")
    parts = [head, code[1] if code else "", message[1] if message else ""]
    system = _SYSTEM.search(debug)
    if system is not None:
        parts.append(system[2] or system[3])
    words = ": ".join(dict.fromkeys(part for part in parts if part))
    return " ".join(words.split()) + (f" ({where[1]})" if where else "")


def _advice(kind: str, text: str) -> str:
    if kind in ("PermissionDeniedError", "UnauthenticatedError"):
        return (
            "check the keys (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and so on, on every worker) "
            "and what they may do"
        )
    if "NoSuchBucket" in text:
        return "make the bucket first, or mend the URL"
    if "redirect" in text or "region" in text.lower():
        return "name the bucket's region (AWS_REGION)"
    return "check the URL and its storage options"


def persist(settings: Settings, attempt: Callable[[Any], Result], *, what: str) -> Result:
    """What an attempt with the client returns, tried with the settings' patience.

    Parameters
    ----------
    settings : Settings
    attempt : callable
        Takes the client.
    what : str
        The URL and what is done with it.
    """

    def once() -> Result:
        with told(settings, what):
            return attempt(client_of(settings))

    advice = "see whether the server is up and reachable, then run the same command again"
    # a run asks for thousands of objects: a server that was waited for in vain gets less of it
    patience = settings.patience.worn if settings in _dead else settings.patience
    try:
        found = patience.persist(once, what=what, advice=advice)
    except WornError:
        _dead.add(settings)
        raise
    _dead.discard(settings)
    return found
