"""The form of a Ray address, and whether a head answers there. Imports no Ray: a launch refuses a wrong one at once."""

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

from aesweep.cluster.errors import ClusterError

REACH_SECONDS = 5.0  # for the head to answer
# RFC 9113: the client's preface and an empty SETTINGS frame; the server's first frame must be SETTINGS too.
HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
HTTP2_HEADER_BYTES = 9
HTTP2_SETTINGS = b"\x04"  # the type, fourth byte of a frame
TLS_ALERT = b"\x15"  # RFC 8446: the type, first byte of a record


def check_address(address: str) -> None:
    """Raise `ClusterError` unless the address is `local`, `auto` or reads HOST:PORT; whether anyone is there is not asked."""
    if address not in ("local", "auto") and not _is_host_and_port(address):
        remedy = "Give local, auto, or HOST:PORT of the head (`ray start --head` uses port 6379)."
        raise ClusterError("--address", address, remedy)


def check_ray_address() -> None:
    """Raise `ClusterError` unless RAY_ADDRESS, where `--address auto` goes if it is set, leads to a Ray."""
    given = os.environ.get("RAY_ADDRESS", "")
    if given in ("", "auto"):
        return
    if not _is_host_and_port(given):
        remedy = (
            "With --address auto it must be HOST:PORT of the head. Correct it, or unset it to use this machine's Ray."
        )
        raise ClusterError("RAY_ADDRESS", given, remedy)
    require_head("RAY_ADDRESS", given, given)


def require_answer(address: str) -> None:
    """Raise `ClusterError` where no head answers at HOST:PORT, before Ray is loaded; a Ray in use is used whatever the address."""
    ray = sys.modules.get("ray")
    if address not in ("local", "auto") and (ray is None or not ray.is_initialized()):
        require_head("--address", address, address)


def require_head(field: str, value: str, head: str) -> None:
    """Raise `ClusterError` unless a server that speaks as Ray's head does (HTTP/2) listens at `head`, HOST:PORT.

    Ray itself tries for some four minutes and then says less. `field` and `value` name what led to `head`. Of a head that
    uses TLS, as RAY_USE_TLS says, no more is known than that it does.
    """
    tls = os.environ.get("RAY_USE_TLS", "")
    wants_tls = tls.lower() in ("1", "true")
    try:
        answer = _answer(head, must_come=not wants_tls)
    except (OSError, ValueError) as error:
        way_out = f"Start one with: ray start --head --port={head.rpartition(':')[2]}"
        if field == "RAY_ADDRESS":
            way_out = "Correct the variable, unset it to use this machine's Ray, or use --address local."
        raise ClusterError(field, value, f"No Ray cluster can be reached there ({error}). {way_out}") from error
    speaks_plainly = answer[3:4] == HTTP2_SETTINGS
    if wants_tls and speaks_plainly:
        raise ClusterError("RAY_USE_TLS", tls, f"The Ray at {head} does not use TLS. Unset the variable.")
    if answer[:1] == TLS_ALERT and not wants_tls:
        remedy = (
            f"What answers at {head} uses TLS. If it is a Ray head, set RAY_USE_TLS=1 and the RAY_TLS_… of its cluster."
        )
        raise ClusterError(field, value, remedy)
    if not wants_tls and not speaks_plainly:
        raise ClusterError(field, value, f"What answers at {head} is no Ray head (its port is 6379 by default).")


def require_own(head: str) -> None:
    """Raise `ClusterError` unless a Ray that this user or root runs on this machine belongs to the head.

    `auto` finds what any process here says of itself, or a file that anybody may have made. Who joined the Ray of another
    user would show them the token, and run what they send.
    """
    owners = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            words = (process / "cmdline").read_bytes().replace(b" ", b"\0").split(b"\0")
            if f"--gcs-address={head}".encode() in words:
                owners.add(process.stat().st_uid)
    if not owners & {0, os.geteuid()}:
        remedy = f"It leads to {head}, and no Ray of yours on this machine belongs to that. If you trust it: --address {head}"
        raise ClusterError("--address", "auto", remedy)


def _answer(head: str, must_come: bool) -> bytes:
    """The first bytes that a server says to a client of HTTP/2 without TLS. Raises `OSError` where there is no server."""
    host, _, port = head.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_SECONDS) as link:
        try:
            link.sendall(HTTP2_HELLO)
            return link.recv(HTTP2_HEADER_BYTES)
        except OSError:
            if must_come:
                raise
            return b""


def _is_host_and_port(address: str) -> bool:
    host, _, port = address.rpartition(":")
    return "://" not in address and _is_host(host) and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536


def _is_host(host: str) -> bool:
    """Whether a name can be looked up: `socket` gives a UnicodeError for empty parts and for parts of more than 63 letters."""
    try:
        return bool(host.strip("[]").encode("idna"))
    except UnicodeError:
        return False
