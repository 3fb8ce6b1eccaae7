"""Tokens: 256 random bits each, of which the file keeps the SHA-256 alone.

The file is JSON: ``{"format": "lunarscale tokens", "format_version": 1, "tokens": [...]}``. Only
its owner may write it: who can add a line to it is an admin.
"""

import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from lunarscale.errors import RequestError, UnavailableError, UnknownError

FORMAT, FORMAT_VERSION = "lunarscale tokens", 1

#: What every token begins with, so that scanners of leaked secrets know it.
PREFIX = "lunarscale_"

#: Roles that a token can have (``access.Role``).
ROLES = ("read", "run", "admin")

#: Bytes of a file of tokens, at most: some 10,000 of them.
LARGEST_FILE = 2_000_000

#: Letters of a name, at most.
LONGEST_NAME = 80


@dataclass(frozen=True)
class Token:
    """What is kept of a token.

    Parameters
    ----------
    id : str
        By which it is revoked.
    name, role : str
        Who has it, and what they may.
    sha256 : str
    made : str
        Day.
    expires : str or None
        The last day on which it holds.
    """

    id: str
    name: str
    role: str
    sha256: str
    made: str
    expires: str | None = None

    def fits(self, hashed: str) -> bool:
        """Whether a token of this hash is this one; takes as long whatever it is."""
        return hmac.compare_digest(self.sha256, hashed)

    def has_expired(self) -> bool:
        """Whether its last day is over, in UTC."""
        return self.expires is not None and _today() > date.fromisoformat(self.expires)


def new_token(name: str, role: str, *, days: int | None = None) -> tuple[str, Token]:
    """A new token, and what is kept of it.

    Parameters
    ----------
    name, role : str
    days : int, optional
        For which it holds; for ever by default.

    Raises
    ------
    RequestError
        If there is no such role, or the name is none.
    """
    if role not in ROLES:
        raise RequestError(f"there is no role {role[:40]!r}; it is {', '.join(ROLES)}")
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise RequestError(
            f"a token's name is one line of at most {LONGEST_NAME} letters but {name[:40]!r} is "
            "none; write who will have it"
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    expires = None if days is None else str(_today() + timedelta(days=days))
    return secret, Token(
        secrets.token_hex(4), name.strip(), role, hash_of(secret), str(_today()), expires
    )


class TokenFile:
    """A file of tokens, read again when it has changed.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: tuple[tuple[int, ...], tuple[Token, ...]] | None = None
        self._lock = threading.Lock()

    def tokens(self) -> tuple[Token, ...]:
        """The tokens that hold now.

        Raises
        ------
        UnavailableError
            If the file is not there, is none, or others may write it.
        """
        with self._lock:
            try:
                found = self.path.stat()
            except OSError as error:
                raise UnavailableError(
                    f"the file of tokens {self.path.name} cannot be read ({error.strerror}); "
                    "`lunarscale token new` makes one"
                ) from error
            mark = (found.st_mtime_ns, found.st_ino, found.st_size, found.st_mode)
            if self._read is None or self._read[0] != mark:
                self._read = None
                self._read = mark, self._parsed(found)
            return self._read[1]

    def _parsed(self, found: os.stat_result) -> tuple[Token, ...]:
        name = self.path.name
        # whose it is says nothing: a container's user is none of the machine's
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise UnavailableError(
                f"the file of tokens {name} may be written by others than its owner, who could "
                "make themselves admins; take that right away with chmod 600"
            )
        if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for
            raise UnavailableError(
                f"{name} is to be a file of tokens but is no file; `lunarscale token new` makes one"
            )
        if found.st_size > LARGEST_FILE:
            raise UnavailableError(
                f"the file of tokens {name} has {found.st_size:,} bytes but {LARGEST_FILE:,} are "
                "the most; revoke tokens that nobody uses"
            )
        try:
            told = json.loads(self.path.read_bytes())
            if (told["format"], told["format_version"]) != (FORMAT, FORMAT_VERSION):
                raise ValueError(f"its format is {told['format']!r:.40}")
            return tuple(_token(each) for each in told["tokens"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise UnavailableError(
                f"{name} is no file of tokens ({error!r:.120}); `lunarscale token new` makes one"
            ) from error

    def add(self, token: Token) -> None:
        """Enter a token; the file is made where there is none."""
        kept = self.tokens() if self.path.exists() else ()
        self._write((*kept, token))

    def revoke(self, id_or_name: str) -> list[Token]:
        """Take tokens out: the one of that number, or all of that name.

        Raises
        ------
        UnknownError
            If there is none.
        """
        kept = self.tokens()
        gone = [token for token in kept if id_or_name in (token.id, token.name)]
        if not gone:
            raise UnknownError(
                f"{self.path.name} has no token of the number or name {id_or_name!r:.40}; "
                "`lunarscale token list` shows those it has"
            )
        self._write(tuple(token for token in kept if token not in gone))
        return gone

    def _write(self, tokens: tuple[Token, ...]) -> None:
        told = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "tokens": [asdict(token) for token in tokens],
        }
        aside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(told, file, indent=1)
            os.replace(aside, self.path)
        except OSError:
            with contextlib.suppress(OSError):
                aside.unlink()
            raise


def _token(told: dict[str, Any]) -> Token:
    token = Token(**told)
    texts = (token.id, token.name, token.made)
    whole = all(isinstance(text, str) and text for text in texts) and token.role in ROLES
    if not whole or re.fullmatch(r"[0-9a-f]{64}", token.sha256) is None:
        raise ValueError(f"the token {token.id!r:.40} is not whole")
    if token.expires is not None:
        date.fromisoformat(token.expires)
    return token


def hash_of(secret: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _today() -> date:
    return datetime.now(UTC).date()
