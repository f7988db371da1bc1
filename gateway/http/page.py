"""The page itself: built files, cached for ever where their name holds their hash, index.html for each place in it."""

import mimetypes
from pathlib import Path

from aiohttp import web

mimetypes.add_type("application/manifest+json", ".webmanifest")

FOR_EVER = "public, max-age=31536000, immutable"


class PageRoutes:
    """GET of everything that nothing else answers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def add_to(self, app: web.Application) -> None:
        """Adds the route; must come last."""
        app.router.add_get("/{path:.*}", self.page)

    async def page(self, request: web.Request) -> web.StreamResponse:
        """A file of the build, or the app."""
        path = request.match_info["path"]
        file = self._file(path)
        if file is None and "." in path.rsplit("/", 1)[-1]:
            raise web.HTTPNotFound(text="There is nothing here.")
        response = web.FileResponse(file or self._folder / "index.html")
        # The build put packed files beside those worth it; FileResponse sends what the browser takes.
        response.headers["Vary"] = "Accept-Encoding"
        hashed = file is not None and file.parent.name == "assets"
        response.headers["Cache-Control"] = FOR_EVER if hashed else "no-cache"
        if file is not None:
            response.content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return response

    def _file(self, path: str) -> Path | None:
        if not path or "\0" in path:
            return None
        try:
            file = (self._folder / path).resolve()
            return file if file.is_relative_to(self._folder) and file.is_file() else None
        except (OSError, ValueError):  # a name that no file system takes
            return None
