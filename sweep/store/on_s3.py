"""Files of a store on S3, or another object store that pyarrow has a file system for.

There is no rename there and none is needed: an object appears whole, when its upload is completed, or not at all. What
pyarrow 26 does was measured against a real server (tests/sweep/store/test_on_s3.py):

* Leaving `with fs.open_output_stream(...)` by an exception publishes what was written so far. So the bytes are complete
  before the stream is opened, go into it in one call, and the stream is closed only when that call came back.
* Up to some 10 MB are one PUT (`allow_delayed_open`), more is a multipart upload. When one of its parts fails, a stream
  with background writes fails to close and publishes nothing; one without them completes the upload from its
  destructor, and the torn object appears. So background writes stay on.
* There is no PUT on condition through pyarrow, and S3 has it: botocore sends those of `commit` (`If-None-Match: *`) and
  `replace` (`If-Match` with the ETag of what was found), one request each. One whose answer was lost is sent again and
  refused; the bytes that are there then tell who wrote them.

Other object stores that pyarrow knows get the plain `commit` and `replace` of `Storage`: look, write, wait a moment and
read back whose bytes are there. There, two writers can both believe to have won when one of them stalls for longer than
`SETTLE_SECONDS` (docs/store.md).
"""
# ruff: noqa: D102 (`Storage` says what each method does)

import io
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qs, unquote, urlsplit
from zlib import crc32

import pyarrow as pa
from pyarrow import fs

from aesweep.models.errors import InputError
from aesweep.sweep.store.beneath import inside, most_bytes
from aesweep.sweep.store.storage import (
    BLOCK_BYTES,
    FOLDER,
    Item,
    Result,
    Storage,
    StorageError,
    digest_of,
    file_digest,
    joined,
    same_identity,
    sha256_of,
    version_of,
)

# The AWS SDK repeats a request that failed with 500, 503, a time-out or a lost connection, but not a download whose error
# is longer than the file (pyarrow 26 gives it a buffer of the file's size: "Failed to flush response stream"). So whole
# operations are repeated as well, with pauses of 0.5, 1, 2, 4 and 8 s between them: some 20 s of trouble pass unnoticed.
SDK_ATTEMPTS = 3
TRIES = 6
FIRST_PAUSE_SECONDS = 0.5
REQUEST_SECONDS = 30.0  # without one byte; the SDK's own 3 s give up on a busy server
CONNECT_SECONDS = 10.0
CONNECTIONS = 16
HINTS = {
    "NO_SUCH_BUCKET": "Create the bucket first, or correct its name.",
    "ACCESS_DENIED": "Give credentials that may read, write, list and delete there (AWS_ACCESS_KEY_ID …).",
    "INVALID_ACCESS_KEY_ID": "Give the right credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).",
    "SIGNATURE_DOES_NOT_MATCH": "Give the right credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).",
}
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")  # the first takes precedence
OTHERWISE = "Check the network and AWS_ENDPOINT_URL, then run the same command again; finished work is kept."


