"""Add-ons: services that come from a catalogue instead of a file of one's own, as the catalogue's files describe them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from outrider_ground.errors import UsageError
from pydantic import Field

from outrider.spec.password_place import PasswordPlace
from outrider.spec.shapes import near_miss
from outrider.spec.values import DNS_LABEL, DnsLabel, Items, Line, Matching, Written, printable
from outrider.spec.volume import variable_of

ParameterName = Annotated[str, Matching("^[a-z][a-z0-9_]{0,30}$", "a name of small letters, digits and _")]
Sentence = Annotated[str, Field(min_length=1, max_length=4_000)]
# As Nomad Pack writes them: YAML, shells, Nomad and consul-template use none of these.
SLOT = re.compile(
    r"\[\[ *(?:(?P<filter>upper|dir|secret|read) +)?(?P<name>[a-z][a-z0-9_]*)(?: +(?P<percent>[0-9]{1,3})%)? *\]\]"
)
CONDITION = re.compile(r"^[ \t]*\[\[ *(?P<word>if|unless) +(?P<name>[a-z][a-z0-9_]*) *\]\][ \t]*$")
END = re.compile(r"^[ \t]*\[\[ *end *\]\][ \t]*$")
OF_NOMAD = "nomad/jobs/"
SWITCH = {"true": True, "false": False}


class Parameter(Written):
    """What whoever adds it may say."""

    description: Line
    """What it means, with its unit."""
    kind: Literal["text", "number", "switch"] = "text"
    """``switch`` is true or false."""
    default: str | int | bool | None = None
    """Left out: it has to be said. A text may hold slots, as in ``[[ name ]]-data``."""
    least: int | None = None
    """The smallest number."""
    most: int | None = None
    """The largest number."""
    matches: Annotated[str, Field(max_length=500)] = r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,199}"
    """The pattern that a text has to match as a whole; what stands between quotes of a shell or of YAML is none."""


class AddOn(Written):
    """A service spec with slots for parameters: ``[[ name ]]``, ``[[ upper name ]]``, ``[[ dir volume ]]``, ``[[ memory 75% ]]``.

    Passwords have slots too, wherever they are kept: ``[[ secret password ]]`` refers to one, ``[[ read password ]]`` reads it in a
    template. Beside the parameters there are ``name`` (of the new service), ``environment`` and, for a caller, ``caller``. Lines between
    ``[[ if SWITCH ]]`` or ``[[ unless SWITCH ]]`` and ``[[ end ]]`` are taken or left.
    """

    addon: DnsLabel
    """Its name in the catalogue; one of a directory of the operators' goes before the one that Outrider brings."""
    description: Sentence
    """What it is, in a sentence."""
    lost: Sentence
    """What is lost when an allocation moves or ends: said before anything is added. Slots and conditions are filled in."""
    parameters: dict[ParameterName, Parameter] = Field(default_factory=dict)
    """By name, as ``--set NAME=VALUE`` has them."""
    passwords: Items[ParameterName] = ()
    """Keys of passwords that are made once, and kept in the Nomad variable ``nomad/jobs/NAME``, or in Vault (``vault.addons``)."""
    image: Annotated[str, Field(max_length=100_000)] | None = None
    """The spec for drivers that run an image."""
    command: Annotated[str, Field(max_length=100_000)] | None = None
    """The spec for drivers that run a program of the node."""
    caller: Annotated[str, Field(max_length=20_000)]
    """What a service that uses it gets in its own spec: ``upstreams``, and ``env`` where it needs more than the address."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """An add-on for a new service of that name, with the parameters that somebody has said.

    ``vault`` is the path below which Vault keeps its passwords, None where Nomad's variables do.
    """

    addon: AddOn
    name: str
    environment: str
    said: Mapping[str, str]
    vault: str | None = None

    def spec(self, *, is_container: bool) -> str:
        """The text of the new service's spec. UsageError where the add-on has none for that kind of driver."""
        text = self.addon.image if is_container else self.addon.command
        if text is None:
            kind = "an image" if is_container else "a program of the node"
            raise UsageError(
                f"the add-on {self.addon.addon} has no spec for drivers that run {kind}",
                next_step="Add one: a file of the same name in the directory that `addons` of the platform names.",
            )
        return self._filled(text, {**self.values, **{one.key: one for one in self.passwords}})

    def caller(self, caller: str) -> str:
        """What that service gets in its own spec, as YAML."""
        places = dict(zip(self.addon.passwords, self.passwords_of(caller), strict=True))
        return self._filled(self.addon.caller, {**self.values, "caller": caller, **places})

    @property
    def passwords(self) -> tuple[PasswordPlace, ...]:
        """Where it reads its own."""
        return tuple(PasswordPlace(self.name, key, self.vault) for key in self.addon.passwords)

    def passwords_of(self, caller: str) -> tuple[PasswordPlace, ...]:
        """Where a service that uses it reads the same ones."""
        return tuple(one.of_user(caller) for one in self.passwords)

    def _filled(self, text: str, values: Mapping[str, Any]) -> str:
        if self.vault is not None and self.addon.passwords and OF_NOMAD in text:
            raise UsageError(
                f"the add-on {self.addon.addon} reads its password in {OF_NOMAD}…, and this platform keeps it in Vault",
                next_step="In its file write [[ secret PASSWORD ]] for the reference, and [[ read PASSWORD ]] in a template.",
            )
        return filled(text, values)

    @property
    def lost(self) -> str:
        """What is lost, on one line."""
        return " ".join(filled(self.addon.lost, self.values).split())

    @property
    def values(self) -> dict[str, Any]:
        """Of all slots. UsageError for a name that is none, for an unknown parameter and for a value that cannot be."""
        if not re.fullmatch(DNS_LABEL, self.name):
            raise UsageError(f"{printable(self.name)!r} is no name of a service", next_step="Use a-z, 0-9 and -.")
        for name in self.said:
            if name not in self.addon.parameters:
                raise _unknown(self.addon, name)
        found: dict[str, Any] = {"name": self.name, "environment": self.environment}
        for name, parameter in self.addon.parameters.items():
            found[name] = _value(self.addon, name, parameter, self.said.get(name), found)
        return found


