"""Every way to authenticate that profiles.yml.example offers reaches the vendor's connector as it should."""

from __future__ import annotations

import base64
import importlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from sync.config.profiles import Target
from sync.config.templates import render
from sync.errors import ConfigError, WarehouseError
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
        "SNOWFLAKE_TOKEN": "a refresh token", "SNOWFLAKE_OAUTH_CLIENT_ID": "id",
        "SNOWFLAKE_OAUTH_CLIENT_SECRET": "secret",
        "BIGQUERY_CLIENT_ID": "id", "BIGQUERY_CLIENT_SECRET": "secret",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def target(name: str, **changes: Any) -> Target:
    settings = {**render(outputs()[name], name), **changes}
    return Target(name=name, type=settings["type"], settings=settings, project_dir=ROOT)


def of_dbt(name: str, **changes: Any) -> Any:
    """The credentials that dbt reads from the same output; a name it does not know is an error."""
    kind = name.partition("_")[0]
    connections = importlib.import_module(
        f"dbt.adapters.{kind}.{'connections' if kind == 'snowflake' else 'credentials'}"
    )
    of = getattr(
        connections, {"snowflake": "Snowflake", "bigquery": "BigQuery"}[kind] + "Credentials"
    )
    settings = target(name, **changes).settings
    given = {key: value for key, value in settings.items() if key not in ("type", "threads")}
    given = of.translate_aliases(given)
    of.validate(given)
    return of.from_dict(given)


SNOWFLAKE = [name for name in outputs() if name.startswith("snowflake")]
BIGQUERY = [name for name in outputs() if name.startswith("bigquery") and "local" not in name]


@pytest.mark.parametrize("name", SNOWFLAKE)
def test_snowflake_is_given_what_dbt_gives_it(environment: Path, name: str) -> None:
    changes = {"account": "org-some_account", "query_tag": "cdp"}
    if name == "snowflake_oauth":  # with a client dbt asks the network for the token
        changes |= {"oauth_client_id": "", "oauth_client_secret": ""}
    dbt = of_dbt(name, **changes)
    same = (
        "account",
        "database",
        "schema",
        "warehouse",
        "role",
        "platform_detection_timeout_seconds",
    )
    wanted = {key: getattr(dbt, key) for key in same} | dbt.auth_args()
    settings = snowflake.connection_settings(target(name, **changes))
    del wanted["reuse_connections"]  # dbt's own pool
    assert {key: settings.get(key) for key in wanted} == wanted
    assert settings["account"] == "org-some-account"
    assert settings["session_parameters"]["QUERY_TAG"] == "cdp"


@pytest.mark.parametrize("name", BIGQUERY)
def test_bigquery_is_given_what_dbt_gives_it(
    environment: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from dbt.adapters.bigquery.credentials import create_google_credentials

    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(environment / "key.json"))
    wanted = create_google_credentials(of_dbt(name))
    found = bigquery.credentials_of(target(name))
    assert type(found) is type(wanted)
    who = (
        "service_account_email",
        "refresh_token",
        "client_id",
        "client_secret",
        "token_uri",
        "token",
    )
    for key in who:
        assert getattr(found, key, None) == getattr(wanted, key, None), key
    assert set(found.scopes) == set(wanted.scopes)


def test_snowflake_signs_with_the_key_pair(environment: Path) -> None:
    settings = snowflake.connection_settings(target("snowflake"))
    pem = (environment / "key.p8").read_bytes()
    key = serialization.load_der_private_key(settings["private_key"], password=None)
    assert key.private_numbers() == serialization.load_pem_private_key(pem, None).private_numbers()
    assert not {"password", "authenticator"} & set(settings)