class ObjectStorage(Storage):
    """The objects below one URI. Every failure that outlasts the retries is a `StorageError` that names the store."""

    folder: Path | None = None
    look_seconds = 5.0
    keeps_files_whole = True

    def __init__(self, uri: str, mark: str = "", identity: bytes | None = None) -> None:
        """`mark` and `identity`: as of a `LocalStorage`, looked at before the first change and each one on condition."""
        self.root = uri.rstrip("/")
        self._fs, self._base = _file_system(self.root)
        self._mark = mark
        self.identity = identity
        self._was_asked = False

    def place(self, name: str = "") -> str:
        return f"{self.root.partition('?')[0]}/{inside(name)}".rstrip("/")

    def require_identity(self) -> None:
        self._check()

    def read(self, name: str) -> bytes | None:
        found = self._read(name)
        if name == self._mark:
            self.identity = self.identity or found
            self._was_asked = found is not None and found == self.identity
        return found

    def open(self, name: str) -> BinaryIO | None:
        with suppress(FileNotFoundError):
            file: Any = self._patiently(lambda: self._fs.open_input_file(self._path(name)))
            if file.size() <= most_bytes(name):
                return cast(BinaryIO, file)
            file.close()
            return io.BytesIO()
        return None

    def digest(self, name: str, most: int) -> tuple[str, int] | None:
        return self._patiently(lambda: super(ObjectStorage, self).digest(name, most))

    def exists(self, name: str) -> bool:
        return bool(self._info(name).type != fs.FileType.NotFound)

    def version(self, name: str) -> str | None:
        info = self._info(name)
        return version_of(info.size, info.mtime_ns) if info.is_file else None

    def names(self, name: str) -> list[str]:
        return sorted(info.base_name for info in self._list(name, recursive=False))

    def listing(self, folder: str, depth: int) -> dict[str, str]:
        found: dict[str, str] = {}
        inside_it: Counter[str] = Counter()  # sum over the files in a folder, whatever their order
        start = len(self._path(folder)) + 1
        for info in self._list(folder, recursive=True):
            words = info.path[start:].split("/")
            name = joined(folder, "/".join(words[:depth]))
            if len(words) > depth or (len(words) == depth and not info.is_file):
                found.setdefault(name, FOLDER)
                if len(words) == depth + 1 and info.is_file:
                    inside_it[name] += crc32(f"{words[-1]} {info.size}".encode())
            elif info.is_file:
                found[name] = version_of(info.size, info.mtime_ns)
        return found | {name: f"{FOLDER}-{files}" for name, files in inside_it.items()}

    def write(self, name: str, data: bytes) -> None:
        def write() -> None:
            stream = self._fs.open_output_stream(self._path(name))
            stream.write(data)
            stream.close()  # here it is published

        self._check(name)
        self._patiently(write)

    def make_folder(self, name: str) -> None:
        self._check(name)
        self._patiently(lambda: self._fs.create_dir(self._path(name), recursive=True))

    def remove(self, name: str) -> None:
        self._check(name)
        with suppress(FileNotFoundError):
            self._patiently(lambda: self._fs.delete_file(self._path(name)))

    def remove_folder(self, name: str) -> None:
        self._check(name)
        with suppress(FileNotFoundError):
            self._patiently(lambda: self._fs.delete_dir(self._path(name)))

    def commit(self, name: str, data: bytes) -> bool:
        self._check(name, again=True)
        if self._conditional is None:
            return super().commit(name, data)
        return self._put_if(name, data, {"IfNoneMatch": "*"})

    def replace(self, name: str, found: bytes, data: bytes | None) -> bool:
        if self._conditional is None or data is None:  # what is removed can be made again: nobody relies on it
            self._check(name, again=True)
            return super().replace(name, found, data)
        there, tag = self._read_tagged(name)
        if there != found:
            return False
        self._check(name, again=True)
        return self._put_if(name, data, {"IfMatch": tag})

    def exchange(self, name: str, found: str | None, file: BinaryIO) -> bool:
        self._check(name, again=True)
        if self._conditional is None:
            return super().exchange(name, found, file)
        if found is None:
            return self._put_if(name, file, {"IfNoneMatch": "*"})
        there, tag = self._tagged(name, lambda body, _: digest_of(body.iter_chunks(BLOCK_BYTES)))
        return there == found and self._put_if(name, file, {"IfMatch": tag})

    def temporary(self) -> list[str]:
        return []  # killed writers leave no objects; unfinished uploads are the bucket's life-cycle rule's to remove

    def append(self, name: str, text: str) -> bool:
        return False

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return list(pool.map(function, items))

    def _check(self, name: str = "", again: bool = False) -> None:
        """Raise `OtherStoreError` where another store, or none, is here; `again`: also if that was asked before.

        pyarrow reads with two requests. A commit may cost only one more, and needs the other client in any case.
        """
        if self._mark in ("", name) or (self._was_asked and not again):
            return
        by_client = again and self._conditional is not None
        found = self._read_tagged(self._mark)[0] if by_client else self._read(self._mark)
        self.identity = same_identity(self.place(), self.identity, found)
        self._was_asked = True

    def _read(self, name: str) -> bytes | None:
        def read() -> bytes:
            with self._fs.open_input_file(self._path(name)) as file:
                return bytes(file.read()) if file.size() <= most_bytes(name) else b""

        with suppress(FileNotFoundError):
            return self._patiently(read)
        return None

    def _read_tagged(self, name: str) -> tuple[bytes | None, str]:
        """The bytes of an object with its ETag, in one request."""
        return self._tagged(name, lambda body, size: body.read() if size <= most_bytes(name) else b"")

    @cached_property
    def _conditional(self) -> Any:
        """A client that can write on condition, as pyarrow cannot; None for what is not S3."""
        return _conditional_client(self.root, self._fs.region) if isinstance(self._fs, fs.S3FileSystem) else None

    def _place(self, name: str) -> dict[str, str]:
        bucket, _, key = self._path(name).partition("/")
        return {"Bucket": bucket, "Key": key}

    def _put_if(self, name: str, data: bytes | BinaryIO, condition: Mapping[str, str]) -> bool:
        def put() -> bool:
            if not isinstance(data, bytes):
                data.seek(0)
            try:
                self._conditional.put_object(**self._place(name), Body=data, **condition)
            except Exception as error:
                # 404: `If-Match` on what has gone. What is there is ours where the answer to an earlier try was lost.
                if _status(error) in (404, 412):
                    mine = digest_of([data]) if isinstance(data, bytes) else file_digest(data)
                    return sha256_of(self.digest(name, most_bytes(name))) == mine
                raise _as_os_error(error) from error
            return True

        return self._patiently(put)

    def _tagged(self, name: str, use: Callable[[Any, int], Result]) -> tuple[Result | None, str]:
        """What `use` makes of an object, which it is given as a stream and its length, and the ETag; None without one."""

        def get() -> tuple[Result | None, str]:
            try:
                found = self._conditional.get_object(**self._place(name))
                return use(found["Body"], found["ContentLength"]), found["ETag"]
            except Exception as error:
                if _status(error) == 404:
                    return None, ""
                raise _as_os_error(error) from error

        return self._patiently(get)

    def _path(self, name: str) -> str:
        return f"{self._base}/{inside(name)}".rstrip("/")

    def _info(self, name: str) -> fs.FileInfo:
        return self._patiently(lambda: self._fs.get_file_info(self._path(name)))

    def _list(self, name: str, recursive: bool) -> list[fs.FileInfo]:
        selector = fs.FileSelector(self._path(name), recursive=recursive, allow_not_found=True)
        found: list[fs.FileInfo] = self._patiently(lambda: self._fs.get_file_info(selector))
        return found

    def _patiently(self, function: Callable[[], Result]) -> Result:
        """`function`, again after each failure that may pass; all of ours can be repeated. A missing file is told so."""
        pause = FIRST_PAUSE_SECONDS
        for left in reversed(range(TRIES)):
            try:
                return function()
            except StorageError:  # of an operation within this one, which was repeated already
                raise
            except (OSError, pa.ArrowException) as error:
                if isinstance(error, FileNotFoundError) and "NO_SUCH_BUCKET" not in str(error):
                    raise
                if not left or any(code in str(error) for code in HINTS):
                    raise self._failed(error) from error
            time.sleep(pause)
            pause *= 2
        raise AssertionError("unreachable")

    def _failed(self, error: Exception) -> StorageError:
        said = " ".join(str(error).split())
        hint = next((hint for code, hint in HINTS.items() if code in said), OTHERWISE)
        return StorageError(self.place(), f"{said[:300]}. {hint}")


