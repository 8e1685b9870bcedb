"""The columns of the five tables: names, types and meaning, in one place.

Every Parquet file is written with one of these explicit schemas: an inferred all-null column would take type null and
break later reads. `docs/tables.md` is written from `COLUMNS` (a test compares them), so a column's meaning stands here
alone.
"""

from typing import NamedTuple

import pyarrow as pa

SCHEMA_VERSION = 4


class Column(NamedTuple):
    """One column: its name, Arrow type and meaning with unit."""

    name: str
    type: pa.DataType
    meaning: str


_S, _I, _F, _B = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_T = pa.timestamp("us", tz="UTC")

COLUMNS: dict[str, tuple[Column, ...]] = {
    "trials": (
        Column("key", _S, "12 hex digits; the same configuration has the same key in every store"),
        Column("name", _S, "readable words and the key"),
        Column("sweep", _S, "name of the latest spec where that asks for the trial, else of another that does"),
        Column("block", _S, "the spec's block that the trial comes from"),
        Column("state", _S, "pending, running, trained (not yet scored), done, failed"),
        Column("dataset", _S, "digits, cifar10, celeba or folder"),
        Column("data_identity", _S, 'SHA-256 of a folder\'s images; "none" for the built-in data sets'),
        Column("image_size", _I, "pixels per side"),
        Column("resize", _S, "filter that brought images to image_size"),
        Column("model", _S, "dae or vae"),
        Column("filters", _I, "filters of the first encoder stage"),
        Column("depth", _S, 'convolutions per encoder stage: "1", or "3-3-2-1" where stages differ'),
        Column("latent_size", _I, "latent units"),
        Column("latent_norm", _S, "none, batch, spectral or layer"),
        Column("noise_std", _F, "standard deviation of the Gaussian noise in training"),
        Column("noise_position", _S, "decoder_input or image"),
        Column("freeze_latent", _B, "the latent layer kept its random initialisation"),
        Column("conv_norm", _B, "batch normalisation after the convolutions"),
        Column("bn_momentum", _F, "weight of a new batch in the running statistics (PyTorch's sense)"),
        Column("decoder_first_map", _S, "channels of the decoder's first 8x8 map"),
        Column("decoder_first_activation", _S, "activation of the decoder's first map"),
        Column("beta", _F, "weight of the KL term (VAE)"),
        Column("beta_eff", _F, "weight of the summed KL against the summed cross-entropy; null for a DAE"),
        Column("reduction", _S, "mean or sum"),
        Column("epochs", _I, "epochs asked for"),
        Column("batch_size", _I, "images per step"),
        Column("learning_rates", _S, 'piecewise schedule, such as "0.001-0.0001-1e-05"'),
        Column("learning_rate_drops", _S, 'fractions of epochs where the next rate starts, such as "0.33-0.66"'),
        Column("warmup_epochs", _I, "first epochs at warmup_learning_rate"),
        Column("warmup_learning_rate", _F, "learning rate of the warmup epochs"),
        Column("seed", _I, "seed of initialisation, order and noise"),
        Column("precision", _S, "precision asked for"),
        Column("precision_used", _S, "precision trained in: bf16, fp16 or fp32"),
        Column("attempts", _I, "training attempts started so far, those that were pruned included"),
        Column("attempt", _S, "the attempt that was committed; its folder is trials/<key>/attempts/<attempt>"),
        Column("parameters_encoder", _I, "trained and frozen parameters of the encoder with its latent layer"),
        Column("parameters_decoder", _I, "parameters of the decoder"),
        Column("flops_per_image", _I, "floating point operations of one forward pass of one image"),
        Column("final_loss", _F, "training loss of the last epoch"),
        Column("final_reconstruction", _F, "its cross-entropy part, nats per pixel value (mean) or per image (sum)"),
        Column("final_kl", _F, "its KL part before weighting; null for a DAE"),
        Column("test_bce", _F, "mean cross-entropy of the test images in eval mode, nats per pixel value"),
        Column("mean_image_bce", _F, "the same for the mean training image: what a model that learnt nothing scores"),
        Column("images_train", _I, "training images"),
        Column("images_test", _I, "test images"),
        Column("train_seconds", _F, "wall-clock seconds of training, all attempts that fed the committed one"),
        Column("gpu_seconds", _F, "train_seconds times the share of a GPU held; 0 on a CPU"),
        Column("images_per_second", _F, "training images per wall-clock second"),
        Column("device", _S, "device name"),
        Column("threads", _I, "CPU threads of the trial"),
        Column("torch_version", _S, "version of torch"),
        Column("aesweep_version", _S, "version of aesweep"),
        Column(
            "resumed_with",
            _S,
            "settings of the attempts that it went on from, where they differ from this row's device, threads, "
            'precision_used or torch_version, or in other switches that change bits, such as "threads 2 until epoch 3"; '
            '"none" where one setting trained it all; null for a training of an older aesweep',
        ),
        Column("started", _T, "start of the committed attempt's training"),
        Column("ended", _T, "commit of the training"),
        Column("pictures", _S, 'folder of sample grids under the store; "none" until scored'),
    ),
    "epochs": (
        Column("key", _S, "the trial"),
        Column("epoch", _I, "1 for the first"),
        Column("learning_rate", _F, "learning rate of the epoch"),
        Column("loss", _F, "mean training loss"),
        Column("reconstruction", _F, "its cross-entropy part"),
        Column("kl", _F, "its KL part before weighting; null for a DAE"),
        Column("seconds", _F, "wall-clock seconds"),
        Column("images_per_second", _F, "training images per wall-clock second"),
        Column("skipped_steps", _I, "steps that fp16 loss scaling skipped"),
    ),
    "scores": (
        Column("key", _S, "the trial"),
        Column("evaluation", _S, "12 hex digits that name the way of scoring"),
        Column(
            "source", _S, "reconstruction, standard_normal, mvg, gmm, or latents (measures of the latents themselves)"
        ),
        Column(
            "split", _S, "split of the real images that the score compares with, or of the images behind the latents"
        ),
        Column(
            "metric",
            _S,
            "fid (hash-checked 2015 Inception network), fd (another extractor), or one of those described below",
        ),
        Column("value", _F, "the score; null where it could not be computed, with the reason in note"),
        Column(
            "stderr",
            _F,
            "standard error; of a ..._null metric the standard deviation over simulated data sets; null where not estimated",
        ),
        Column("extractor", _S, 'feature network; "none" for scores that use none'),
        Column("extractor_sha256", _S, 'SHA-256 of its weights; "none" for scores that use none'),
        Column("preparation", _S, 'what the network sees of a picture: size, filter, scale, type; "none" without one'),
        Column("n", _I, "images or latents scored"),
        Column("n_reference", _I, "real images in the reference; 0 where there is none"),
        Column("reference_split", _S, "split that the reference was drawn from"),
        Column(
            "reference_seed", _I, "seed of that draw, where the split has more images; null where there is no reference"
        ),
        Column("seed", _I, "sampling seed; for latents the evaluation's prior_seed"),
        Column("gmm_components", _I, "components of the mixture; null for scores that do not depend on it"),
        Column(
            "vae_latents",
            _S,
            "mean or sample: what of each image's distribution a VAE's priors are fitted on; "
            '"none" for a DAE, and for scores that do not depend on it',
        ),
        Column(
            "changed_settings",
            _S,
            "further settings of the evaluation that decide this score, where they are not the default, such as "
            '"kid_subsets 10, kid_subset_size 50"; "none" where all are',
        ),
        Column("seconds", _F, "wall-clock seconds that the score took"),
        Column("note", _S, "the reason of a null value, or a remark; empty otherwise"),
    ),
    "latents": (
        Column("key", _S, "the trial"),
        Column("split", _S, "train or test"),
        Column("index", _I, "index of the image in its split"),
        Column("dimension_a", _I, "first of two latent dimensions, drawn by the trial's seed"),
        Column("dimension_b", _I, "the second"),
        Column("z_a", _F, "value in dimension_a"),
        Column("z_b", _F, "value in dimension_b"),
    ),
    "failures": (
        Column("key", _S, "the trial"),
        Column("attempt", _S, "the attempt that failed"),
        Column("stage", _S, "train or evaluate"),
        Column("type", _S, "exception type"),
        Column("message", _S, "what went wrong"),
        Column("traceback", _S, "last lines of the traceback"),
        Column("node", _S, "host name"),
        Column("time", _T, "when"),
    ),
}


def schema(table: str) -> pa.Schema:
    """The Arrow schema of one table, with its version in the metadata."""
    metadata = {"aesweep_table": table, "aesweep_schema": str(SCHEMA_VERSION)}
    return pa.schema([(column.name, column.type) for column in COLUMNS[table]], metadata=metadata)
