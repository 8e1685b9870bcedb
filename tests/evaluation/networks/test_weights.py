"""Finding, checking and fetching the Inception weights. The real file is not needed: a small file with its own hash plays it."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from aesweep.evaluation.extractor_descriptions import EXTRACTORS
from aesweep.evaluation.networks.weights import (
    INCEPTION_BYTES,
    INCEPTION_FILE,
    RANDOM_CONV_SHA256,
    check_weights,
    fetch_inception,
    inception_path,
    resolve_extractor,
)
from aesweep.models.errors import InputError

CONTENT = b"weights of a network" * 1000
EXPECTED: dict[str, Any] = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "size": len(CONTENT)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with the right file."""
    inception_path(tmp_path).write_bytes(CONTENT)
    return tmp_path


def test_the_right_file_passes(folder: Path) -> None:
    check_weights(inception_path(folder), **EXPECTED)


def test_a_missing_file_names_the_command_that_brings_it(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        check_weights(inception_path(tmp_path))
    assert "is missing" in str(caught.value)
    assert f"aesweep fetch inception --to {tmp_path}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2


def test_a_truncated_file_is_refused_by_its_size(folder: Path) -> None:
    path = inception_path(folder)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(InputError, match="has 19,999 bytes instead of 20,000"):
        check_weights(path, **EXPECTED)


def test_a_file_of_the_right_size_with_another_content_is_refused(folder: Path) -> None:
    path = inception_path(folder)
    check_weights(path, **EXPECTED)  # the good file's hash is remembered, and must not vouch for the next one
    path.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(InputError, match="SHA-256"):
        check_weights(path, **EXPECTED)


def test_auto_takes_inception_where_its_file_lies(folder: Path) -> None:
    assert resolve_extractor("auto", folder, **EXPECTED) == ("inception-2015", EXPECTED["sha256"])


def test_auto_takes_the_random_network_where_there_is_no_file(tmp_path: Path) -> None:
    assert resolve_extractor("auto", tmp_path) == ("random-conv-64", RANDOM_CONV_SHA256)
    assert resolve_extractor("auto", tmp_path / "no folder") == ("random-conv-64", RANDOM_CONV_SHA256)


def test_auto_never_steps_down_silently_from_a_wrong_file(folder: Path) -> None:
    with pytest.raises(InputError, match=f"instead of {INCEPTION_BYTES:,}"):
        resolve_extractor("auto", folder)


def test_auto_refuses_a_broken_link(tmp_path: Path) -> None:
    inception_path(tmp_path).symlink_to(tmp_path / "unmounted")
    with pytest.raises(InputError, match="is missing"):
        resolve_extractor("auto", tmp_path)


def test_inception_by_name_needs_its_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing"):
        resolve_extractor("inception-2015", tmp_path)


def test_the_random_network_by_name_ignores_the_file(folder: Path) -> None:
    assert resolve_extractor("random-conv-64", folder) == ("random-conv-64", RANDOM_CONV_SHA256)


def test_an_unknown_extractor_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="auto, inception-2015, random-conv-64"):
        resolve_extractor("vgg", tmp_path)


def test_fetching_checks_the_download_and_moves_it_into_place(tmp_path: Path) -> None:
    source = tmp_path / "server" / "file"
    source.parent.mkdir()
    source.write_bytes(CONTENT)
    path = fetch_inception(tmp_path / "data", source.as_uri(), **EXPECTED)
    assert path == tmp_path / "data" / INCEPTION_FILE
    assert path.read_bytes() == CONTENT
    source.unlink()  # a second call finds the file and asks no server
    assert fetch_inception(tmp_path / "data", source.as_uri(), **EXPECTED) == path


@pytest.mark.parametrize("served", [CONTENT[:500], b"<html>busy</html>", CONTENT[:-1] + b"!", None])
def test_a_failed_download_leaves_nothing_behind(tmp_path: Path, served: bytes | None) -> None:
    source = tmp_path / "file"
    if served is not None:
        source.write_bytes(served)
    with pytest.raises(InputError) as caught:
        fetch_inception(tmp_path / "data", source.as_uri(), **EXPECTED)
    assert str(tmp_path / "data" / INCEPTION_FILE) in caught.value.remedy
    assert list((tmp_path / "data").iterdir()) == []


def test_the_words_for_what_a_network_sees_have_the_numbers_of_its_code() -> None:
    from aesweep.evaluation.networks import dinov2, inception

    inception_2015, dinov2_large = (EXTRACTORS.get(name).preparation for name in ("inception-2015", "dinov2-vit-l-14"))
    assert inception_2015.startswith(f"{inception.INPUT_SIDE} px, bilinear as in TensorFlow 1")
    assert f"(x - {inception.CENTRE:g}) / {inception.SCALE:g}" in inception_2015
    assert dinov2_large.startswith(f"{dinov2.INPUT_SIDE} px, bilinear as in TensorFlow 1")
