"""Keys and settings of an AWS profile, from the files that AWS's own tools write."""

import configparser
import os
from pathlib import Path

from lunarscale.errors import StoreError

#: Of a profile: what a client takes, by its own name.
_SETTINGS = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
    "region": "region",
    "endpoint_url": "endpoint",
}

#: Of a profile: ways to keys that take a conversation.
_CONVERSATIONS = ("sso_session", "sso_start_url", "role_arn", "credential_process")


def profile_settings(name: str | None) -> dict[str, str]:
    """Settings of a profile; of ``AWS_PROFILE`` or ``default``, if none is named.

    Parameters
    ----------
    name : str, optional

    Raises
    ------
    StoreError
        If the profile that is named is not there, or its keys come by a conversation.
    """
    wanted = name or os.environ.get("AWS_PROFILE") or "default"
    found = {**_section("AWS_CONFIG_FILE", "config", wanted),
             **_section("AWS_SHARED_CREDENTIALS_FILE", "credentials", wanted)}  # fmt: skip
    if not found and wanted != "default":
        raise StoreError(
            f"the AWS profile {wanted} is not there; name one of ~/.aws/config and "
            "~/.aws/credentials, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    settings = {ours: found[theirs] for theirs, ours in _SETTINGS.items() if theirs in found}
    asks = next((way for way in _CONVERSATIONS if way in found), None)
    in_environment = "AWS_ACCESS_KEY_ID" in os.environ and name is None
    if asks is not None and "access_key_id" not in settings and not in_environment:
        raise StoreError(
            f"the AWS profile {wanted} has no keys but {asks}, which lunarscale does not follow; "
            f"run `aws configure export-credentials --profile {wanted} --format env` and set what "
            "it prints, on every worker"
        )
    return settings


def _section(variable: str, usual: str, wanted: str) -> dict[str, str]:
    path = Path(os.environ.get(variable) or Path.home() / ".aws" / usual)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        line = " ".join(str(error).split(":")[0].split())  # what follows may be a key
        raise StoreError(f"{path}: this is no file of AWS profiles ({line}); mend it") from None
    named = (wanted, f"profile {wanted}")
    return {key: value for name in named if parser.has_section(name)
            for key, value in parser.items(name)}  # fmt: skip
