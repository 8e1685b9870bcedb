"""An export on the Hugging Face Hub. The token is the one that `huggingface_hub` finds; it is never shown or kept."""

import re
from importlib.util import find_spec
from pathlib import Path

from aesweep.models.errors import InputError, one_line
from aesweep.sweep.export.folder import KEPT

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def require_hub(repository: str) -> None:
    """Raise `InputError` for what is no name of a repository, and where `huggingface_hub` is not installed."""
    if not _REPOSITORY.fullmatch(repository):
        raise InputError("--push", repository, "Give the name of a repository on the Hub, such as my-org/my-model.")
    if find_spec("huggingface_hub") is None:
        remedy = "huggingface_hub is not installed here. Run `pip install huggingface_hub`, or leave the option out."
        raise InputError("--push", repository, remedy)


def push(folder: Path, repository: str) -> str:
    """Upload a folder in one commit, and give its address. A repository that is new becomes a private one.

    Raises `InputError` where the Hub refuses or does not answer.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        address = api.create_repo(repository, private=True, exist_ok=True)
        api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            ignore_patterns=[f"{name}*" for name in KEPT],
            commit_message="Upload by aesweep export",
        )
    except (
        Exception
    ) as error:  # the library's own, those of its HTTP client, and of files: all of them are the Hub's answer
        said = one_line(" ".join(str(error).split())[:300])
        remedy = (
            f"The Hub refused it ({type(error).__name__}: {said}). "
            f"The export is in {folder}; log in with `hf auth login`, or upload it by hand."
        )
        raise InputError("--push", repository, remedy) from error
    return str(address)
