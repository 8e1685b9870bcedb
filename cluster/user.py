"""What libraries ask of a user: a name, and a home folder for their caches that nobody else writes to.

Problem: a container often runs under a user id without an entry in passwd, without HOME, or with a HOME that is read-only.
torch asks for the user's name when a process makes its first optimizer, Tune for the home when it is imported, Triton
compiles into the home, and matplotlib keeps its list of fonts there. `torch.compile` compiles into
/tmp/torchinductor_<name>, which another user can make first, and runs what it finds there.
Decision: where one of them is missing or not private, set the variable that those libraries read. What is set stays as it is.
Consequence: the driver and each worker call this before they import such a library; a worker may run on another machine,
under another user id.
"""

import getpass
import os
import stat
import tempfile
from pathlib import Path

from aesweep.cluster.temporary import exchangeable_part, find_folder


def complete_environment() -> None:
    """Set LOGNAME and USER where this user has no name, HOME where there is no home, and the folders of compiled code.

    TORCHINDUCTOR_CACHE_DIR is below the home. Where the home cannot be written to, or others may write to it, that, TRITON_HOME
    and MPLCONFIGDIR are in a private folder. Raises `ClusterError` where none can be made.
    """
    try:
        getpass.getuser()
    except (KeyError, OSError):  # OSError since Python 3.13
        os.environ.update(LOGNAME=str(os.getuid()), USER=str(os.getuid()))
    try:
        home = Path.home()
    except RuntimeError:
        home = _private_folder()
        os.environ["HOME"] = str(home)
    caches = home / ".cache"
    if not os.access(home, os.W_OK | os.X_OK) or _is_shared(home):
        caches = _private_folder()
        for name in ("TRITON_HOME", "MPLCONFIGDIR"):
            os.environ.setdefault(name, str(caches))
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(caches / "torchinductor"))


def _is_shared(home: Path) -> bool:
    """Whether another user could put files into the home (HOME=/tmp), or another home into its place."""
    others_may_write = home.stat().st_mode & stat.S_IWOTH
    return bool(others_may_write) or exchangeable_part(home) is not None


def _private_folder() -> Path:
    """A folder for this user's caches among the temporary files: code in a cache is run, so nobody else may write there."""
    prefix, parent = f"aesweep-{os.getuid()}-", Path(tempfile.gettempdir())
    if exchangeable_part(parent):
        parent = find_folder()
    ours = filter(_is_private, sorted(parent.glob(f"{prefix}*")))
    return next(ours, None) or Path(tempfile.mkdtemp(prefix=prefix, dir=parent))


def _is_private(folder: Path) -> bool:
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
