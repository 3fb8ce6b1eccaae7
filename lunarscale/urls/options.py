"""Storage options as users of fsspec write them, in the words of the client underneath.

The words of s3fs, gcsfs and adlfs are known; what cannot be followed is refused by name.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lunarscale.errors import StoreError
from lunarscale.urls.patience import Patience
from lunarscale.urls.profiles import profile_settings
from lunarscale.urls.secrets import refuse_secrets

#: Schemes by the cloud that they mean.
CLOUDS = {
    "s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs",
    "az": "az", "azure": "az", "abfs": "az", "abfss": "az", "adl": "az",
}  # fmt: skip

#: Options of fsspec that say how it caches and schedules: nothing is cached here.
_IDLE = {
    "asynchronous", "cache_regions", "cache_storage", "cache_timeout", "default_block_size",
    "default_cache_type", "default_fill_cache", "fixed_upload_size", "listings_expiry_time",
    "loop", "max_concurrency", "max_paths", "skip_instance_cache", "use_listings_cache",
}  # fmt: skip

#: Seconds to wait for a connection, for the next bytes, and for the whole of one answer.
_TIMEOUTS = {"connect_timeout": "5s", "read_timeout": "30s", "timeout": "300s"}

#: Variables that say which keys and which server, by cloud; the clients read them by themselves.
_VARIABLES = {
    "s3": (
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE",
        "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
    ),
    "gs": (
        "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_KEY",
    ),
    "az": (
        "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_KEY",
        "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID",
    ),
}  # fmt: skip

#: Settings that were worked out already: a run asks for thousands of objects.
_known: dict[tuple[Any, ...], "Settings"] = {}


@dataclass(frozen=True)
class Settings:
    """What a client of one bucket is made with; it holds secrets and shows none.

    Parameters
    ----------
    cloud : str
        ``s3``, ``gs`` or ``az``.
    bucket : str
        Or container.
    config, client : str
        JSON of the client's options, so that settings can be compared.
    patience : Patience
    """

    cloud: str
    bucket: str
    config: str = field(repr=False)
    client: str = field(repr=False)
    patience: Patience

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that no message may show."""
        shown = ("endpoint", "region", "account_name", "base_url", "application_credentials")
        config = json.loads(self.config)
        return tuple(v for k, v in config.items() if k not in shown and isinstance(v, str))


def is_bucket(url: str) -> bool:
    """Whether a URL is one of an object store that has a client here."""
    scheme, colon, _ = url.partition("://")
    return bool(colon) and scheme in CLOUDS


def settings_of(url: str, options: Mapping[str, Any] | None) -> tuple[Settings, str]:
    """The client's settings for a URL, and the path in the bucket.

    Parameters
    ----------
    url : str
        ``s3://bucket/path``, ``gs://bucket/path``, ``az://container/path`` or
        ``abfs://container@account.dfs.core.windows.net/path``.
    options : mapping, optional
        As s3fs, gcsfs or adlfs take them, and ``patience_s``: how long a fault is waited for.

    Raises
    ------
    StoreError
        If an option is unknown.
    SourceError
        If the URL carries a key.
    """
    scheme, _, rest = url.partition("://")
    netloc, _, path = rest.partition("/")
    key = scheme, netloc, repr(options), environment(CLOUDS[scheme])
    if key not in _known or "?" in url:
        refuse_secrets(url)
        _known[key] = _settings_of(url, options)
    return _known[key], path.strip("/")


def environment(cloud: str) -> tuple[str | None, ...]:
    """What this process's variables say of keys and servers: who sets them anew means it."""
    return tuple(map(os.environ.get, _VARIABLES[cloud]))


