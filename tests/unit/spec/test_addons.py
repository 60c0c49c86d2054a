"""Add-ons: what their slots become, which values they take, and that nothing a person says becomes YAML, shell or SQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from outrider_ground.errors import OutriderError, SpecError, UsageError

from outrider.clients.addon_files import catalogue
from outrider.spec.addon import AddOn, Chosen, filled
from outrider.spec.password_place import PasswordPlace
from outrider.spec.reading.addons import read_addon
from outrider.spec.reading.document import document
from outrider.spec.reading.files import read_service

OWN = catalogue()
MEMCACHED = """
addon: memcached
description: A memcached.
lost: Everything.
parameters:
  memory: {kind: number, default: 64, least: 16, most: 4096, description: MB.}
  zone: {description: Where.}
command: |
  service: [[ name ]]
  run: {command: [memcached, -m, "[[ memory ]]"]}
caller: |
  upstreams: {[[ name ]]: {}}
"""


def chosen(addon: AddOn, name: str = "orders-db", **said: str) -> Chosen:
    return Chosen(addon, name, "stage", said)


@pytest.mark.parametrize("addon", OWN)
@pytest.mark.parametrize("is_container", [True, False])
@pytest.mark.parametrize("keep", [True, False])
def test_each_add_on_of_the_catalogue_is_a_spec_with_a_check_and_bounds_for_both_kinds_of_drivers(
    addon: str, is_container: bool, keep: bool
) -> None:
    said = {"keep": str(keep).lower()} if addon == "redis" else {}
    made = chosen(OWN[addon], **said)
    service = read_service(made.spec(is_container=is_container), "f").service
    assert (service.service, service.count) == ("orders-db", 1)
    assert service.checks
    assert {"cpu", "memory"} <= service.resources.model_fields_set
    assert bool(service.volumes) == (addon == "postgresql" or keep)
    assert ("volume" in made.lost) == bool(service.volumes), "what is lost is said of what is chosen"
    part = document(made.caller("checkout")).data
    assert "nomad/jobs/checkout#orders-db_password" in str(part)
    text = "service: checkout\nrun: {image: x}\n" + made.caller("checkout").replace("{}", "{protocol: tcp}")
    assert set(read_service(text, "f").service.upstreams) == {"orders-db"}


@pytest.mark.parametrize(
    ("addon", "parameter", "value"),
    [
        ("redis", "memory", "1"),
        ("redis", "memory", "256MB"),
        ("redis", "memory", "-1"),
        ("redis", "memory", "²"),
        ("redis", "keep", "yes"),
        ("redis", "policy", "noeviction\nrename-command"),
        ("redis", "volume", "../etc"),
        ("redis", "image", 'redis", command: [sh]}'),
        ("redis", "image", "redis:7\nmesh: false"),
        ("postgresql", "database", "app'; DROP"),
        ("postgresql", "database", "$(id)"),
        ("postgresql", "database", "app\n"),
        ("redis", "memroy", "256"),
    ],
)
def test_a_value_that_could_be_more_than_a_value_is_refused(addon: str, parameter: str, value: str) -> None:
    with pytest.raises(UsageError):
        chosen(OWN[addon], **{parameter: value}).spec(is_container=False)


def test_a_near_miss_of_a_parameter_is_suggested_and_a_name_has_to_be_one() -> None:
    with pytest.raises(UsageError) as caught:
        chosen(OWN["redis"], memroy="1").spec(is_container=False)
    assert "Did you mean memory?" in (caught.value.next_step or "")
    with pytest.raises(UsageError):
        chosen(OWN["redis"], "Sessions!").spec(is_container=False)


def test_slots_are_names_shares_and_variables() -> None:
    values = {"name": "orders-db", "memory": 100, "volume": "a-b", "on": True}
    text = "[[ name ]] [[name]] [[ upper name ]] [[ dir volume ]] [[ memory 75% ]] [[ on ]]\n"
    assert filled(text, values) == "orders-db orders-db ORDERS_DB A_B_DIR 75 true\n"
    with pytest.raises(UsageError):
        filled("[[ other ]]", values)


def test_conditions_may_stand_in_one_another() -> None:
    text = "a\n[[ if on ]]\nb\n[[ unless off ]]\nc\n[[ end ]]\n[[ if off ]]\nd\n[[ end ]]\n[[ end ]]\n[[ unless on ]]\ne\n[[ end ]]\nf\n"
    assert filled(text, {"on": True, "off": False}) == "a\nb\nc\nf\n"
    assert filled(text, {"on": False, "off": False}) == "a\ne\nf\n"


def test_operators_extend_the_catalogue_and_take_the_place_of_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "memcached.yaml").write_text(MEMCACHED)
    (tmp_path / "own.yml").write_text(MEMCACHED.replace("addon: memcached", "addon: redis"))
    found = catalogue(str(tmp_path))
    assert set(found) == {"memcached", "redis", "postgresql"}
    assert found["redis"].description == "A memcached."
    assert chosen(found["memcached"], "cache", zone="a").spec(is_container=False).startswith("service: cache\n")
    with pytest.raises(UsageError, match="needs zone"):
        chosen(found["memcached"], "cache").spec(is_container=False)
    with pytest.raises(UsageError, match="no spec for drivers that run an image"):
        chosen(found["memcached"], "cache", zone="a").spec(is_container=True)


def test_an_add_on_that_cannot_be_read_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read_addon(MEMCACHED.replace("kind: number", "kind: numbr"), "memcached.yaml")
    assert (caught.value.problems[0].file, caught.value.problems[0].line) == ("memcached.yaml", 6)
    with pytest.raises(OutriderError, match="cannot be read"):
        catalogue(str(tmp_path / "nowhere"))


VAULT = "secret/data/default"


def test_in_vault_a_password_is_referred_to_and_read_below_the_path_of_the_platform() -> None:
    made = Chosen(OWN["redis"], "sessions", "stage", {}, VAULT)
    assert (
        '{{ with secret "secret/data/default/sessions/addons" }}{{ index .Data.data "password" }}{{ end }}'
        in made.spec(is_container=True)
    )
    part = document(made.caller("checkout")).data
    assert part["upstreams"]["sessions"]["password"] == {
        "vault": "secret/data/default/checkout/addons#sessions_password"
    }
    env = document(Chosen(OWN["postgresql"], "db", "stage", {}, VAULT).caller("checkout")).data["env"]
    assert env["DB_PASSWORD"] == {"vault": "secret/data/default/checkout/addons#db_password"}
    for addon in OWN.values():
        for is_container in (True, False):
            spec = Chosen(addon, "db", "stage", {}, VAULT).spec(is_container=is_container)
            assert read_service(spec, "f").service.service == "db"
            assert "nomad" not in spec.lower()


def with_password(line: str) -> Chosen:
    text = MEMCACHED.replace("command: |", "passwords: [pass]\ncommand: |").replace(
        "caller: |", f"caller: |\n  # {line}"
    )
    return Chosen(read_addon(text, "m.yaml"), "m", "stage", {"zone": "a"}, VAULT)


def test_an_add_on_that_reads_its_password_in_nomad_by_name_is_refused_where_vault_keeps_it() -> None:
    with pytest.raises(UsageError, match="reads its password in nomad/jobs/…, and this platform keeps it in Vault"):
        with_password("nomad/jobs/[[ caller ]]#m_pass").caller("checkout")


@pytest.mark.parametrize("slot", ["[[ pass ]]", "[[ upper pass ]]", "[[ secret memory ]]", "[[ read name ]]"])
def test_a_password_is_no_text_and_a_text_is_no_password(slot: str) -> None:
    with pytest.raises(UsageError, match="is not filled so"):
        with_password(slot).caller("checkout")


def test_a_key_that_is_no_name_of_go_is_read_by_index() -> None:
    assert PasswordPlace("checkout", "orders-db_pass").template == (
        '{{ with nomadVar "nomad/jobs/checkout" }}{{ index . "orders-db_pass" }}{{ end }}'
    )
