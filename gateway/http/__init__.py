"""The gateway's HTTP side: sign-in and cookie, gRPC-Web, WebSocket, media and the page itself, on aiohttp."""
