"""What /proc says of processes: their state, what they started, and the sockets that they listen on."""

import ipaddress
import os
from collections.abc import Iterable
from pathlib import Path


def stat(pid: int) -> list[str]:
    """State, parent and the rest of /proc/PID/stat; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def is_running(pid: int) -> bool:
    fields = stat(pid)
    return bool(fields) and fields[0] not in "ZX"


def family(root: int) -> set[int]:
    """A process, its children, their children, and so on."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and (fields := stat(int(folder.name))):
            parents[int(folder.name)] = int(fields[1])
    found = {root}
    while new := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= new
    return found


def listening(pids: Iterable[int]) -> dict[str, str]:
    """Address and port -> process name, of every TCP socket that these processes listen on (from /proc)."""
    owners: dict[str, str] = {}
    for pid in pids:
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            links = [os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")]
        except OSError:  # it has ended
            continue
        owners |= {link[8:-1]: f"{name} ({pid})" for link in links if link.startswith("socket:[")}
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in owners:  # 0A: listening
                address, port = words[1].split(":")
                found[f"{_address(address)} {int(port, 16)}"] = owners[words[9]]
    return found


def _address(text: str) -> str:
    """/proc writes addresses as 32-bit words in the machine's byte order."""
    data = b"".join(bytes.fromhex(text[i : i + 8])[::-1] for i in range(0, len(text), 8))
    address = ipaddress.ip_address(data)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