def _file_system(uri: str) -> tuple[fs.FileSystem, str]:
    """The file system of a URI and the root's path on it. Raises `InputError` for a URI that pyarrow does not know."""
    _refuse_passwords(uri)
    try:
        known, path = fs.FileSystem.from_uri(uri)
        if not isinstance(known, fs.S3FileSystem):
            return known, path.rstrip("/")
        return fs.S3FileSystem(**_s3_options(uri, known.region)), path.rstrip("/")
    except (OSError, ValueError) as error:
        said = " ".join(str(error).split())[:300]
        remedy = f"{said}. Give a path or a URI such as s3://bucket/folder (docs/operations.md)."
        raise InputError("--store", uri, remedy) from error


def _refuse_passwords(uri: str) -> None:
    """Raise `InputError` for one in a URI or a server's URL: they are shown, and are in command lines that all may read."""
    parts = urlsplit(uri)
    texts = {"--store": parts.netloc + unquote(parts.query)}
    for field, text in (texts | {name: os.environ.get(name, "") for name in ENDPOINTS}).items():
        if "@" in text:
            remedy = "Take it out, and give credentials in AWS_ACCESS_KEY_ID and the like instead."
            raise InputError(field, "a URI with a password", remedy)


def _conditional_client(uri: str, region: str) -> Any:
    """A client of the same store, with the same credentials, that repeats nothing by itself."""
    import botocore.config
    import botocore.session

    options = _s3_options(uri, region)
    host = options.get("endpoint_override")
    config = botocore.config.Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=REQUEST_SECONDS,
        retries={"total_max_attempts": 1},
        max_pool_connections=CONNECTIONS,
        s3={"addressing_style": "path"} if host else {},  # as pyarrow addresses it
        request_checksum_calculation="when_required",  # other servers than Amazon's know no others
        response_checksum_validation="when_required",
    )
    endpoint = f"{options['scheme']}://{host}" if host else None
    return botocore.session.Session().create_client("s3", region, endpoint_url=endpoint, config=config)


def _status(error: Exception) -> int:
    """The HTTP status that a request was refused with, 0 where it was not answered."""
    answer = getattr(error, "response", None) or {}
    return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _as_os_error(error: Exception) -> OSError:
    """An error of botocore as pyarrow tells it, with the words that `HINTS` knows."""
    code = str((getattr(error, "response", None) or {}).get("Error", {}).get("Code", ""))
    word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", code).upper()
    return OSError(f"When writing on condition: AWS Error {word or 'NETWORK_CONNECTION'}: {error}")


def _s3_options(uri: str, region: str) -> Mapping[str, Any]:
    """What `from_uri` takes from a URI and the environment, with our retries, time limits and kind of writing."""
    query = {name: values[-1] for name, values in parse_qs(urlsplit(uri).query).items()}
    named = (query.get("endpoint_override"), *(os.environ.get(name) for name in ENDPOINTS))
    endpoint = next(filter(None, named), "")
    scheme, _, host = endpoint.rpartition("://")
    options: dict[str, Any] = {
        "region": region,
        "retry_strategy": fs.AwsStandardS3RetryStrategy(max_attempts=SDK_ATTEMPTS),
        "request_timeout": REQUEST_SECONDS,
        "connect_timeout": CONNECT_SECONDS,
        "allow_delayed_open": True,
        "background_writes": True,
    }
    if host:
        options |= {"endpoint_override": host, "scheme": query.get("scheme") or scheme or "https"}
    return options
