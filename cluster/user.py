"""What libraries ask of a user: a name, and a home folder that can be written to.

Problem: a container often runs under a user id without an entry in passwd, without HOME, or with a HOME that is read-only.
torch asks for the user's name when a process makes its first optimizer, Tune for the home when it is imported, Triton
compiles into the home, and matplotlib keeps its list of fonts there.
Decision: where one of them is missing, set the variable that those libraries read. What is set stays as it is.
Consequence: the driver and each worker call this before they import such a library; a worker may run on another machine,
under another user id.
"""

import getpass
import os
import stat
import tempfile
from pathlib import Path


def complete_environment() -> None:
    """Set LOGNAME and USER where this user has no name, and HOME where there is no home.

    Where the home cannot be written to, set TRITON_HOME and MPLCONFIGDIR.
    """
    try:
        getpass.getuser()
    except (KeyError, OSError):  # OSError since Python 3.13
        os.environ.update(LOGNAME=str(os.getuid()), USER=str(os.getuid()))
    try:
        home = Path.home()
    except RuntimeError:
        os.environ["HOME"] = _private_folder()
    else:
        if not os.access(home, os.W_OK | os.X_OK):
            folder = _private_folder()
            for name in ("TRITON_HOME", "MPLCONFIGDIR"):
                os.environ.setdefault(name, folder)


def _private_folder() -> str:
    """A folder for this user's caches among the temporary files: code in a cache is run, so nobody else may write there."""
    prefix = f"aesweep-{os.getuid()}-"
    ours = filter(_is_private, sorted(Path(tempfile.gettempdir()).glob(f"{prefix}*")))
    return str(next(ours, None) or tempfile.mkdtemp(prefix=prefix))


def _is_private(folder: Path) -> bool:
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
