"""Accepts every request over TLS with 202, and costs little: the peer of `bench.py`. Prints its port."""

from __future__ import annotations

import asyncio
import re
import ssl
import sys

ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request, read to its end."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *([0-9]+)", head)
    await reader.readexactly(int(length[1]) if length else 0)
    writer.write(ANSWER)
    await writer.drain()
    writer.close()


async def main() -> None:
    """Serve until terminated."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
