"""Who calls, and what they may: roles, callers, bearer tokens."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from starlette.requests import Request

from lunarscale.errors import AccessError, RightError
from lunarscale.service.addresses import UNKNOWN, network_of
from lunarscale.service.settings import Settings
from lunarscale.service.tokens import Token, TokenFile, hash_of


class Role(IntEnum):
    """What a caller may; each one may what those below may."""

    NOBODY = 0
    READ = 1  #: see maps, ask for values and statistics
    RUN = 2  #: start jobs, upload polygons
    ADMIN = 3  #: upload models and tables, remove what others made

    @property
    def word(self) -> str:
        """As it is written in tokens and messages."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Role":
        """The role of a word."""
        return cls[word.upper()]


@dataclass(frozen=True)
class Caller:
    """Who made a request.

    Parameters
    ----------
    name : str
        Of the token's holder; empty without a token.
    role : Role
    key : str
        What their requests are counted under: the token's number, or the address.
    """

    name: str
    role: Role
    key: str

    def require(self, role: Role) -> None:
        """Make sure that the caller may what a role may.

        Raises
        ------
        AccessError
            If they showed no token and need one.
        RightError
            If their token's role is too small.
        """
        if self.role >= role:
            return
        if not self.name:
            raise AccessError(
                f"this needs a token of the role {role.word} or higher but none was sent; send the "
                "header `Authorization: Bearer TOKEN` (`lunarscale token new` makes one)"
            )
        raise RightError(
            f"this needs the role {role.word} but the token of {self.name} has the role "
            f"{self.role.word}; ask who runs the service for a token of that role"
        )


class Access:
    """Tells callers by their tokens or addresses.

    Parameters
    ----------
    settings : Settings
    session : tuple of Token
        Tokens that hold as long as this process.
    """

    def __init__(self, settings: Settings, session: tuple[Token, ...] = ()) -> None:
        self._settings, self._session = settings, session
        self._file = None if settings.tokens is None else TokenFile(settings.tokens)

    def caller(self, scope: Any) -> Caller:
        """Who made the request of an ASGI scope.

        Raises
        ------
        AccessError
            If a token was sent that is none of ours, or has expired.
        UnavailableError
            If the file of tokens cannot be trusted.
        """
        sent = bearer_of(scope)
        if sent is None:
            role = Role.NOBODY if self._settings.private else Role.READ
            return Caller("", role, self.address(scope))
        kept = self._session + (() if self._file is None else self._file.tokens())
        hashed = hash_of(sent)
        found = [token for token in kept if token.fits(hashed)]  # all are compared, whichever fits
        if not found:
            raise AccessError(
                "the token that was sent is none of this service's; check that it was copied "
                "whole, or ask who runs the service for a new one"
            )
        if found[0].has_expired():
            raise AccessError(
                f"the token of {found[0].name} expired on {found[0].expires}; ask who runs the "
                "service for a new one"
            )
        return Caller(found[0].name, Role.of(found[0].role), f"token {found[0].id}")

    def address(self, scope: Any) -> str:
        """Where a request came from; of IPv6 the network of 64 bits that one customer has."""
        text = scope["client"][0] if scope.get("client") else UNKNOWN
        if self._settings.behind_proxy:
            # the last one is the proxy's own word, those before it are the client's
            forwarded = _headers(scope, b"x-forwarded-for")
            text = forwarded[-1].rpartition(",")[2].strip() if forwarded else text
        return network_of(text)


def key_of(request: Request) -> str:
    """What a request's caller is counted under; the door has found it out."""
    caller: Caller | None = request.scope.get("state", {}).get("caller")
    return "" if caller is None else caller.key


def bearer_of(scope: Any) -> str | None:
    """The token in a request's header; None where there is no such header.

    Raises
    ------
    AccessError
        If the header is of another scheme, or there are two.
    """
    sent = _headers(scope, b"authorization")
    if not sent:
        return None
    scheme, _, token = sent[0].partition(" ")
    if len(sent) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise AccessError(
            "one header `Authorization: Bearer TOKEN` is understood but another one was sent; "
            "send it in that form"
        )
    return token.strip()


def _headers(scope: Any, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
