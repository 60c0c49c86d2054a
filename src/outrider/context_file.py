"""The person's context file: what stands in it, and what is wrong with it."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONTEXT_KEYS = ("address", "token", "environment", "platform", "envoy")


class ContextFileError(ValueError):
    """The person's context file cannot be used; `problems` are pairs of key and message."""

    def __init__(self, file: Path, problems: tuple[tuple[str, str], ...]) -> None:
        super().__init__("\n".join(f"{file}: {key}: {message}" for key, message in problems))
        self.file = file
        self.problems = problems


def context_of(file: Path) -> dict[str, str]:
    """The context file's keys: address, token, environment, platform, envoy; all of them strings, none required."""
    try:
        content: dict[str, Any] = tomllib.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ContextFileError(file, (("", f"the context file cannot be read: {error}"),)) from error
    problems = (*_unknown_keys(content), *_wrong_values(content))
    if problems:
        raise ContextFileError(file, problems)
    return content


def _unknown_keys(content: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (key, f"unknown key; known are {', '.join(CONTEXT_KEYS)}") for key in content if key not in CONTEXT_KEYS
    )


def _wrong_values(content: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((key, "must be a string") for key in CONTEXT_KEYS if not isinstance(content.get(key, ""), str))
