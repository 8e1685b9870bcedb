"""The server of the page answers those who have its address, from a browser that is on its own page, and only to read."""

import gzip
import http.client
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from aesweep.analysis.explore.page import policy
from aesweep.analysis.explore.server import Answer, Server

TEXT = Answer("text/plain", b"the page")
LONG = Answer("application/json", b"[" + b"1," * 5000 + b"1]", "tag")
Response = tuple[int, Mapping[str, str], bytes]


def find(path: str, query: Mapping[str, str]) -> Answer | None:
    if path == "broken":
        raise OSError("the secret of the store")
    return {"": TEXT, "long.json": LONG}.get(path)


@contextmanager
def served(host: str = "127.0.0.1") -> Iterator[Server]:
    with Server(host, 0, find, policy(live=True)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served() as one:
        yield one


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> Response:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=20)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, dict(answer.headers), answer.read()
    connection.close()
    return found


def test_the_printed_address_shows_the_page_with_a_policy_that_lets_no_other_script_run(server: Server) -> None:
    assert server.url == f"http://127.0.0.1:{server.server_address[1]}/{server.token}/"
    code, headers, body = ask(server, f"/{server.token}/")
    assert (code, body) == (200, b"the page")
    rules = headers["Content-Security-Policy"]
    assert "default-src 'none'" in rules and "frame-ancestors 'none'" in rules and "unsafe" not in rules
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")


@pytest.mark.parametrize("path", ["/", "/long.json", "//", "/wrong/", "/wrong/long.json", "/%00/", "/%c3%a9/", "/%ff/"])
def test_without_the_token_nothing_is_shown(server: Server, path: str) -> None:
    code, _, body = ask(server, path)
    assert code == 403 and b"token" in body and b"the page" not in body


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil", "192.168.1.5", "[::2]", ""]
)
def test_a_request_for_another_host_is_refused(server: Server, host: str) -> None:
    assert ask(server, f"/{server.token}/", Host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:9000", "127.0.0.1:1", "[::1]:8000"])
def test_a_tunnel_from_another_port_works(server: Server, host: str) -> None:
    assert ask(server, f"/{server.token}/", Host=host)[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil", "http://127.0.0.1:1", ""])
def test_a_request_from_another_origin_is_refused(server: Server, origin: str) -> None:
    assert ask(server, f"/{server.token}/", Origin=origin)[0] == 403


def test_a_request_of_the_page_itself_is_answered(server: Server) -> None:
    own = f"127.0.0.1:{server.server_address[1]}"
    assert ask(server, f"/{server.token}/", Host=own, Origin=f"http://{own}")[0] == 200


@pytest.mark.parametrize(
    "request_line", ["GET /{} HTTP/1.1\r\nHost: localhost\r\nHost: evil.example", "GET /{} HTTP/1.1\r\nX: y"]
)
def test_two_hosts_or_none_are_refused(server: Server, request_line: str) -> None:
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=20) as connection:
        connection.sendall(f"{request_line.format(server.token + '/')}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 403")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
def test_other_methods_than_get_and_head_are_refused(server: Server, method: str) -> None:
    code, headers, body = ask(server, f"/{server.token}/", method)
    assert (code, headers["Allow"]) == (405, "GET, HEAD") and b"the page" not in body


def test_head_gives_no_body_and_what_is_not_there_is_not_found(server: Server) -> None:
    assert ask(server, f"/{server.token}/", "HEAD")[::2] == (200, b"")
    for path in ("nothing", "../../etc/passwd", "%2e%2e/x", "[", "?" + "a=" * 100):
        assert ask(server, f"/{server.token}/{path}")[0] in (200 if path[0] == "?" else 404, 404)


def test_what_has_not_changed_is_not_sent_again(server: Server) -> None:
    code, headers, _ = ask(server, f"/{server.token}/long.json")
    assert (code, headers["ETag"]) == (200, '"tag"')
    code, _, body = ask(server, f"/{server.token}/long.json", **{"If-None-Match": headers["ETag"]})
    assert (code, body) == (304, b"")


def test_long_answers_are_packed_where_the_browser_unpacks_them(server: Server) -> None:
    _, headers, body = ask(server, f"/{server.token}/long.json", **{"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip" and len(body) < 500 and gzip.decompress(body) == LONG.body
    assert ask(server, f"/{server.token}/long.json")[2] == LONG.body


def test_trouble_with_the_store_is_told_in_the_terminal_and_not_to_the_browser(
    server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    code, _, body = ask(server, f"/{server.token}/broken")
    assert code == 500 and b"secret" not in body
    assert "OSError: the secret of the store" in capfd.readouterr().err


def test_a_server_for_the_network_takes_its_own_names_and_numbers_and_no_other_names() -> None:
    with served("0.0.0.0") as server:
        assert socket.gethostname() in server.url
        for host, code in {
            socket.gethostname(): 200,
            "192.168.1.5:80": 200,
            "localhost": 200,
            "evil.example": 403,
        }.items():
            assert ask(server, f"/{server.token}/", Host=host)[0] == code, host
