"""The images of a sweep, looked at before it starts: once for each data set, whatever the number of trials."""

from collections.abc import Iterable

from rich.console import Console

from models.config import TrialConfig
from models.datasets import check_source, data_name, is_prepared
from sweep.execution import ExecutionConfig
from sweep.work import data_source


def one_per_data_set(configs: Iterable[TrialConfig]) -> list[TrialConfig]:
    """A trial of each data set that these train on."""
    return list({data_name(config): config for config in configs}.values())


def check_images(configs: Iterable[TrialConfig], execution: ExecutionConfig) -> None:
    """Raise `InputError` for images that are not on this machine, saying how to get them. Reads none."""
    for config in configs:
        check_source(config, data_source(config, execution))


def prepare_images(configs: Iterable[TrialConfig], execution: ExecutionConfig, console: Console) -> None:
    """Prepare and check each data set now: an unreadable image is told before anything is recorded, and fails no trial."""
    from models.images import load_images

    for config in configs:
        source = data_source(config, execution)
        if not is_prepared(config, source):
            console.print(f"Preparing {data_name(config)} …", highlight=False)
        load_images(config, source, verify=True)
