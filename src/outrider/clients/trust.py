"""Whom a TLS connection trusts and as whom it comes: `Tls` settings to Python's ssl context, with readable errors."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

if TYPE_CHECKING:
    from outrider.server_settings import Tls

ADVICE = "Check *_CACERT, *_CAPATH, *_CLIENT_CERT and *_CLIENT_KEY of NOMAD and CONSUL."


def tls_context(tls: Tls) -> ssl.SSLContext:
    """The context for one server; the machine's own authorities where no file or folder is named.

    UsageError names the file that cannot be used, and why.
    """
    for path in (tls.ca_file, tls.client_certificate, tls.client_key):
        _check_readable(path)
    try:
        context = ssl.create_default_context(cafile=tls.ca_file, capath=tls.ca_path)
    except OSError as error:
        raise UsageError(f"{tls.ca_file} holds no authorities: {_plain(error)}", next_step=ADVICE) from error
    if tls.client_certificate:
        _load_client(context, tls.client_certificate, tls.client_key)
    if not tls.is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def refused_tls(name: str, tls: Tls, error: BaseException) -> str:
    """What a server says or shows that keeps TLS from beginning, as the rest of a sentence; empty for other errors."""
    found = next((one for one in _causes(error) if isinstance(one, ssl.SSLError)), None)
    if found is None:
        return ""
    if isinstance(found, ssl.SSLCertVerificationError):
        trusted = tls.ca_file or tls.ca_path or "the machine's own authorities"
        return f"shows a certificate that {trusted} does not let us believe: {found.verify_message}"
    if "_ALERT_" not in (found.reason or ""):
        return f"does not speak TLS as we do: {_plain(found)}"
    variable = f"{name.upper()}_CLIENT_CERT"
    if tls.client_certificate:
        return f"refuses the certificate of {variable} ({tls.client_certificate}): {_plain(found)}"
    return f"refuses us: {_plain(found)}. It wants a certificate, and {variable} is not set"


def _load_client(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    try:
        context.load_cert_chain(certificate, key, _no_password)
    except OSError as error:
        both = f"{certificate} and {key} are" if key else f"{certificate} is"
        raise UsageError(f"{both} no certificate with its key: {_plain(error)}", next_step=ADVICE) from error


def _no_password() -> str:
    """Without it Python would ask at the terminal."""
    raise OSError("the key has a password, which nobody can give here")


def _check_readable(path: str | None) -> None:
    if path is None:
        return
    try:
        with Path(path).open("rb"):
            pass
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", next_step=ADVICE) from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _plain(error: OSError) -> str:
    """The reason without OpenSSL's brackets and line numbers."""
    reason = getattr(error, "reason", None)
    return reason.lower().replace("_", " ") if reason else (error.strerror or str(error)).lower()
