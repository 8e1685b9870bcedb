"""The form of a Ray address. Imports no Ray, so that a launch can refuse a misspelt one before it does anything."""

from aesweep.cluster.errors import ClusterError


def check_address(address: str) -> None:
    """Raise `ClusterError` unless the address is `local`, `auto` or reads HOST:PORT; whether anyone is there is not asked."""
    if address in ("local", "auto"):
        return
    host, _, port = address.rpartition(":")
    if "://" in address or not _is_host(host) or not port.isdecimal() or len(port) > 5 or not 0 < int(port) < 65536:
        remedy = "Give local, auto, or HOST:PORT of the head (`ray start --head` uses port 6379)."
        raise ClusterError("--address", address, remedy)


def _is_host(host: str) -> bool:
    """Whether a name can be looked up: `socket` gives a UnicodeError for empty parts and for parts of more than 63 letters."""
    try:
        return bool(host.strip("[]").encode("idna"))
    except UnicodeError:
        return False
