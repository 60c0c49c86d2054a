"""Settings: names and meanings of the variables, what wins over what, and where a value comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from outrider_ground.errors import UsageError

from outrider.clients.portal import portal_client
from outrider.context_file import ContextFileError
from outrider.settings import DEFAULT_ADDRESS, Settings, Sourced, Terminal, settings, with_flags


def read(environ: dict[str, str] | None = None, context: Path = Path("/no/context.toml")) -> Settings:
    return settings(environ or {}, context)


def test_without_anything_the_portal_is_on_this_machine() -> None:
    found = read()
    assert found.address == Sourced(DEFAULT_ADDRESS, "default")
    assert (found.token, found.environment, found.platform, found.database) == (None, None, None, None)


def test_a_flag_wins_over_the_environment_which_wins_over_the_context_file(tmp_path: Path) -> None:
    file = tmp_path / "context.toml"
    file.write_text('address = "http://file"\nenvironment = "file"\nplatform = "p.yaml"\n')
    found = read({"OUTRIDER_ADDR": "http://variable", "OUTRIDER_ENVIRONMENT": "variable"}, file)
    chosen = with_flags(found, address=None, token=None, environment="flag")
    assert chosen.address == Sourced("http://variable", "OUTRIDER_ADDR")
    assert chosen.environment == Sourced("flag", "--environment")
    assert chosen.platform == Sourced("p.yaml", str(file))


@pytest.mark.parametrize(
    ("text", "said"),
    [("address = [", "cannot be read"), ('adress = "x"', "unknown key"), ("address = 7", "must be a string")],
)
def test_a_context_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "context.toml"
    file.write_text(text)
    with pytest.raises(ContextFileError, match=said) as raised:
        read({}, file)
    assert str(file) in str(raised.value)


def test_nomads_variables_mean_what_they_mean_to_nomad() -> None:
    nomad = read(
        {
            "NOMAD_ADDR": "https://nomad:4646",
            "NOMAD_TOKEN": "secret",
            "NOMAD_REGION": "eu",
            "NOMAD_NAMESPACE": "shop",
            "NOMAD_CACERT": "ca.pem",
            "NOMAD_CLIENT_CERT": "cert.pem",
            "NOMAD_CLIENT_KEY": "key.pem",
            "NOMAD_TLS_SERVER_NAME": "server.eu.nomad",
            "NOMAD_SKIP_VERIFY": "true",
        }
    ).nomad
    assert (nomad.address, nomad.token, nomad.region, nomad.namespace) == ("https://nomad:4646", "secret", "eu", "shop")
    assert (nomad.tls.ca_file, nomad.tls.client_certificate, nomad.tls.client_key) == ("ca.pem", "cert.pem", "key.pem")
    assert (nomad.tls.server_name, nomad.tls.is_verified) == ("server.eu.nomad", False)


def test_consuls_variables_mean_what_they_mean_to_consul() -> None:
    found = read({"CONSUL_HTTP_SSL": "1", "CONSUL_HTTP_SSL_VERIFY": "false", "CONSUL_HTTP_TOKEN_FILE": "f"}).consul
    assert (found.is_tls, found.tls.is_verified, found.token_file) == (True, False, "f")
    assert read().consul.tls.is_verified


@pytest.mark.parametrize("value", ["false", "0", "no", "", " "])
def test_a_word_that_means_no_is_not_yes(value: str) -> None:
    assert read({"NOMAD_SKIP_VERIFY": value}).nomad.tls.is_verified


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert read({"OUTRIDER_ADDR": "", "NOMAD_TOKEN": " "}) == read()


@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_a_blank_token_is_one_that_is_set_and_blank(tmp_path: Path, value: str) -> None:
    file = tmp_path / "context.toml"
    file.write_text('token = "good"')
    blank = read({"OUTRIDER_TOKEN": value}, file).token
    assert blank == Sourced("", "OUTRIDER_TOKEN")
    assert blank
    assert blank.is_blank
    flag = with_flags(read({}, file), address=None, token=value, environment=None).token
    assert flag == Sourced("", "--token")
    with pytest.raises(UsageError, match="the token from --token is blank"):
        portal_client(Settings(token=flag))
    assert read({"OUTRIDER_TOKEN": " s3cret\n"}).token == Sourced("s3cret", "OUTRIDER_TOKEN")


@pytest.mark.parametrize("value", ["\u200b", "\u2060\ufeff", "\u00a0", "\u3000\u200b", "\x00"])
def test_a_token_of_which_nothing_is_to_be_seen_is_blank(value: str) -> None:
    blank = read({"OUTRIDER_TOKEN": value}).token
    assert blank
    assert blank.is_blank
    assert not Sourced("é", "a test").is_blank


@pytest.mark.parametrize("written", ["a.example,b.example", " a.example  b.example ", "a.example, b.example,"])
def test_further_names_of_our_servers_are_a_list(written: str) -> None:
    assert read({"OUTRIDER_HOSTS": written}).hosts == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("environ", "terminal"),
    [
        ({"NO_COLOR": "1"}, Terminal(is_colour_refused=True)),
        ({"NO_COLOR": ""}, Terminal()),
        ({"NOMAD_CLI_NO_COLOR": "1"}, Terminal(is_colour_refused=True)),
        ({"CLICOLOR_FORCE": "1"}, Terminal(is_colour_forced=True)),
        ({"CLICOLOR_FORCE": "0"}, Terminal()),
        ({"TERM": "dumb"}, Terminal(is_dumb=True)),
    ],
)
def test_the_terminals_variables_follow_their_conventions(environ: dict[str, str], terminal: Terminal) -> None:
    assert read(environ).terminal == terminal


def test_no_secret_is_in_the_text_of_the_settings() -> None:
    names = ("OUTRIDER_TOKEN", "NOMAD_TOKEN", "CONSUL_HTTP_TOKEN", "VAULT_TOKEN", "NOMAD_HTTP_AUTH", "CONSUL_HTTP_AUTH")
    assert "hush" not in repr(read(dict.fromkeys(names, "hush")))


def test_the_user_is_who_the_machine_says() -> None:
    assert read({"USER": "kim"}).user == "kim"
    assert read({"USER": "kim", "OUTRIDER_USER": "ci"}).user == "ci"
    assert read().user == "anonymous"
