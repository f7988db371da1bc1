"""Uploads and media: passed through to svc_media as streams, with the cookie turned into a token."""

import secrets
from collections.abc import Sequence

from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, UnixConnector, web
from aiohttp.client_exceptions import ClientConnectorError, ClientError
from yarl import URL

from gateway.fault import ServiceAway
from gateway.http.body import refuse_packed
from gateway.http.session import TokenCache, required_token
from mesh.mutual import NAME, Mutual
from mesh.rendezvous import ranked

_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "host", "cookie", "authorization", "rushes-service", "expect")
)  # fmt: skip
_ASKS = frozenset(("GET", "HEAD"))
"""What changes nothing: done twice it is the same."""
CHUNK_BYTES = 256 * 1024


class _Place:
    """An instance of svc_media: UNIX:PATH or HOST:PORT."""

    def __init__(self, target: str, mutual: Mutual | None) -> None:
        self._unix = target.removeprefix("unix:") if target.startswith("unix:") else ""
        self._mutual = None if self._unix else mutual
        scheme = "http" if self._mutual is None else "https"
        self.base = "http://svc_media" if self._unix else f"{scheme}://{target}"
        self.name = NAME if self._mutual is not None else None
        """What its certificate is for."""
        self._session: ClientSession | None = None

    @property
    def session(self) -> ClientSession:
        """Its connections."""
        assert self._session is not None
        return self._session

    async def start(self) -> None:
        """Opens the connection pool."""
        tls = self._mutual.client if self._mutual is not None else True
        connector = UnixConnector(self._unix, limit=512) if self._unix else TCPConnector(limit=512, ssl=tls)
        self._session = ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None, sock_connect=5, sock_read=120),
        )

    async def close(self) -> None:
        """Closes it."""
        if self._session is not None:
            await self._session.close()


class MediaRoutes:
    """/uploads and /media."""

    def __init__(self, address: str, service_token: str, tokens: TokenCache, mutual: Mutual | None = None) -> None:
        """`address`: of svc_media's instances, with commas between. Any can do; what is about one upload or video goes
        to one of them for as long as that is there.
        """
        self._tokens = tokens
        self._service_token = service_token
        self._places = {target.strip(): _Place(target.strip(), mutual) for target in address.split(",")}

    async def start(self) -> None:
        """Opens the connection pools."""
        for place in self._places.values():
            await place.start()

    async def close(self) -> None:
        """Closes them."""
        for place in self._places.values():
            await place.close()

    def add_to(self, app: web.Application) -> None:
        """Adds the routes."""
        for path in ("/uploads", "/uploads/{rest:.*}", "/media/{rest:.*}"):
            app.router.add_route("*", path, self.forward)

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Sends the request on and the answer back, a piece at a time."""
        refuse_packed(request)
        token = await required_token(request, self._tokens)
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP]
        headers += [("Authorization", f"Bearer {token}"), ("rushes-service", self._service_token)]
        response = web.StreamResponse()
        try:
            for place in self._order(request):
                try:
                    await self._send(place, request, headers, response)
                    break
                except ClientError as error:
                    # Nothing of the request has left yet; or it may be asked again of another, as of one that died
                    # before it answered.
                    again = isinstance(error, ClientConnectorError) or request.method in _ASKS
                    if response.prepared or not again:
                        raise
                    gone = error
            else:
                raise gone
        except ClientError as error:
            if not response.prepared:
                raise ServiceAway("The media service does not answer right now; try again in a moment.") from error
            # Half of a file is out: the only way left to say so is to break off.
            if request.transport is not None:
                request.transport.abort()
        return response

    def _order(self, request: web.Request) -> Sequence[_Place]:
        """Whom to ask, the best first."""
        if len(self._places) == 1:
            return list(self._places.values())
        about = request.match_info.get("rest", "").partition("/")[0] or secrets.token_hex(4)
        return [self._places[target] for target in ranked(about, self._places)]

    async def _send(
        self, place: _Place, request: web.Request, headers: list[tuple[str, str]], response: web.StreamResponse
    ) -> None:
        body = request.content if request.can_read_body else None
        # The path as it came, never a whole address: the request line may hold one.
        url = URL(f"{place.base}{request.rel_url.raw_path_qs}", encoded=True)
        async with place.session.request(
            request.method, url, headers=headers, data=body, allow_redirects=False, server_hostname=place.name
        ) as answer:
            await self._pass(request, answer, response)

    async def _pass(self, request: web.Request, answer: ClientResponse, response: web.StreamResponse) -> None:
        response.set_status(answer.status, answer.reason)
        for name, value in answer.headers.items():
            if name.lower() not in _HOP:
                response.headers[name] = value
        await response.prepare(request)
        async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
            await response.write(chunk)
        await response.write_eof()