def test_snowflake_opens_a_key_with_its_passphrase(environment: Path) -> None:
    plain = snowflake.connection_settings(target("snowflake"))["private_key"]
    key = serialization.load_der_private_key(plain, password=None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"open sesame"),
    )
    (environment / "key.p8").write_bytes(locked)
    found = snowflake.connection_settings(target("snowflake", private_key_passphrase="open sesame"))
    assert found["private_key"] == plain
    with pytest.raises(ConfigError, match="cannot be read") as raised:
        snowflake.connection_settings(target("snowflake", private_key_passphrase="wrong one"))
    assert "wrong one" not in f"{raised.value} {raised.value.hint}"


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


def test_a_person_has_two_minutes_to_answer(environment: Path) -> None:
    for name in ("snowflake_password", "snowflake_sso"):
        assert snowflake.connection_settings(target(name))["login_timeout"] == 120


class TokenServer(BaseHTTPRequestHandler):
    """Snowflake's endpoint for tokens: knows one client and one refresh token."""

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        client = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        known = (client, form["refresh_token"]) == ("id:secret", ["a refresh token"])
        answer = {"access_token": "fresh"} if known else {"error": "invalid_grant"}
        self.send_response(200 if known else 400)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def token_server() -> Iterator[dict[str, str]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), TokenServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"host": "127.0.0.1", "port": str(server.server_port), "protocol": "http"}
        server.shutdown()


def test_snowflake_refreshes_an_oauth_token(
    environment: Path, token_server: dict[str, str]
) -> None:
    exchange = snowflake.token_exchange(target("snowflake_oauth", **token_server))
    assert exchange() == "fresh"
    expired = {**token_server, "token": "an old one"}
    with pytest.raises(WarehouseError, match="'snowflake_oauth'") as raised:
        snowflake.token_exchange(target("snowflake_oauth", **expired))()
    assert "an old one" not in f"{raised.value} {raised.value.hint}"


def test_an_access_token_from_elsewhere_is_not_refreshed(environment: Path) -> None:
    assert snowflake.token_exchange(target("snowflake_oauth", oauth_client_id="")) is None
    assert snowflake.token_exchange(target("snowflake_token")) is None


def test_snowflake_needs_a_user_save_where_a_token_names_one(environment: Path) -> None:
    assert "user" not in snowflake.connection_settings(target("snowflake_oauth", user=""))
    with pytest.raises(ConfigError, match="has no user"):
        snowflake.connection_settings(target("snowflake_sso", user=""))


def test_snowflake_opens_a_browser_for_single_sign_on(environment: Path) -> None:
    settings = snowflake.connection_settings(target("snowflake_sso"))
    assert settings["authenticator"] == "externalbrowser"
    assert settings["client_store_temporary_credential"] is True


def test_a_real_account_is_not_sent_to_a_local_host(environment: Path) -> None:
    for name in SNOWFLAKE[:-1]:
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


def test_bigquery_acts_as_another_account_with_the_scopes_of_the_profile(environment: Path) -> None:
    other = "other@headwater.iam.example"
    scopes = ["https://www.googleapis.com/auth/bigquery"]
    changes = {"impersonate_service_account": other, "scopes": scopes}
    found = bigquery.credentials_of(target("bigquery_service_account", **changes))
    assert found.service_account_email == other
    assert found._source_credentials.service_account_email == "robot@headwater.iam.example"
    assert found._target_scopes == scopes


def test_bigquery_bills_the_project_of_the_profile(environment: Path) -> None:
    changes = {"execution_project": "paying", "quota_project": "counted", "priority": "batch"}
    warehouse = bigquery.open_warehouse(target("bigquery_service_account", **changes), notify=print)
    client = warehouse._client
    assert client.project == "paying"
    assert client._credentials.quota_project_id == "counted"
    assert client.default_query_job_config.priority == "BATCH"


def test_bigquery_names_the_methods_it_knows(environment: Path) -> None:
    with pytest.raises(ConfigError, match="oauth-secrets, service-account"):
        bigquery.credentials_of(target("bigquery", method="password"))


def test_a_secret_is_not_in_what_a_target_shows_of_itself(environment: Path) -> None:
    for name in outputs():
        assert "secret" not in repr(target(name)).replace("oauth_secrets", "")
