"""Zip files whose content nobody vouches for: opened only where nothing in them is larger than the file itself.

Checkpoints and arrays are zip files whose parts are stored as they are. Another's may be compressed (some kilobytes stand
for ten gigabytes), may let a thousand parts share the same bytes, or list a million of them.
"""

import io
import zipfile
from typing import BinaryIO

MOST_LISTED_BYTES = 4_000_000
"""Limit of the list of parts; one takes about a hundred."""


class _Limited(io.RawIOBase):
    """A file that is read in small pieces only."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            here = self._file.tell()
            size = self._file.seek(0, io.SEEK_END) - here
            self._file.seek(here)
        if size > MOST_LISTED_BYTES:
            raise zipfile.BadZipFile(f"a piece of {size:,} bytes")
        return self._file.read(size)


def require_sound_zip(file: BinaryIO) -> None:
    """Compare every checksum of a zip file, in memory of a few megabytes. Raises ValueError where it is not as ours are."""
    size = file.seek(0, io.SEEK_END)
    try:
        with zipfile.ZipFile(_Limited(file)) as archive:
            parts = archive.infolist()
            if any(part.compress_type != zipfile.ZIP_STORED or part.flag_bits & 1 for part in parts):
                raise ValueError("its parts are compressed")
            if any(part.file_size != part.compress_size for part in parts) or sum(p.file_size for p in parts) > size:
                raise ValueError("its parts are larger than the file")
            if (damaged := archive.testzip()) is not None:
                raise ValueError(f"the checksum of {damaged!r} differs")
    except (zipfile.BadZipFile, OSError, RuntimeError, EOFError, NotImplementedError, OverflowError) as error:
        raise ValueError(f"it is no sound zip file: {error}") from error
    finally:
        file.seek(0)
