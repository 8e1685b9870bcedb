"""The storage behind a path or a URI."""

import re
from pathlib import Path

from aesweep.models.errors import InputError
from aesweep.sweep.spec.execution import absolute
from aesweep.sweep.store.storage import Storage


def open_storage(address: str | Path, mark: str = "") -> Storage:
    """The storage at a path, or at a URI that pyarrow knows (`s3://bucket/folder`, `gs://…`, `file:///…`).

    `mark` names a file without which nothing else is written on a path: the folder has gone then.
    Nothing is read or written yet. Raises `InputError` for a URI that cannot be understood.
    """
    from aesweep.sweep.store.on_disk import LocalStorage

    text = str(address)
    if not text or "\0" in text:
        raise InputError("--store", text, "Give a folder or a URI.")
    if "://" not in text:
        if re.match(r"(s3|gs|gcs|abfss?):/", text):  # what pathlib makes of a URI
            raise InputError("--store", text, "Give a URI as text with two slashes, such as s3://bucket/folder.")
        return LocalStorage(absolute(text, "--store"), mark)
    if text.startswith("file://"):
        path = re.sub(r"^file://(localhost(?=/))?", "", text)
        if not path.startswith("/"):
            raise InputError("--store", text, "Give a path, or file:// and an absolute path: file:///shared/runs.")
        return LocalStorage(absolute(path, "--store"), mark)
    from aesweep.sweep.store.on_s3 import ObjectStorage  # pyarrow.fs only where a URI is given

    return ObjectStorage(text)
