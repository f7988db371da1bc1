"""Access tokens: what is taken, and everything that is not."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from mesh.auth import proven_service, service_token
from mesh.auth.caller import ServiceUnknown
from mesh.auth.identity import TokenExpired, TokenInvalid, UnknownKey, verify_token
from rushes.errors import Unauthenticated

NOW_S = 1_800_000_000
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = {"k1": KEY.public_key()}
RAW_PUBLIC = KEY.public_key().public_bytes_raw()
CLAIMS: dict[str, Any] = {
    "sub": "anna",
    "sid": "s1",
    "tid": "t",
    "aud": "rushes",
    "exp": NOW_S + 300,
    "iat": NOW_S,
    "jti": "j1",
}


def token(key: Any = KEY, alg: str = "EdDSA", kid: Any = "k1", **claims: Any) -> str:
    """A token, by default a good one; a claim of ... is left out."""
    payload = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not ...}
    return jwt.encode(payload, key, algorithm=alg, headers={"kid": kid} if kid is not None else None)


def by_hand(header: dict[str, Any], payload: Any, signature: bytes = b"") -> str:
    """A token put together without a library that would object."""
    parts = [json.dumps(part).encode() for part in (header, payload)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, signature))


def verify(text: str, keys: Any = KEYS) -> Any:
    """At a fixed time."""
    return verify_token(text, keys, NOW_S * 1000)


def test_a_good_token_says_who_and_until_when() -> None:
    claims = verify(token())
    assert (claims.person_id, claims.session_id, claims.tenant_id) == ("anna", "s1", "t")
    assert claims.expires_ms == (NOW_S + 300) * 1000


@pytest.mark.parametrize("missing", list(CLAIMS))
def test_every_claim_is_required(missing: str) -> None:
    with pytest.raises(TokenInvalid):
        verify(token(KEY, "EdDSA", "k1", **{missing: ...}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sub", ""),
        ("sub", 5),
        ("sid", "x" * 129),
        ("tid", None),
        ("jti", ["x"]),
        ("aud", "other"),
        ("aud", ["rushes", "other"]),
        ("aud", "rushes2"),
        ("exp", "soon"),
        ("exp", 1e300),
        ("exp", True),
        ("iat", NOW_S + 61),
        ("nbf", NOW_S + 61),
        ("nbf", "x"),
    ],
)
def test_a_claim_of_the_wrong_kind_is_refused(name: str, value: Any) -> None:
    with pytest.raises(TokenInvalid):
        verify(token(**{name: value}))


def test_an_expired_token_is_told_from_a_wrong_one() -> None:
    with pytest.raises(TokenExpired):
        verify(token(exp=NOW_S))
    assert verify(token(exp=NOW_S + 1))


def test_a_signer_whose_clock_is_a_little_ahead_is_taken() -> None:
    assert verify(token(iat=NOW_S + 59))


def test_a_key_that_is_not_known_is_told_from_a_wrong_signature() -> None:
    other = Ed25519PrivateKey.generate()
    with pytest.raises(UnknownKey):
        verify(token(other, kid="k2"))
    with pytest.raises(TokenInvalid):
        verify(token(other))


@pytest.mark.parametrize("kid", ["", "x" * 200, None])
def test_a_token_says_which_key_signed_it(kid: str | None) -> None:
    with pytest.raises(TokenInvalid):
        verify(token(kid=kid))


def hostile() -> dict[str, str]:
    """Tokens that try to choose how they are verified."""
    good = token()
    header, payload, signature = good.split(".")
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return {
        "none": by_hand({"alg": "none", "kid": "k1"}, CLAIMS),
        "None": by_hand({"alg": "None", "kid": "k1"}, CLAIMS),
        "no alg": by_hand({"kid": "k1"}, CLAIMS),
        "HS256 with the public key": token(RAW_PUBLIC, alg="HS256"),
        "HS512 with an empty key": token(b"\0" * 64, alg="HS512"),
        "RS256": token(rsa_key, alg="RS256"),
        "ES256": token(ec.generate_private_key(ec.SECP256R1()), alg="ES256"),
        "EdDSA in lower case": by_hand({"alg": "eddsa", "kid": "k1"}, CLAIMS, b"\0" * 64),
        "alg a list": by_hand({"alg": ["EdDSA"], "kid": "k1"}, CLAIMS),
        "kid a list": by_hand({"alg": "EdDSA", "kid": ["k1"]}, CLAIMS),
        "kid a path": by_hand({"alg": "EdDSA", "kid": "../../dev/null"}, CLAIMS),
        "its own key": by_hand({"alg": "EdDSA", "jwk": {"kty": "OKP"}, "kid": "k1"}, CLAIMS, b"\0" * 64),
        "critical extension": by_hand({"alg": "EdDSA", "kid": "k1", "crit": ["b64"], "b64": False}, CLAIMS),
        "no signature": f"{header}.{payload}.",
        "zero signature": by_hand({"alg": "EdDSA", "kid": "k1"}, CLAIMS, b"\0" * 64),
        "other payload": f"{header}.{by_hand({}, {**CLAIMS, 'sub': 'root'}).split('.')[1]}.{signature}",
        "payload no object": by_hand({"alg": "EdDSA", "kid": "k1"}, [1]),
        "two parts": f"{header}.{payload}",
        "four parts": f"{good}.x",
        "empty": "",
        "dots": "..",
        "not ascii": "é.é.é",
        "not base64": "!!.??.!!",
        "long": "x" * 9000,
        "deep": by_hand({"alg": "EdDSA", "kid": "k1"}, 1).replace(payload, "W1" * 3000),
    }


@pytest.mark.parametrize("name", sorted(hostile()))
def test_no_trick_with_the_header_is_taken(name: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(hostile()[name])


@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_any_text_is_refused_with_a_clear_error(text: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(text)


@given(st.integers(0, 400), st.integers(0, 255))
def test_no_token_with_one_byte_changed_is_taken_for_another(index: int, byte: int) -> None:
    good = token()
    changed = bytearray(good.encode())
    changed[index % len(changed)] = byte
    try:
        claims = verify(changed.decode("latin-1"))
    except Unauthenticated:
        return
    # The last character of a part may hold bits that mean nothing.
    assert claims == verify(good)


def test_a_service_proves_its_name_with_the_secret() -> None:
    assert proven_service(service_token("svc_media", "secret"), "secret") == "svc_media"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "svc_media",
        "svc_media.",
        "svc_media.00",
        service_token("svc_media", "other"),
        service_token("svc_media", "secret").replace("svc_media", "gateway"),
        service_token("svc_media", "secret").upper(),
        service_token("svc_media", "secret") + "0",
        service_token("", "secret"),
        service_token("a b", "secret"),
        "svc_media.é",
    ],
)
def test_no_other_text_proves_a_service(text: str) -> None:
    with pytest.raises(ServiceUnknown):
        proven_service(text, "secret")


def test_an_empty_secret_proves_nothing() -> None:
    with pytest.raises(ServiceUnknown):
        proven_service(service_token("gateway", ""), "")
