"""`evaluate`, `sample`: more scores and pictures from models that are already trained."""

from pathlib import Path
from typing import Annotated

import typer

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.descriptions import METRICS
from aesweep.evaluation.extractor_descriptions import EXTRACTORS
from aesweep.evaluation.prior_descriptions import PRIORS
from aesweep.models.errors import InputError
from aesweep.sweep.commands import options
from aesweep.sweep.commands.options import argument, option
from aesweep.sweep.evaluating import evaluate as run_evaluate
from aesweep.sweep.store.store import open_store


def evaluate(
    store: options.StoreArgument,
    evaluation: Annotated[
        str | None,
        option(metavar="NAME", help="Score as in this evaluation: its name or id, or the beginning of one (`status`)."),
    ] = None,
    metrics: Annotated[
        str | None, option(metavar="A,B", help=f"What to measure: {', '.join(METRICS.names())}.")
    ] = None,
    sampling_seeds: Annotated[
        str | None,
        option("--sampling-seeds", metavar="0..4", help="Seeds of the samples, one score per seed and prior."),
    ] = None,
    samples: Annotated[int | None, option(min=2, help="Images drawn from each prior.")] = None,
    extractor: Annotated[str | None, option(help=f"auto, {', '.join(EXTRACTORS.names())}.")] = None,
    overrides: Annotated[
        list[str] | None,
        option("--set", metavar="K=V", help="Change a field of evaluation or execution: --set gmm_components=100"),
    ] = None,
    only: options.Only = None,
    every: options.EverySpec = False,
    address: options.Address = "local",
    retry_failed: options.RetryFailed = False,
    data: options.StoredData = None,
    images: options.Images = None,
    also: options.Also = False,
    plugins: options.Plugins = None,
    dry_run: Annotated[bool, option("--dry-run", help="Only show what it would add.")] = False,
    seeds: Annotated[str | None, option("--seeds", hidden=True, help="--sampling-seeds until aesweep 0.1.")] = None,
) -> None:
    """Score the trained trials of a store in another way, without retraining. Says first what it adds and what that costs.

    Whatever you do not set is taken from the store's latest spec, or from the evaluation that you name.
    Example:  aesweep evaluate runs/quickstart --sampling-seeds 0..4
    """
    from aesweep.sweep.spec.fields import read_settings  # pydantic from here on
    from aesweep.sweep.spec.overrides import refuse_given, require_scoring

    if seeds is not None and sampling_seeds is not None:
        raise InputError("--seeds", seeds, "It is the old name of --sampling-seeds, which you also gave. Leave it out.")
    sampling_seeds = seeds if sampling_seeds is None else sampling_seeds
    options_given = {"metrics": metrics, "sampling_seeds": sampling_seeds, "samples": samples, "extractor": extractor}
    given = {name: value for name, value in options_given.items() if value is not None}
    require_scoring(overrides or [])
    refuse_given(overrides or [], {name: f"--{name.replace('_', '-')}" for name in given})
    try:
        changes = read_settings("evaluation", given)
        extractor = changes.pop("extractor", None)
        EvaluationConfig(**changes)
    except InputError as error:
        raise InputError(f"--{error.field.replace('_', '-')}", error.value, error.remedy) from None
    outcome = run_evaluate(
        store,
        changes,
        like=evaluation,
        extractor=extractor,
        overrides=overrides or [],
        only=only or [],
        address=address,
        retry_failed=retry_failed,
        data_dir=data,
        images=images,
        also=also,
        every=every,
        dry_run=dry_run,
    )
    raise typer.Exit(0 if dry_run else outcome.exit_code)


def sample(
    store: options.StoreArgument,
    key: Annotated[str, argument(metavar="KEY", help="Key or name of a trained trial, or the beginning of one.")],
    prior: Annotated[
        str | None, option(help=f"Where latents are drawn from: {', '.join(PRIORS.names())}. \\[default: gmm]")
    ] = None,
    n: Annotated[int, typer.Option("-n", min=1, max=10_000, help="How many images.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw.")] = 0,
    out: Annotated[Path, typer.Option(metavar="FILE", help="PNG to write.")] = Path("samples.png"),
    interpolate: Annotated[bool, option("--interpolate", help="Draw walks between pairs of images instead.")] = False,
    reconstruct: Annotated[
        bool, option("--reconstruct", help="Draw images with their reconstructions instead.")
    ] = False,
    data: options.Data = None,
    plugins: options.Plugins = None,
) -> None:
    """Draw a picture from a trained model.

    Example:  aesweep sample runs/quickstart 2ad120 --prior gmm -n 64 --out grid.png
    """
    if interpolate and reconstruct:
        raise InputError("--interpolate", "--reconstruct", "Give one of the two.")
    if prior is not None and (interpolate or reconstruct):
        what = "--interpolate" if interpolate else "--reconstruct"
        raise InputError("--prior", prior, f"With {what}, nothing is drawn from a prior. Leave one of the two out.")
    if not out.absolute().parent.is_dir():
        raise InputError("--out", str(out), "Its folder does not exist. Give a file in a folder that does.")
    if out.is_dir():
        raise InputError("--out", str(out), "That is a folder. Give the name of a file in it, such as samples.png.")
    opened = open_store(store).only_looking()
    from aesweep.sweep.commands import draw  # torch from here on

    if interpolate:
        png = draw.draw_interpolations(opened, key, n, seed, data)
    elif reconstruct:
        png = draw.draw_reconstructions(opened, key, n, seed, data)
    else:
        png = draw.draw_samples(opened, key, prior or "gmm", n, seed)
    try:
        out.write_bytes(png)
    except OSError as error:
        raise InputError("--out", str(out), f"It cannot be written ({error.strerror}). Give another file.") from error
    typer.echo(f"Picture: {out.absolute()}")
