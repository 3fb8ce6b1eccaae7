"""Objects far away: options as users write them, and secrets that stay secret."""

import json
import logging
import pickle
import uuid
from pathlib import Path
from typing import Any

import pytest
from s3_at_hand import KEY, SECRET, Bucket, Fault, Proxy, says

from lunarscale.errors import SourceError, StoreError
from lunarscale.store.location import Location
from lunarscale.urls.options import settings_of
from lunarscale.urls.patience import Patience

pytestmark = [pytest.mark.s3]


def _settings(url: str, options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    settings, _ = settings_of(url, options)
    return json.loads(settings.config), json.loads(settings.client)


class TestOptions:
    """What users of s3fs, gcsfs and adlfs write."""

    @pytest.mark.parametrize(
        ("options", "config"),
        [
            ({"key": "a", "secret": "b", "token": "c"},
             {"access_key_id": "a", "secret_access_key": "b", "session_token": "c"}),
            ({"anon": True}, {"skip_signature": True}),
            ({"anon": True, "client_kwargs": {"region_name": "eu-west-1"}},
             {"skip_signature": True, "region": "eu-west-1"}),
            ({"anon": True, "endpoint_url": "https://s3.example.org"},
             {"skip_signature": True, "endpoint": "https://s3.example.org"}),
            ({"anon": True, "config_kwargs": {"s3": {"addressing_style": "virtual"}}},
             {"skip_signature": True, "virtual_hosted_style_request": True}),
            ({"anon": True, "s3_additional_kwargs": {"ServerSideEncryption": "AES256"}},
             {"skip_signature": True, "server_side_encryption": "AES256"}),
            ({"anon": True, "use_listings_cache": False, "default_block_size": 5},
             {"skip_signature": True}),
            ({"anon": True, "requester_pays": True, "token": None},
             {"skip_signature": True, "request_payer": True}),
        ],
    )  # fmt: skip
    @pytest.mark.usefixtures("s3")
    def test_of_s3fs(self, options: dict[str, Any], config: dict[str, Any]) -> None:
        assert _settings("s3://moon/x", options)[0] == config

    @pytest.mark.parametrize(
        ("url", "options", "config"),
        [
            ("gs://moon/x", {"token": "anon"}, {"skip_signature": True}),
            ("gcs://moon/x", {"token": {"type": "service_account"}, "project": "p"},
             {"service_account_key": '{"type": "service_account"}'}),
            ("az://moon/x", {"account_name": "a", "account_key": "b"},
             {"account_name": "a", "account_key": "b"}),
            ("abfs://moon@lunar.dfs.core.windows.net/x", {"anon": True},
             {"account_name": "lunar", "skip_signature": True}),
            ("abfss://moon/x", {"connection_string": "AccountName=a;AccountKey=b==;X=y"},
             {"account_name": "a", "account_key": "b=="}),
        ],
    )  # fmt: skip
    def test_of_gcsfs_and_adlfs(
        self, url: str, options: dict[str, Any], config: dict[str, Any]
    ) -> None:
        """Translated only: no server of theirs is at hand."""
        settings, prefix = settings_of(url, options)
        assert json.loads(settings.config) == config
        assert (settings.bucket, prefix) == ("moon", "x")

    @pytest.mark.parametrize(
        ("url", "options", "sentence"),
        [
            ("s3://moon/x", {"anonymous": True}, "the storage option anonymous is not known here; "
             "known are anon, client_kwargs, .*endpoint_url"),
            ("s3://moon/x", {"client_kwargs": {"regoin": "x"}}, "regoin is not known"),
            ("s3://moon/x", {"client_kwargs": "eu"}, "client_kwargs should hold options by name"),
            ("s3://moon/x", {"patience_s": "long"}, "patience_s should be seconds"),
            ("s3://moon/x", {"client_kwargs": {"verify": "/nowhere.pem"}}, "no file of certif"),
            ("gs://moon/x", {"token": "browser"}, "token cannot be followed"),
            ("az://moon/x", {"credential": object()}, "credential is not known"),
            ("s3:///x", {}, "names no bucket"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_followed_is_refused(
        self, url: str, options: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(StoreError, match=sentence):
            Location(url, options).get("zarr.json")

    @pytest.mark.usefixtures("s3")
    def test_waiting_is_set_in_botocores_words(self) -> None:
        words = {"connect_timeout": 1, "read_timeout": 2.5, "retries": {"max_attempts": 4}}
        options = {"anon": True, "config_kwargs": words}
        settings, _ = settings_of("s3://moon/x", {**options, "patience_s": 7})
        assert settings.patience == Patience(seconds=7.0, tries=5)
        client = json.loads(settings.client)
        assert (client["connect_timeout"], client["read_timeout"]) == ("1000ms", "2500ms")

    def test_a_profile_gives_keys_region_and_endpoint(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3: str
    ) -> None:
        """Options come before the environment, and the environment before the profile's files."""
        config, keys = tmp_path / "config", tmp_path / "credentials"
        config.write_text(
            "[default]\nregion = us-east-2\n[profile moon]\nregion = eu-west-1\n"
            f"endpoint_url = {s3}\n[profile sso]\nsso_session = mine\n"
        )
        keys.write_text("[moon]\naws_access_key_id = from-file\naws_secret_access_key = s%cret\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
        found, client = _settings("s3://moon/x", {"profile": "moon"})
        assert found == {
            "access_key_id": "from-file", "secret_access_key": "s%cret", "region": "eu-west-1",
            "endpoint": s3,
        }  # fmt: skip
        assert client["allow_http"]
        monkeypatch.setenv("AWS_PROFILE", "moon")
        assert _settings("s3://moon/x", {})[0] == found
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-environment")
        monkeypatch.setenv("AWS_REGION", "eu-north-1")
        assert _settings("s3://moon/x", {})[0] == {"endpoint": s3}
        with pytest.raises(StoreError, match=r"the AWS profile sso has no keys but sso_session"):
            settings_of("s3://moon/x", {"profile": "sso"})
        with pytest.raises(StoreError, match="the AWS profile mars is not there"):
            settings_of("s3://moon/x", {"profile": "mars"})
        keys.write_text(f"{SECRET}\n")
        with pytest.raises(StoreError, match="no file of AWS profiles") as told:
            settings_of("s3://moon/x", {"profile": "moon"})
        assert SECRET not in str(told.value)


class TestSecrets:
    """Keys are in no message, no log, no name."""

    def test_errors_and_logs_have_none(
        self, tricky: Location, proxy: Proxy, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not even where the server sends them back, as S3 does when a signature is wrong."""
        body = (
            f"<Error><Code>SignatureDoesNotMatch</Code><Message>key {KEY} with {SECRET}</Message>"
            f"<AWSAccessKeyId>{KEY}</AWSAccessKeyId></Error>"
        )
        with (
            caplog.at_level(logging.DEBUG),
            proxy.playing(Fault(says(403, body))),
            pytest.raises(StoreError, match=r"GET failed: .*403.*SignatureDoesNotMatch") as told,
        ):
            tricky.get("a")
        shown = [str(told.value), repr(told.value), repr(tricky), caplog.text]
        error: BaseException | None = told.value
        while error is not None:  # what a traceback shows
            shown.append(str(error))
            error = None if error.__suppress_context__ else error.__cause__ or error.__context__
        assert "key *** with ***" in str(told.value)
        assert not [text for text in shown if KEY in text or SECRET in text]
        assert "AWS_ACCESS_KEY_ID" in str(told.value)

    @pytest.mark.parametrize(
        "url",
        [
            "https://moon:hunter22@example.org/tiles/a.img",
            "https://moon.s3.amazonaws.com/a?X-Amz-Credential=x&X-Amz-Signature=hunter22",
            "https://moon.blob.core.windows.net/a?sv=1&sig=hunter22",
            "s3://key:hunter22@moon/x",
        ],
    )
    def test_a_url_that_carries_a_key_is_refused(self, url: str) -> None:
        with pytest.raises(SourceError, match="this URL carries a") as told:
            Location(url).get("zarr.json")
        assert "hunter22" not in str(told.value)

    def test_a_pickled_place_carries_nothing_of_the_environment(
        self, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.server)
        place = Location(bucket.url(uuid.uuid4().hex))
        place.put("a", b"1")
        packed = pickle.dumps(place)
        assert KEY.encode() not in packed
        assert SECRET.encode() not in packed
        assert len(packed) < 300
        assert pickle.loads(packed).get("a") == b"1"
