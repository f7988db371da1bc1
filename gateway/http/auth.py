"""Sign-in, sign-out and invitations for browsers: JSON in, a cookie out."""

import asyncio
import json
from typing import Any

from aiohttp import web

from gateway.http import session
from gateway.http.body import refuse_packed
from rushes.errors import InvalidArgument, Unauthenticated
from rushes.project.v1 import identity_service_pb2 as identity
from rushes.project.v1.identity_service_pb2_grpc import IdentityServiceStub

MAX_BODY_BYTES = 16 * 1024
BODY_S = 30.0


class AuthRoutes:
    """POST /auth/sign-in, /auth/sign-out, /auth/accept; GET /auth/state."""

    def __init__(self, stub: IdentityServiceStub, tokens: session.TokenCache, *, secure: bool) -> None:
        self._stub = stub
        self._tokens = tokens
        self._secure = secure

    def add_to(self, app: web.Application) -> None:
        """Adds the routes."""
        app.router.add_post("/auth/sign-in", self.sign_in)
        app.router.add_post("/auth/sign-out", self.sign_out)
        app.router.add_post("/auth/accept", self.accept)
        app.router.add_get("/auth/state", self.state)

    async def sign_in(self, request: web.Request) -> web.Response:
        """Opens a session."""
        body = await _body(request)
        answer = await self._stub.SignIn(
            identity.SignInRequest(email=_text(body, "email"), password=_text(body, "password")),
            metadata=(session.client_of(request),),
        )
        response = web.json_response(_person(answer.person))
        session.set_cookie(response, answer.session, self._secure)
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """Ends the session of the cookie."""
        secret = session.secret_of(request)
        if secret:
            await self._stub.SignOut(identity.SignOutRequest(session_secret=secret))
            self._tokens.forget(secret)
        response = web.json_response({})
        session.clear_cookie(response)
        return response

    async def accept(self, request: web.Request) -> web.Response:
        """Accepts an invitation, for who is signed in or as a new person."""
        body = await _body(request)
        answer = await self._stub.AcceptInvitation(
            identity.AcceptInvitationRequest(
                secret=_text(body, "secret"),
                session_secret=session.secret_of(request) if not _text(body, "name") else "",
                name=_text(body, "name"),
                email=_text(body, "email"),
                password=_text(body, "password"),
                request_id=_text(body, "request_id"),
            ),
            metadata=(session.client_of(request),),
        )
        response = web.json_response({**_person(answer.person), "project_id": str(answer.project_id)})
        if answer.session.secret:
            session.set_cookie(response, answer.session, self._secure)
        return response

    async def state(self, request: web.Request) -> web.Response:
        """Whether the cookie is a session's."""
        secret = session.secret_of(request)
        response = web.json_response({"signed_in": bool(secret)})
        if secret:
            try:
                await self._tokens.get(secret)
            except Unauthenticated:
                response = web.json_response({"signed_in": False})
                session.clear_cookie(response)
        return response


async def _body(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise InvalidArgument("Send JSON with content-type application/json.")
    refuse_packed(request)
    raw = bytearray()
    async with asyncio.timeout(BODY_S):
        async for chunk in request.content.iter_any():
            raw += chunk
            if len(raw) > MAX_BODY_BYTES:
                raise InvalidArgument("That is too long.")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument("That is not JSON.") from error
    if not isinstance(body, dict):
        raise InvalidArgument("Send a JSON object.")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise InvalidArgument(f"{name} must be text.")
    if any(0xD800 <= ord(char) <= 0xDFFF for char in value):
        raise InvalidArgument(f"{name} is not valid text.")
    return value


def _person(person: identity.Person) -> dict[str, Any]:
    return {"person_id": person.person_id, "name": person.name, "guest": person.guest}
