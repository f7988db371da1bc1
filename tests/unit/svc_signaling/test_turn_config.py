"""What `rushes turn-config` writes."""

import argparse
import ipaddress
from pathlib import Path

import pytest

from svc_signaling import turn_config
from svc_signaling.core.turn import DENIED, Relay, configuration

SECRET = "a-secret-of-some-length"


def lines(**changed: object) -> list[str]:
    given: dict[str, object] = {"realm": "turn.example.com", "secret": SECRET, "address": "192.0.2.7"}
    return configuration(Relay(**{**given, **changed})).splitlines()  # type: ignore[arg-type]


def denies(address: str) -> bool:
    """Whether an address is in a range of the same version."""
    version, number = _number(address)
    ends = [(_number(first), _number(last)) for first, _, last in (each.partition("-") for each in DENIED)]
    return any(first[0] == version and first[1] <= number <= last[1] for first, last in ends)


def _number(address: str) -> tuple[int, int]:
    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed)


def asked(*more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    turn_config.register(parser.add_subparsers())
    return parser.parse_args(["turn-config", "--realm", "turn.example.com", "--address", "192.0.2.7", *more])


def test_private_and_mapped_addresses_are_denied_and_nothing_public_is() -> None:
    made = lines()
    assert [line.removeprefix("denied-peer-ip=") for line in made if line.startswith("denied")] == list(DENIED)
    for bad in ("10.1.2.3", "127.0.0.1", "169.254.169.254", "192.168.0.9", "172.31.0.1", "100.64.0.1", "239.0.0.1"):
        assert denies(bad), bad
    for bad in ("::1", "::ffff:10.0.0.1", "fd00::1", "2001:db8::1"):
        assert denies(bad), bad
    for good in ("1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "223.255.255.255"):
        assert not denies(good), good


def test_where_forwarders_are_named_nothing_else_is_relayed_to() -> None:
    made = lines(peers=("198.51.100.4",))
    assert "allowed-peer-ip=198.51.100.4" in made
    assert "denied-peer-ip=0.0.0.1-255.255.255.255" in made


def test_it_relays_by_ipv4_and_udp_within_limits_and_has_no_console() -> None:
    made = lines(public="203.0.113.9", first_port=50_000, last_port=50_100)
    for line in ("relay-ip=192.0.2.7", "external-ip=203.0.113.9/192.0.2.7", "allocation-default-address-family=ipv4",
                 "min-port=50000", "max-port=50100", "no-tcp-relay", "no-multicast-peers", "no-cli", "user-quota=24",
                 "use-auth-secret", f"static-auth-secret={SECRET}", "no-tls", "stale-nonce=600"):  # fmt: skip
        assert line in made, line


def test_the_file_is_the_operators_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(turn_config.VARIABLE, SECRET)
    out = tmp_path / "turnserver.conf"
    assert turn_config.run(asked("--out", str(out), "--certificate", "a.pem", "--key", "b.pem")) == 0
    assert out.stat().st_mode & 0o777 == 0o600
    assert "cert=a.pem" in out.read_text()


@pytest.mark.parametrize(
    ("more", "secret"),
    [
        ((), ""),
        ((), "short"),
        ((), "with a line\nno-auth=1234567"),
        (("--realm", "a\nno-auth"), SECRET),
        (("--public", "turn.example.com"), SECRET),
        (("--peer", "::1"), SECRET),
        (("--ports", "5-4"), SECRET),
        (("--ports", "1-70000"), SECRET),
        (("--certificate", "a.pem"), SECRET),
    ],
)
def test_what_would_be_no_configuration_is_refused(
    more: tuple[str, ...], secret: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(turn_config.VARIABLE, secret)
    assert turn_config.run(asked(*more)) == 2
    assert capsys.readouterr().err
