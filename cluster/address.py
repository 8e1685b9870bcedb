"""The form of a Ray address, and whether a head answers there. Imports no Ray: a launch refuses a wrong one at once."""

import os
import socket

from aesweep.cluster.errors import ClusterError

REACH_SECONDS = 5.0  # for the head to answer
# RFC 9113: the client's preface and an empty SETTINGS frame; the server's first frame must be SETTINGS too.
HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
HTTP2_HEADER_BYTES = 9
HTTP2_SETTINGS = b"\x04"  # the type, fourth byte of a frame


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


def require_head(field: str, value: str, head: str) -> None:
    """Raise `ClusterError` unless a server that speaks as Ray's head does (HTTP/2) listens at `head`, HOST:PORT.

    Ray itself tries for some four minutes and then says less. `field` and `value` name what led to `head`.
    """
    host, _, port = head.rpartition(":")
    way_out = f"Start one with: ray start --head --port={port}"
    if field == "RAY_ADDRESS":
        way_out = "Correct the variable, unset it to use this machine's Ray, or use --address local."
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_SECONDS) as link:
            if os.environ.get("RAY_USE_TLS", "0") != "0":
                return
            link.sendall(HTTP2_HELLO)
            answer = link.recv(HTTP2_HEADER_BYTES)
    except (OSError, ValueError) as error:
        raise ClusterError(field, value, f"No Ray cluster can be reached there ({error}). {way_out}") from error
    if answer[3:4] != HTTP2_SETTINGS:
        raise ClusterError(field, value, f"What answers at {head} is no Ray head (its port is 6379 by default).")


def _is_host_and_port(address: str) -> bool:
    host, _, port = address.rpartition(":")
    return "://" not in address and _is_host(host) and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536


def _is_host(host: str) -> bool:
    """Whether a name can be looked up: `socket` gives a UnicodeError for empty parts and for parts of more than 63 letters."""
    try:
        return bool(host.strip("[]").encode("idna"))
    except UnicodeError:
        return False
