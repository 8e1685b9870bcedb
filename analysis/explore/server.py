"""A small, read-only HTTP server for one page, which answers only those who know its address.

The path of the address begins with a random token, so that relative links contain it and no cookie is needed. A request is
refused unless it is a GET or a HEAD, its `Host` is a name of this server (otherwise another site could let its own name
point here), and its `Origin`, if it has one, is this server.
"""

import gzip
import hashlib
import hmac
import ipaddress
import secrets
import socket
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

HEADERS = {
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
LOOPBACK = ("127.0.0.1", "::1", "localhost")
ANY = ("0.0.0.0", "::", "")
SECONDS = 20.0
"""A connection that sends nothing for this long is closed."""
WORTH_PACKING = 2_000  # bytes


class Answer(NamedTuple):
    """What the server has at an address."""

    kind: str
    """Its media type."""
    body: bytes
    tag: str = ""
    """An ETag that changes with the body; "" to use the hash of the body."""


Find = Callable[[str, Mapping[str, str]], Answer | None]
"""(path without the token, query) -> what is there; None for nothing."""


class Server(ThreadingMixIn, TCPServer):
    """Serves what `find` finds. Binds at once; raises OSError where it cannot."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str, port: int, find: Find, policy: str) -> None:
        self.find, self.policy, self.host = find, policy, host
        self.token = secrets.token_urlsafe(24)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """The address to open in a browser."""
        host = self.host if self.host not in ANY else socket.gethostname()
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_address[1]}/{self.token}/"

    def is_own_name(self, host: str) -> bool:
        """Whether this is a name of the server: the one it was started with, or loopback, also through a tunnel from another port.

        If it listens on all interfaces, this machine's name counts too, and so do IP addresses, which no other site can claim.
        """
        name = (urlsplit(f"//{host}").hostname or "") if host else ""
        if name in (*LOOPBACK, self.host.lower()):
            return True
        return self.host in ANY and (
            name in (socket.gethostname().lower(), socket.getfqdn().lower()) or _is_number(name)
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: browsers close connections all the time."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "aesweep", ""
    timeout = SECONDS

    def do_GET(self) -> None:
        """Answer with a body."""
        self._answer()

    def do_HEAD(self) -> None:
        """Answer without a body."""
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: a line would show the token."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse in plain text; for methods other than GET and HEAD (501) with status 405."""
        self._refuse(405 if code == 501 else code, message or "")

    def _answer(self) -> None:
        try:
            self._answer_or_fail()
        except (BrokenPipeError, ConnectionResetError, TimeoutError):  # the browser went away
            self.close_connection = True
        except Exception as error:
            print(ascii(f"{type(error).__name__}: {error}")[1:-1], file=sys.stderr)
            self._refuse(500, "The store could not be read; the terminal of `aesweep explore` says why.")

    def _answer_or_fail(self) -> None:
        if why := self._refusal():
            self._refuse(403, why)
            return
        token, path, query = _parts(self.path)
        if not hmac.compare_digest(token.encode(errors="replace"), self.server.token.encode()):
            self._refuse(403, "Open the address that `aesweep explore --serve` printed: it holds the token.")
            return
        found = self.server.find(path, query)
        if found is None:
            self._refuse(404, "Nothing is here.")
        else:
            self._send(found)

    def _refusal(self) -> str:
        """Why this request is not answered; "" if it may be."""
        hosts, origins = self.headers.get_all("Host", []), self.headers.get_all("Origin", [])
        if len(hosts) != 1 or not self.server.is_own_name(hosts[0]):
            return "The header Host names another server."
        if any(urlsplit(origin).netloc != hosts[0] for origin in origins):
            return "The header Origin names another site."
        return ""

    def _send(self, found: Answer) -> None:
        tag = f'"{found.tag or hashlib.sha256(found.body).hexdigest()[:32]}"'
        if self.headers.get("If-None-Match") == tag:
            self._head(304, {"ETag": tag})
            return
        headers, body = {"Content-Type": found.kind, "ETag": tag}, found.body
        if len(body) > WORTH_PACKING and not found.kind.startswith("image/") and self._takes_gzip():
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            body = gzip.compress(body, 1, mtime=0)
        self._head(200, {**headers, "Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _takes_gzip(self) -> bool:
        return "gzip" in self.headers.get("Accept-Encoding", "")

    def _refuse(self, code: int, why: str) -> None:
        body = f"{why}\n".encode()
        self.close_connection = True  # what else it sends, such as the body of a POST, is not read
        headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body)), "Connection": "close"}
        self._head(code, headers | ({"Allow": "GET, HEAD"} if code == 405 else {}))
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, code: int, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        policy = f"{self.server.policy}; frame-ancestors 'none'"
        for name, value in {**HEADERS, "Content-Security-Policy": policy, **headers}.items():
            self.send_header(name, value)
        self.end_headers()


def _parts(address: str) -> tuple[str, str, dict[str, str]]:
    """Token, path and query of a request; without a token if the address is malformed."""
    try:
        found = urlsplit(address)
        query = parse_qs(found.query)
    except ValueError:
        return "", "", {}
    _, token, path = [*unquote(found.path).split("/", 2), "", ""][:3]
    return token, path, {name: values[-1] for name, values in query.items()}


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