def filled(text: str, values: Mapping[str, Any]) -> str:
    """The text with its slots filled and its conditions decided. UsageError for a slot that nobody fills."""
    lines, kept = text.splitlines(keepends=True), list[str]()
    taken = [True]
    for line in lines:
        if asked := CONDITION.match(line.rstrip("\r\n")):
            taken.append(taken[-1] and bool(_known(values, asked["name"])) == (asked["word"] == "if"))
        elif END.match(line.rstrip("\r\n")):
            taken = taken[:-1] or [True]
        elif taken[-1]:
            kept.append(SLOT.sub(lambda slot: _text(slot, values), line))
    return "".join(kept)


def _text(slot: re.Match[str], values: Mapping[str, Any]) -> str:
    value = _known(values, slot["name"])
    if isinstance(value, PasswordPlace) or slot["filter"] in {"secret", "read"}:
        return _secret(slot, value)
    if slot["percent"]:
        return str(int(value) * int(slot["percent"]) // 100)
    if slot["filter"] == "upper":
        return str(value).replace("-", "_").upper()
    if slot["filter"] == "dir":
        return variable_of(str(value))
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _secret(slot: re.Match[str], value: Any) -> str:
    """Never the password itself: nobody knows it here."""
    if not isinstance(value, PasswordPlace) or slot["filter"] not in {"secret", "read"}:
        raise UsageError(
            f"the add-on's slot {slot['name']} is not filled so",
            next_step="Correct its file: passwords are [[ secret NAME ]] and [[ read NAME ]], and nothing else is.",
        )
    return value.written if slot["filter"] == "secret" else value.template


def _known(values: Mapping[str, Any], name: str) -> Any:
    if name not in values:
        raise UsageError(f"the add-on has a slot {name} that nobody fills", next_step="Correct its file.")
    return values[name]


def _value(addon: AddOn, name: str, parameter: Parameter, said: str | None, known: Mapping[str, Any]) -> Any:
    value: Any = parameter.default if said is None else said
    if value is None:
        raise UsageError(f"{addon.addon} needs {name}: {parameter.description}", next_step=f"Say --set {name}=…")
    if isinstance(value, str):
        value = filled(value, known) if said is None else value
    match parameter.kind:
        case "number":
            return _number(name, parameter, value)
        case "switch":
            return _switch(name, value)
        case _:
            return _matched(name, parameter, str(value))


def _number(name: str, parameter: Parameter, value: Any) -> int:
    text = str(value)
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004  digits
    low, high = parameter.least or 0, parameter.most
    if number is None or number < low or (high is not None and number > high):
        most = f" to {high}" if high is not None else " at least"
        raise UsageError(
            f"{name} must be a whole number from {low}{most}; found {printable(text)!r}",
            next_step=parameter.description,
        )
    return number


def _switch(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value not in SWITCH:
        raise UsageError(
            f"{name} must be true or false; found {printable(str(value))!r}", next_step=f"Say --set {name}=true."
        )
    return SWITCH[value]


def _matched(name: str, parameter: Parameter, value: str) -> str:
    if not re.fullmatch(parameter.matches, value):
        raise UsageError(
            f"{name} cannot be {printable(value)!r}: it must match {parameter.matches}", next_step=parameter.description
        )
    return value


def _unknown(addon: AddOn, name: str) -> UsageError:
    known = tuple(addon.parameters)
    near = near_miss(name, known)
    hint = f" Did you mean {near}?" if near else ""
    return UsageError(
        f"{addon.addon} has no parameter {printable(name)}", next_step=f"It has: {', '.join(known) or 'none'}.{hint}"
    )
