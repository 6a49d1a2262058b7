"""Certificates for tests: an authority made now, and what it vouches for."""

from pathlib import Path

import trustme

from kvtui.core.seams.tls import TlsFiles


class Authority:
    """One authority, whose files lie in a directory of the test."""

    def __init__(self, directory: Path, name: str = "ca") -> None:
        self.file = directory / f"{name}.pem"
        self._directory = directory
        self._made = trustme.CA()
        self._made.cert_pem.write_to_path(str(self.file))

    def certificate(self, name: str = "node", *identities: str) -> TlsFiles:
        """A certificate and key for ``identities``, loopback by default, as files."""
        made = self._made.issue_cert(*(identities or ("127.0.0.1", "localhost")))
        certificate, key = self._directory / f"{name}-cert.pem", self._directory / f"{name}-key.pem"
        made.cert_chain_pems[0].write_to_path(str(certificate))
        made.private_key_pem.write_to_path(str(key))
        return TlsFiles(certificate, key)
