"""TLS between a coordinator and its nodes: certificates and keys from files."""

import asyncio
import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from kvtui.core.seams.given_file import as_regular_file
from kvtui.core.seams.system_reason import system_reason
from kvtui.notation import PATH_TOLD, brief

BYTES_MOST: Final = 4 * 1024 * 1024
"""What is longer holds no certificates."""
SHUTDOWN_SECONDS: Final = 1.0
"""How long the other side may take to say goodbye."""


class BadTls(Exception):
    """The files can't be used for TLS; the text is one line for people."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: an own certificate (with its chain) and key, and the authority that vouches for the others."""

    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None


@dataclass(frozen=True, slots=True)
class Tls:
    """What a transport does with TLS: None does without."""

    client: ssl.SSLContext | None = None
    server: ssl.SSLContext | None = None
    fingerprint: str = ""
    """SHA-256 of the server's own certificate, in hexadecimal digits."""


def as_coordinator(files: TlsFiles) -> Tls:
    """TLS for who connects to nodes: their certificates must be vouched for by the authority. Raises BadTls."""
    if files.authority is None:
        raise BadTls("TLS needs the authority that vouches for the nodes' certificates")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load_authority(context, files.authority)
    if files.certificate is not None:
        _load_own(context, files.certificate, files.key)
    return Tls(client=context)


def as_node(files: TlsFiles) -> Tls:
    """TLS for who is connected to. With an authority, clients must show a certificate that it vouches for. Raises BadTls."""
    if files.certificate is None:
        raise BadTls("TLS needs the node's own certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    text = _load_own(context, files.certificate, files.key)
    if files.authority is not None:
        _load_authority(context, files.authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return Tls(server=context, fingerprint=_fingerprint(text))


def fingerprint_of(transport: asyncio.BaseTransport) -> str:
    """SHA-256 of the certificate that the other side showed, in hexadecimal digits; empty without TLS."""
    session = transport.get_extra_info("ssl_object")
    if session is None:
        return ""
    return hashlib.sha256(cast(bytes, session.getpeercert(binary_form=True) or b"")).hexdigest()


def _load_own(context: ssl.SSLContext, certificate: Path, own_key: Path | None) -> str:
    """The text of the certificate's file."""
    try:
        with as_regular_file(certificate, BYTES_MOST) as chain, as_regular_file(own_key, BYTES_MOST) as key:
            # Without a password of its own, OpenSSL would ask on the terminal and wait for ever.
            context.load_cert_chain(chain or "", key, password=lambda: b"")
            return "" if chain is None else chain.read_text(errors="replace")
    except (OSError, ValueError) as error:
        named = " and ".join(brief(str(file), PATH_TOLD) for file in (certificate, own_key) if file)
        raise BadTls(f"can't use {named} for TLS: {_reason(error)}") from None


def _load_authority(context: ssl.SSLContext, path: Path) -> None:
    try:
        with as_regular_file(path, BYTES_MOST) as authorities:
            context.load_verify_locations(authorities)
    except (OSError, ValueError) as error:
        raise BadTls(f"can't use {brief(str(path), PATH_TOLD)} as the TLS authority: {_reason(error)}") from None


def _fingerprint(text: str) -> str:
    start = text.index(ssl.PEM_HEADER)
    stop = text.index(ssl.PEM_FOOTER, start) + len(ssl.PEM_FOOTER)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(text[start:stop])).hexdigest()


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "").replace("_", " ").lower()
        return reason or "it is no PEM file of that kind, or its key is locked by a password"
    return system_reason(error)
