"""Secrets are shown as such: by the name that they stand under, by their looks, and never as an empty text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings, strategies

from outrider.operations.change.structure import structural
from outrider.operations.differences import differences
from outrider.operations.redaction import (
    ASSIGNED,
    LOOKS,
    SENSITIVE,
    Look,
    is_secret_field,
    is_secret_variable,
    masked,
    plain,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "ghp_" + "a" * 24
SECRETS = [
    ("postgres://shop:hunter2@db:5432/shop", "postgres://(sensitive value)@db:5432/shop"),
    ("postgres://shop:p@ss/w0rd@db:5432/shop", "postgres://(sensitive value)@db:5432/shop"),
    (f"https://{TOKEN}@git.example/x.git", "https://(sensitive value)@git.example/x.git"),
    ("https://s3.example/a?X-Amz-Signature=abc&part=1", "https://s3.example/a?X-Amz-Signature=(sensitive value)&part=1"),
    ("https://files.example/a.tgz?token=abc", "https://files.example/a.tgz?token=(sensitive value)"),
    ("password = hunter2 and more", "password = (sensitive value)"),
    ('{"api_key": "abc", "port": 1}', '{"api_key": "(sensitive value)", "port": 1}'),
    ("--db-password hunter2 --port 80", "--db-password (sensitive value) --port 80"),
    ("Authorization: Bearer abc123def456", "Authorization: (sensitive value)"),
    ("curl -H 'X: Bearer abc123def456'", "curl -H 'X: Bearer (sensitive value)'"),
    (f"see {TOKEN}", "see (sensitive value)"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nnext", "(sensitive value)\nnext"),
    ("-----BEGIN PRIVATE KEY-----\nMIIE", "(sensitive value)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), SECRETS)
def test_what_looks_like_a_secret_is_shown_as_one(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "log_level: info",
        "http://catalog:8080/items?page=2",
        'DB_PASSWORD={{ with secret "secret/data/x" }}{{ .Data.data.password | toJSON }}{{ end }}',
        "max_tokens: 512",
        "a basic sentence about tokens",
        "compassion: yes",
    ],
)
def test_what_is_none_is_shown_as_it_is(text: str) -> None:
    assert plain(text) == text


def test_a_sentence_keeps_its_words_and_loses_addresses_with_passwords() -> None:
    assert told("the secret: it is missing at http://a:b@c/") == f"the secret: it is missing at http://{SENSITIVE}@c/"


@pytest.mark.parametrize(
    "name",
    ["DB_PASSWORD", "dbPassword", "API_KEY", "SIGNING_KEY", "GITHUB_TOKEN", "MYAUTHTOKEN", "SENTRY_DSN", "REDIS_PASS"],
)
def test_variables_that_people_keep_to_themselves_are_known_by_name(name: str) -> None:
    assert is_secret_variable(name)


@pytest.mark.parametrize("name", ["LOG_LEVEL", "PORT", "AUTHOR", "PUBLIC_KEY", "MONKEY", "COMPASSION", ""])
def test_other_variables_are_shown(name: str) -> None:
    assert not is_secret_variable(name)


def test_fields_of_envoy_that_only_sound_so_are_shown() -> None:
    assert [is_secret_field(one) for one in ("token_bucket", "max_tokens", "runtime_key", "tokens_per_fill")] == [
        False
    ] * 4
    assert all(map(is_secret_field, ("auth_password", "auth", "access_token", "Authorization", "private_key")))


def test_a_document_is_masked_wherever_a_secret_can_stand() -> None:
    found = masked(
        {
            "Config": {"auth": [{"username": "u", "password": "p"}], "args": ["--token", "abc", "--token=abc", "-v"]},
            "Env": {"DB_PASSWORD": "x", "LOG": "y"},
            "GetterHeaders": {"X-Api-Key": "k"},
            "Vault": {"Token": "t", "Role": "r"},
            "headers": [{"key": "x-api-key", "value": "k"}, {"key": "retry-after", "value": "1"}],
        }
    )
    assert found == {
        "Config": {"auth": SENSITIVE, "args": ["--token", SENSITIVE, f"--token={SENSITIVE}", "-v"]},
        "Env": {"DB_PASSWORD": SENSITIVE, "LOG": "y"},
        "GetterHeaders": {"X-Api-Key": SENSITIVE},
        "Vault": {"Token": SENSITIVE, "Role": "r"},
        "headers": [{"key": "x-api-key", "value": SENSITIVE}, {"key": "retry-after", "value": "1"}],
    }


def test_a_changed_secret_is_a_change_and_neither_empty_nor_in_clear() -> None:
    (change,) = differences({"env": {"DB_PASSWORD": "old1"}}, {"env": {"DB_PASSWORD": "new2"}})
    assert (change.sign, change.before, change.after) == ("~", SENSITIVE, SENSITIVE)


def test_a_reference_says_where_the_value_comes_from_and_what_stood_in_its_place_is_a_secret_too() -> None:
    reference = {"vault": "secret/data/checkout#pin"}
    (change,) = differences({"env": {"PIN": "1234"}}, {"env": {"PIN": reference}})
    assert (change.path, change.before) == ("env.PIN", SENSITIVE)
    assert change.after == f"{SENSITIVE} from vault secret/data/checkout#pin"
    (added,) = differences({}, {"env": {"PIN": {"nomad_variable": "nomad/jobs#pin"}}})
    assert added.after == f"{SENSITIVE} from the Nomad variable nomad/jobs#pin"


def test_a_variable_whose_name_has_dots_is_known_too() -> None:
    (change,) = differences({}, {"env": {"spring.datasource.password": "x"}})
    assert change.after == SENSITIVE


def test_of_a_files_text_only_the_secret_lines_are_hidden() -> None:
    file = {"path": "a.ini", "template": "password = x\nport = 1\n", "change": "restart"}
    found = {one.path: one.after for one in differences({}, {"files": [file]})}
    assert found["files.0.template"] == f"password = {SENSITIVE}\nport = 1\n"


def test_places_of_foreign_documents_are_masked_by_the_names_above_them() -> None:
    old = {"Tasks": [{"Name": "app", "Env": {"A": "1", "API_TOKEN": "s1"}}]}
    new = {"Tasks": [{"Name": "app", "Env": {"A": "2", "API_TOKEN": "s2"}}]}
    assert [(one.path, one.before, one.after) for one in structural(old, new)] == [
        ("Tasks[app].Env.A", "1", "2"),
        ("Tasks[app].Env.API_TOKEN", SENSITIVE, SENSITIVE),
    ]
    (whole,) = structural(None, {"Config": {"password": "x"}})
    assert whole.after == {"Config": {"password": SENSITIVE}}


@pytest.mark.parametrize("shown", [plain, told])
@pytest.mark.parametrize("look", [*LOOKS, *ASSIGNED], ids=lambda look: look.hint.pattern[:20])
def test_a_hint_is_in_whatever_looks_like_its_secret(look: Look, shown: Callable[[str], str]) -> None:
    @given(strategies.from_regex(look.pattern), strategies.text(max_size=5))
    @settings(max_examples=20, deadline=None)
    def holds(found: str, around: str) -> None:
        looks = (*LOOKS, *ASSIGNED) if shown is plain else LOOKS
        text = expected = around + found + around
        assert not text.isascii() or look.hint.search(text.lower())
        for each in looks:
            expected = each.pattern.sub(each.instead, expected)
        assert shown(text) == expected

    holds()


@pytest.mark.parametrize(
    "text", ["PA\N{LATIN SMALL LETTER LONG S}SWORD = x", "BEARER ABCDEFGH12345678", "to\N{KELVIN SIGN}en=x"]
)
def test_secrets_are_found_in_letters_of_any_case(text: str) -> None:
    assert SENSITIVE in plain(text)


def test_a_document_without_a_secret_is_not_there_twice() -> None:
    document = {"a": [{"b": "c"}, {"name": "x", "value": "y"}], "auth": {"password": "p"}, "d": {"e": [1, 2]}}
    found = masked(document)
    assert found == {**document, "auth": SENSITIVE}
    assert all(found[name] is document[name] for name in ("a", "d"))
    assert masked(("a",)) == ["a"]


def test_what_an_operation_of_json_patch_writes_goes_by_the_name_that_it_writes_it_to() -> None:
    patch = [
        {"op": "add", "path": "/clusters/0/auth_token", "value": "hunter2"},
        {"op": "add", "path": "/a", "value": "b"},
    ]
    assert [one["value"] for one in masked(patch, ("patches", "own"))] == [SENSITIVE, "b"]