def _settings_of(url: str, options: Mapping[str, Any] | None) -> Settings:
    cloud, parts = CLOUDS[url.partition("://")[0]], urlsplit(url)
    bucket, _, host = parts.netloc.partition("@")
    if not bucket:
        raise StoreError(f"{url}: this URL names no bucket; write {cloud}://bucket/path")
    given = {name: value for name, value in (options or {}).items() if value is not None}
    words = _Words(url)
    words.client.update(_TIMEOUTS)
    for name, value in given.items():
        _WORDS[cloud](words, name, value)
    if host:
        words.config["account_name"] = host.partition(".")[0]
    if cloud == "s3":
        _complete_s3(words)
    return Settings(
        cloud, bucket, json.dumps(words.config, sort_keys=True),
        json.dumps(words.client, sort_keys=True),
        Patience(seconds=words.patience_s, tries=words.tries),
    )  # fmt: skip


@dataclass
class _Words:
    """What the options have come to so far."""

    url: str
    config: dict[str, Any] = field(default_factory=dict)
    client: dict[str, Any] = field(default_factory=dict)
    profile: str | None = None
    patience_s: float = Patience.seconds
    tries: int = Patience.tries

    def common(self, name: str, value: Any, known: Mapping[str, str]) -> None:
        """An option that is only named otherwise, or that all clouds have; others are refused."""
        if name in known:
            self.config[known[name]] = value
        elif name == "patience_s":
            self.patience_s = self._seconds(name, value)
        elif name not in _IDLE:
            words = ", ".join(sorted({*known, *_MORE[CLOUDS[self.url.partition("://")[0]]]}))
            raise StoreError(
                f"{self.url}: the storage option {name} is not known here; known are {words}, "
                "patience_s"
            )

    def timeout(self, name: str, value: Any) -> None:
        """A limit in seconds."""
        self.client[name] = f"{self._seconds(name, value) * 1000:.0f}ms"

    def each(self, group: str, value: Any, take: Callable[["_Words", str, Any], None]) -> None:
        """The options within an option."""
        if not isinstance(value, Mapping):
            raise StoreError(f"{self.url}: the storage option {group} should hold options by name")
        for name, inner in value.items():
            take(self, name, inner)

    def _seconds(self, name: str, value: Any) -> float:
        try:
            seconds = float(value)
        except (TypeError, ValueError):
            seconds = -1.0
        if seconds <= 0:
            raise StoreError(f"{self.url}: the storage option {name} should be seconds, above 0")
        return seconds

    def refuse(self, name: str, why: str) -> None:
        """Say that an option cannot be followed."""
        raise StoreError(f"{self.url}: the storage option {name} cannot be followed: {why}")


_S3 = {
    "key": "access_key_id", "username": "access_key_id", "secret": "secret_access_key",
    "password": "secret_access_key", "token": "session_token", "endpoint_url": "endpoint",
    "anon": "skip_signature", "requester_pays": "request_payer",
}  # fmt: skip
_S3_CLIENT = {
    "endpoint_url": "endpoint", "region_name": "region", "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key", "aws_session_token": "session_token",
}  # fmt: skip
_S3_UPLOAD = {"ServerSideEncryption": "server_side_encryption", "SSEKMSKeyId": "sse_kms_key_id"}
_GS = {"endpoint_url": "base_url"}
_AZ = {
    "account_name": "account_name", "account_key": "account_key", "sas_token": "sas_token",
    "client_id": "client_id", "client_secret": "client_secret", "tenant_id": "tenant_id",
    "anon": "skip_signature", "endpoint": "endpoint",
}  # fmt: skip

#: Options that take more than another name.
_MORE = {
    "s3": ("profile", "use_ssl", "client_kwargs", "config_kwargs", "s3_additional_kwargs"),
    "gs": ("token", "project", "access"),
    "az": ("connection_string",),
}


def _s3(words: _Words, name: str, value: Any) -> None:
    """One option of s3fs."""
    if name == "profile":
        words.profile = str(value)
    elif name == "client_kwargs":
        words.each(name, value, _s3_client)
    elif name == "config_kwargs":
        words.each(name, value, _s3_config)
    elif name == "s3_additional_kwargs":
        words.each(name, value, lambda words, name, value: words.common(name, value, _S3_UPLOAD))
    elif name == "use_ssl":
        if not value and not str(words.config.get("endpoint", "http:")).startswith("http:"):
            words.refuse(name, "the endpoint says https; write http:// there")
    else:
        words.common(name, value, _S3)


