"""The local authority: what it signs is trusted by whoever trusts it, and by nobody else."""

import asyncio
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from mesh import tls


async def connect(paths: tuple[str, str], trusted: Path, name: str) -> None:
    """A TLS handshake, as a browser makes it that wants this name."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(*paths)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context)
    port = server.sockets[0].getsockname()[1]
    client_context = ssl.create_default_context(cafile=str(trusted))
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context, server_hostname=name)
        writer.close()
    finally:
        server.close()


@pytest.mark.parametrize("name", ["studio.local", "192.168.1.5", "fe80::1", "localhost"])
async def test_a_server_is_trusted_by_each_of_its_names(tmp_path: Path, name: str) -> None:
    paths = tls.certificate(tmp_path, ["studio.local", "192.168.1.5", "fe80::1", "localhost"])
    await connect(paths, tmp_path / "authority.pem", name)


async def test_it_is_not_trusted_by_another_name_nor_without_the_authority(tmp_path: Path) -> None:
    paths = tls.certificate(tmp_path / "a", ["studio.local"])
    tls.certificate(tmp_path / "b", ["studio.local"])
    with pytest.raises(ssl.SSLCertVerificationError):
        await connect(paths, tmp_path / "a" / "authority.pem", "elsewhere.local")
    with pytest.raises(ssl.SSLCertVerificationError):
        await connect(paths, tmp_path / "b" / "authority.pem", "studio.local")


def test_it_stays_the_same_until_it_must_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def serial() -> int:
        return x509.load_pem_x509_certificate((tmp_path / "server.pem").read_bytes()).serial_number

    tls.certificate(tmp_path, ["a.local"])
    first, authority = serial(), tls.fingerprint(tmp_path / "authority.pem")
    tls.certificate(tmp_path, ["a.local"])
    assert serial() == first
    tls.certificate(tmp_path, ["b.local"])
    second = serial()
    assert second != first
    monkeypatch.setattr(tls, "RENEW_DAYS", tls.SERVER_DAYS + 1)
    tls.certificate(tmp_path, ["b.local"])
    assert serial() != second
    assert tls.fingerprint(tmp_path / "authority.pem") == authority


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    tls.certificate(tmp_path / "tls", ["a.local"])
    assert (tmp_path / "tls").stat().st_mode & 0o077 == 0
    for path in (tmp_path / "tls").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_all_addresses_are_names_of_a_host_that_listens_on_all() -> None:
    names = tls.names_of("0.0.0.0")
    assert {"localhost", "127.0.0.1"} <= set(names)
    assert "0.0.0.0" not in names
    assert tls.names_of("192.168.1.5") == ["192.168.1.5"]
