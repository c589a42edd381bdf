"""What does the service answer to a customer, asked at the gateway's own address?

The connection goes to the address that was given, the name is the one that customers type, and the certificate has to be
good for it: what is verified is the gateway, not the name server of this machine.
"""

import gzip
import http.client
import json
import os
import re
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

WITHIN_S = 10


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Edge:
    hostname: str
    port: int
    address: str
    context: ssl.SSLContext
    api_key: str = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request on a connection of its own; an OSError when there is no good answer."""
        began = time.monotonic()
        told = {"Accept-Encoding": "gzip", **({"X-Api-Key": self.api_key} if self.api_key else {}), **headers}
        connection = http.client.HTTPSConnection(self.hostname, self.port, timeout=WITHIN_S, context=self.context)
        raw = socket.create_connection((self.address, self.port), WITHIN_S)
        # Without this the request waits 40 ms for the acknowledgement of the handshake's last word.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection.sock = self.context.wrap_socket(raw, server_hostname=self.hostname)
            connection.request(method, path, None if body is None else json.dumps(body), told)
            answer = connection.getresponse()
            content = answer.read()
        except http.client.HTTPException as error:
            raise OSError(f"not an HTTP answer: {error!r}") from error
        finally:
            connection.close()
            raw.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        if found.get("content-encoding") == "gzip":
            content = gzip.decompress(content)
        return Answer(status=answer.status, headers=found, body=content, seconds=time.monotonic() - began)


def edge() -> Edge:
    """From CHECKOUT_URL, CHECKOUT_GATEWAY_ADDRESS (default: what the name resolves to), CHECKOUT_CA_FILE (default: the system's)."""
    url = urlsplit(os.environ.get("CHECKOUT_URL", ""))
    if url.scheme != "https" or not url.hostname:
        raise LookupError("CHECKOUT_URL is not set to an https address.")
    return Edge(
        hostname=url.hostname,
        port=url.port or 443,
        address=os.environ.get("CHECKOUT_GATEWAY_ADDRESS") or url.hostname,
        context=ssl.create_default_context(cafile=os.environ.get("CHECKOUT_CA_FILE") or None),
        api_key=os.environ.get("CHECKOUT_API_KEY", ""),
    )


def files_of(page: str) -> list[tuple[str, str]]:
    """The path and integrity of each script and style sheet that a page names."""
    tags = re.findall(r"<(?:script|link)\b[^>]*>", page)
    found = [(re.search(r'(?:src|href)="([^"]+)"', tag), re.search(r'integrity="([^"]+)"', tag)) for tag in tags]
    return [(path.group(1), digest.group(1) if digest else "") for path, digest in found if path]