def _s3_client(words: _Words, name: str, value: Any) -> None:
    """One of botocore's ``create_client``."""
    if name == "verify":
        if value is False:
            words.client["allow_invalid_certificates"] = True
        elif value is not True:
            words.client["root_certificate"] = _text(words, name, value)
    elif name == "use_ssl":
        _s3(words, name, value)
    else:
        words.common(name, value, _S3_CLIENT)


def _s3_config(words: _Words, name: str, value: Any) -> None:
    """One of botocore's ``Config``."""
    if name in ("connect_timeout", "read_timeout"):
        words.timeout(name, value)
    elif name == "max_pool_connections":
        words.client["pool_max_idle_per_host"] = str(value)
    elif name == "retries" and isinstance(value, Mapping):
        # botocore: max_attempts counts those after the first
        tries = value.get("total_max_attempts", value.get("max_attempts", words.tries - 1) + 1)
        words.tries = max(1, int(tries))
    elif name == "s3" and isinstance(value, Mapping) and set(value) == {"addressing_style"}:
        words.config["virtual_hosted_style_request"] = value["addressing_style"] == "virtual"
    elif name == "signature_version" and value in ("s3v4", "v4"):
        return
    else:
        words.common(name, value, {})


def _complete_s3(words: _Words) -> None:
    """Put in what the profile's files say; options and the environment come before them."""
    if not words.config.get("skip_signature"):
        has_keys = "access_key_id" in words.config or (
            words.profile is None and "AWS_ACCESS_KEY_ID" in os.environ
        )
        asked = words.profile or os.environ.get("AWS_PROFILE")
        found = profile_settings(words.profile) if asked or not has_keys else {}
        keys = {"access_key_id", "secret_access_key", "session_token"}
        variables = {"region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
                     "endpoint": ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")}  # fmt: skip
        for name, value in found.items():
            set_already = any(variable in os.environ for variable in variables.get(name, ()))
            if not (name in keys and has_keys) and not set_already:
                words.config.setdefault(name, value)
    endpoint = words.config.get("endpoint") or os.environ.get(
        "AWS_ENDPOINT_URL_S3", os.environ.get("AWS_ENDPOINT_URL", "")
    )
    if str(endpoint).startswith("http://"):
        words.client["allow_http"] = True


def _gs(words: _Words, name: str, value: Any) -> None:
    """One option of gcsfs."""
    if name == "token":
        if value == "anon":
            words.config["skip_signature"] = True
        elif isinstance(value, Mapping):
            words.config["service_account_key"] = json.dumps(dict(value))
        elif value in ("google_default", "cloud"):
            return  # what the client does by itself
        elif Path(str(value)).is_file():
            words.config["application_credentials"] = str(value)
        else:
            words.refuse(name, 'give "anon", "google_default" or the path of a JSON key')
    elif name not in ("project", "access"):  # of no concern to objects
        words.common(name, value, _GS)
        if str(words.config.get("base_url", "")).startswith("http://"):
            words.client["allow_http"] = True


def _az(words: _Words, name: str, value: Any) -> None:
    """One option of adlfs."""
    if name == "connection_string":
        known = {"AccountName": "account_name", "AccountKey": "account_key",
                 "SharedAccessSignature": "sas_token", "BlobEndpoint": "endpoint"}  # fmt: skip
        pairs = (part.partition("=") for part in str(value).split(";") if part)
        words.config.update({known[k]: v for k, _, v in pairs if k in known})
    else:
        words.common(name, value, _AZ)
    if str(words.config.get("endpoint", "")).startswith("http://"):
        words.client["allow_http"] = True


def _text(words: _Words, name: str, path: Any) -> str:
    try:
        return Path(str(path)).read_text(encoding="ascii")
    except (OSError, ValueError):
        words.refuse(name, f"{path} is no file of certificates (PEM)")
        raise


_WORDS: dict[str, Callable[[_Words, str, Any], None]] = {"s3": _s3, "gs": _gs, "az": _az}
