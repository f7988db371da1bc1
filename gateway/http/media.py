"""Uploads and media: passed through to svc_media as streams, with the cookie turned into a token."""

from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, UnixConnector, web
from aiohttp.client_exceptions import ClientError
from yarl import URL

from gateway.fault import ServiceAway
from gateway.http.body import refuse_packed
from gateway.http.session import TokenCache, required_token
from mesh.mutual import NAME, Mutual

_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "host", "cookie", "authorization", "rushes-service", "expect")
)  # fmt: skip
CHUNK_BYTES = 256 * 1024


class MediaRoutes:
    """/uploads and /media."""

    def __init__(self, target: str, service_token: str, tokens: TokenCache, mutual: Mutual | None = None) -> None:
        self._tokens = tokens
        self._service_token = service_token
        unix = target.removeprefix("unix:") if target.startswith("unix:") else ""
        self._mutual = None if unix else mutual
        scheme = "http" if self._mutual is None else "https"
        self._base = "http://svc_media" if unix else f"{scheme}://{target}"
        self._unix = unix
        self._session: ClientSession | None = None

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
        assert self._session is not None
        body = request.content if request.can_read_body else None
        # The path as it came, never a whole address: the request line may hold one.
        url = URL(f"{self._base}{request.rel_url.raw_path_qs}", encoded=True)
        response = web.StreamResponse()
        try:
            async with self._session.request(
                request.method,
                url,
                headers=headers,
                data=body,
                allow_redirects=False,
                server_hostname=NAME if self._mutual is not None else None,
            ) as answer:
                await self._pass(request, answer, response)
        except ClientError as error:
            if not response.prepared:
                raise ServiceAway("The media service does not answer right now; try again in a moment.") from error
            # Half of a file is out: the only way left to say so is to break off.
            if request.transport is not None:
                request.transport.abort()
        return response

    async def _pass(self, request: web.Request, answer: ClientResponse, response: web.StreamResponse) -> None:
        response.set_status(answer.status, answer.reason)
        for name, value in answer.headers.items():
            if name.lower() not in _HOP:
                response.headers[name] = value
        await response.prepare(request)
        async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
            await response.write(chunk)
        await response.write_eof()
