"""A throw-away certificate authority, and the certificate of `localhost` that it signed."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Certificates:
    """Two files: the authority that clients trust, and the server's key with its certificate."""

    ca_file: Path
    server_file: Path

    @classmethod
    def at(cls, ca_file: Path) -> Certificates:
        """Use the authority in this file, or make one there. The server's file lies beside it.

        Both are kept, so that a restarted twin is still trusted by clients that read the authority before.
        """
        found = cls(ca_file, ca_file.with_name(f"{ca_file.stem}-server.pem"))
        if not (found.ca_file.exists() and found.server_file.exists()):
            authority = trustme.CA()
            certificate = authority.issue_cert("localhost", "127.0.0.1")
            ca_file.parent.mkdir(parents=True, exist_ok=True)
            found.server_file.touch(mode=0o600)
            certificate.private_key_and_cert_chain_pem.write_to_path(found.server_file)
            authority.cert_pem.write_to_path(ca_file)
        return found

    def context(self) -> ssl.SSLContext:
        """Make the server's side of TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server_file)
        return context
