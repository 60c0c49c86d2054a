"""Whom a TLS connection trusts and as whom it comes: `Tls` settings to Python's ssl context, with readable errors."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

if TYPE_CHECKING:
    from outrider.settings import Tls


def tls_context(tls: Tls) -> ssl.SSLContext:
    """The context for one server; the machine's own authorities where no file or folder is named."""
    try:
        context = ssl.create_default_context(cafile=tls.ca_file, capath=tls.ca_path)
        if tls.client_certificate:
            context.load_cert_chain(tls.client_certificate, tls.client_key)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(file for file in (tls.ca_file, tls.ca_path, tls.client_certificate, tls.client_key) if file)
        raise UsageError(
            f"the TLS files cannot be used ({files}): {error}",
            next_step="Check *_CACERT, *_CAPATH, *_CLIENT_CERT and *_CLIENT_KEY of NOMAD and CONSUL.",
        ) from error
    if not tls.is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
