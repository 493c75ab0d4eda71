"""Every way to authenticate that profiles.yml.example offers reaches the vendor's connector as it should."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from sync.config.profiles import Target
from sync.config.templates import render
from sync.errors import ConfigError
from tests.python.warehouses.conftest import ROOT, outputs

serialization = pytest.importorskip(
    "cryptography.hazmat.primitives.serialization", reason="needs the extra snowflake"
)
rsa = pytest.importorskip(
    "cryptography.hazmat.primitives.asymmetric.rsa", reason="needs the extra snowflake"
)

snowflake = pytest.importorskip("sync.warehouses.snowflake", reason="the driver is not installed")
bigquery = pytest.importorskip("sync.warehouses.bigquery", reason="the driver is not installed")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "key.p8").write_bytes(pem)
    info = {
        "type": "service_account",
        "client_email": "robot@headwater.iam.example",
        "private_key": pem.decode(),
        "token_uri": "https://oauth2.googleapis.com/token",
        "project_id": "p",
    }
    (tmp_path / "key.json").write_text(json.dumps(info))
    values = {
        "SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_USER": "u", "SNOWFLAKE_ROLE": "r",
        "SNOWFLAKE_WAREHOUSE": "w", "SNOWFLAKE_DATABASE": "d", "SNOWFLAKE_PASSWORD": "secret",
        "SNOWFLAKE_PRIVATE_KEY_PATH": str(tmp_path / "key.p8"),
        "BIGQUERY_PROJECT": "p", "BIGQUERY_KEYFILE": str(tmp_path / "key.json"),
        "BIGQUERY_KEYFILE_JSON": json.dumps(info), "BIGQUERY_REFRESH_TOKEN": "refresh",
        "BIGQUERY_CLIENT_ID": "id", "BIGQUERY_CLIENT_SECRET": "secret",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def target(name: str, **changes: str) -> Target:
    settings = {**render(outputs()[name], name), **changes}
    return Target(name=name, type=settings["type"], settings=settings, project_dir=ROOT)


def test_snowflake_signs_with_the_key_pair(environment: Path) -> None:
    settings = snowflake.connection_settings(target("snowflake"))
    assert settings["authenticator"] == "SNOWFLAKE_JWT"
    assert settings["private_key_file"] == str(environment / "key.p8")
    assert "password" not in settings


def test_snowflake_takes_a_key_given_as_text_too(environment: Path) -> None:
    pem = (environment / "key.p8").read_text()
    der = snowflake.connection_settings(target("snowflake", private_key_path="", private_key=pem))
    again = base64.b64encode(der["private_key"]).decode()
    same = snowflake.connection_settings(
        target("snowflake", private_key_path="", private_key=again)
    )
    assert der["private_key"] == same["private_key"]


def test_snowflake_refuses_a_broken_key_without_showing_it(environment: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        snowflake.connection_settings(
            target("snowflake", private_key_path="", private_key="c2VjcmV0")
        )
    assert "c2VjcmV0" not in f"{raised.value} {raised.value.hint}"


def test_snowflake_asks_for_the_second_factor_once(environment: Path) -> None:
    settings = snowflake.connection_settings(target("snowflake_password"))
    assert settings["authenticator"] == "username_password_mfa"
    assert settings["password"] == "secret"
    assert settings["client_request_mfa_token"] is True


def test_snowflake_opens_a_browser_for_single_sign_on(environment: Path) -> None:
    settings = snowflake.connection_settings(target("snowflake_sso"))
    assert settings["authenticator"] == "externalbrowser"
    assert settings["client_store_temporary_credential"] is True


def test_a_real_account_is_not_sent_to_a_local_host(environment: Path) -> None:
    for name in ("snowflake", "snowflake_password", "snowflake_sso"):
        assert not {"host", "port", "protocol"} & set(snowflake.connection_settings(target(name)))


def test_connections_give_up_within_minutes(environment: Path) -> None:
    settings = snowflake.connection_settings(target("snowflake"))
    assert settings["login_timeout"] <= 60
    assert settings["network_timeout"] <= 300
    assert bigquery.RETRY.timeout <= 120


@pytest.mark.parametrize("name", ["bigquery_service_account", "bigquery_service_account_json"])
def test_bigquery_signs_as_the_service_account(environment: Path, name: str) -> None:
    found = bigquery.credentials_of(target(name))
    assert found.service_account_email == "robot@headwater.iam.example"


def test_bigquery_refreshes_an_oauth_token(environment: Path) -> None:
    found = bigquery.credentials_of(target("bigquery_oauth_secrets"))
    assert (found.refresh_token, found.client_id) == ("refresh", "id")


def test_bigquery_uses_application_default_credentials(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(environment / "key.json"))
    found = bigquery.credentials_of(target("bigquery"))
    assert found.service_account_email == "robot@headwater.iam.example"


def test_bigquery_names_the_methods_it_knows(environment: Path) -> None:
    with pytest.raises(ConfigError, match="oauth-secrets, service-account"):
        bigquery.credentials_of(target("bigquery", method="password"))


def test_a_secret_is_not_in_what_a_target_shows_of_itself(environment: Path) -> None:
    for name in outputs():
        assert "secret" not in repr(target(name)).replace("oauth_secrets", "")
