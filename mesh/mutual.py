"""TLS between services on a network: each shows a certificate of the mesh's own authority, and takes nobody without.

`python -m mesh.mutual FOLDER` makes an authority and a certificate for those who have none. What service calls is still
proved by the mesh's secret: every service may have the same certificate.
"""

import argparse
import ssl
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import grpc

from mesh.config import ConfigError, MeshConfig

NAME: Final = "rushes.mesh"
"""What every certificate of a mesh is for, wherever its service is reached."""

CERTIFICATE, KEY, AUTHORITY = "tls.crt", "tls.key", "ca.crt"
"""Files of the folder, named as in a Kubernetes Secret of a certificate."""


@dataclass(frozen=True)
class Mutual:
    """What both sides of a connection need. Raises ConfigError where something is missing or does not fit."""

    folder: Path

    @classmethod
    def of(cls, mesh: MeshConfig) -> "Mutual | None":
        """Of these settings; None: services talk without TLS."""
        if not mesh.tls:
            return None
        made = cls(Path(mesh.tls))
        made.server  # noqa: B018  # found out at start, not by whoever calls first
        return made

    def _read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    @property
    def server_credentials(self) -> grpc.ServerCredentials:
        """Of a gRPC server."""
        pair = (self._read(KEY), self._read(CERTIFICATE))
        return grpc.ssl_server_credentials([pair], self._read(AUTHORITY), require_client_auth=True)

    @cached_property
    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Of gRPC's channels, which are to expect NAME."""
        return grpc.ssl_channel_credentials(self._read(AUTHORITY), self._read(KEY), self._read(CERTIFICATE))

    @cached_property
    def server(self) -> ssl.SSLContext:
        """Of an HTTP server."""
        return self._context(ssl.PROTOCOL_TLS_SERVER)

    @cached_property
    def client(self) -> ssl.SSLContext:
        """Of HTTP clients, which are to expect NAME."""
        return self._context(ssl.PROTOCOL_TLS_CLIENT)

    @cached_property
    def http2(self) -> ssl.SSLContext:
        """Of gRPC as bytes over HTTP/2."""
        context = self._context(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(["h2"])
        return context

    def _context(self, side: int) -> ssl.SSLContext:
        try:
            context = ssl.SSLContext(side)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(self.folder / CERTIFICATE, self.folder / KEY)
            context.load_verify_locations(self.folder / AUTHORITY)
        except OSError as error:  # ssl's errors are such too
            raise ConfigError([f"mesh.tls: {CERTIFICATE}, {KEY}, {AUTHORITY} of {self.folder}: {error}"]) from error
        context.verify_mode = ssl.CERT_REQUIRED
        return context


def make(folder: Path) -> None:
    """An authority, kept apart in `folder`/authority, and what services need beside it."""
    from mesh.tls import certificate  # what makes certificates takes memory that services need not have

    path, key = certificate(folder / "authority", [NAME], client=True)
    for name, made in ((CERTIFICATE, path), (KEY, key), (AUTHORITY, str(folder / "authority" / "authority.pem"))):
        target = folder / name
        target.touch(mode=0o600)
        target.write_bytes(Path(made).read_bytes())


def main() -> None:
    """For `python -m mesh.mutual`."""
    parser = argparse.ArgumentParser(description="Certificates for services that talk over a network.")
    parser.add_argument("folder", type=Path, help=f"where {CERTIFICATE}, {KEY} and {AUTHORITY} are put")
    make(parser.parse_args().folder)


if __name__ == "__main__":
    main()
