"""What must never be told: keys in errors, and URLs that carry some."""

import os
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from lunarscale.errors import SourceError

#: Variables whose values are secrets, of the three clouds.
_VARIABLES = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_KEY", "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_CONNECTION_STRING", "AZURE_CLIENT_SECRET", "GOOGLE_SERVICE_ACCOUNT_KEY",
)  # fmt: skip

#: Parameters of URLs that were signed for whoever holds them (AWS, Google, Azure).
_SIGNED = re.compile(
    r"[?&](x-amz-(signature|security-token)|x-goog-signature|signature|sig)=", re.I
)


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """A text with stars where a secret stood: of those given, or of this process's environment."""
    known = {*secrets, *(os.environ.get(name, "") for name in _VARIABLES)}
    for secret in sorted(known, key=len, reverse=True):
        if len(secret) > 3:  # less than that is a word of every sentence
            text = text.replace(secret, "***")
    return text


def refuse_secrets(url: str) -> None:
    """Refuse a URL that carries a key: it would be written into ledgers, records and messages.

    Raises
    ------
    SourceError
        If it does; the message leaves the key out.
    """
    parts = urlsplit(url)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    password = parts.netloc.rpartition("@")[0].partition(":")[2]
    if password or _SIGNED.search(url):
        found = "a password" if password else "a signature"
        raise SourceError(
            f"{shown}: this URL carries {found}, which would be written into ledgers and messages; "
            "give keys by the environment (AWS_ACCESS_KEY_ID and so on) or by storage options, or "
            "fetch the file to this machine"
        )
