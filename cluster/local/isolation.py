"""What a local Ray is started with: a token of its own, and no variable that describes another Ray.

Problem: variables left from a cluster decide how any Ray starts. RAY_USE_TLS or RAY_REDIS_ADDRESS of a cluster make a local
one wait for minutes or end the process, and by default its token is kept in the home folder, which may not be writable.
Decision: while a local Ray starts, its processes see none of those variables and a new random token, in a file that only
this user can read. Variables that tune Ray (`RAY_memory_usage_threshold`, `RAY_TMPDIR`) stay, and a Ray that is joined is
joined by Ray's own rules.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray import _raylet

from aesweep.cluster.environment import ANOTHER_RAYS


@contextmanager
def own_token(folder: Path) -> Iterator[Path]:
    """The file of a new token, in `folder`; after the `with` block this process has forgotten the token."""
    path = folder / "token"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    try:
        yield path
    finally:
        _read_again()


@contextmanager
def isolated(token: Path) -> Iterator[None]:
    """Inside the `with` block, the environment holds no variable of another Ray and leads to the file of the token.

    The processes of a Ray that is started there inherit that.
    """
    given = {name: os.environ.pop(name) for name in ANOTHER_RAYS if name in os.environ}
    ours = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    os.environ.update(ours)
    _read_again()
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
        os.environ.update(given)


def _read_again() -> None:
    """Let Ray, which reads the environment once, read it again."""
    raylet: Any = _raylet  # compiled; its stub does not name these
    raylet.Config.initialize("")
    raylet.AuthenticationTokenLoader.instance().reset_cache()
