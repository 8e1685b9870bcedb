"""What holds for every objective that there is: it trains, resumes, is read back, has a cost, and is documented."""

import re
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from aesweep.models.config import TrialConfig
from aesweep.models.cost import flops_per_image, gpu_hours, parameter_counts
from aesweep.models.networks.autoencoder import Autoencoder, build_autoencoder
from aesweep.models.objectives.objective import ObjectiveParameter
from aesweep.models.objectives.registry import OBJECTIVES
from aesweep.models.plugins.plugin import Parameter
from aesweep.models.training.checkpoint import checkpoint_bytes, model_bytes, model_from_bytes, restore_checkpoint
from aesweep.models.training.losses import cross_entropy_scale
from aesweep.models.training.trainer import Trainer
from tests.fresh_process import REPOSITORY

CPU = torch.device("cpu")
TINY = TrialConfig(filters=2, latent_size=4, epochs=2, batch_size=16, precision="fp32")
PLAIN = {name: replace(TINY, model=name) for name in OBJECTIVES.built_in}
VARIANTS = {
    **PLAIN,
    "jacobian": replace(TINY, model="rae-gp", parameters={"gradient": "jacobian", "gradient_penalty": 1e-3}),  # type: ignore[arg-type]
    "dense": replace(TINY, model="rae-l2", parameters={"dense": True}, reconstruction="mse"),  # type: ignore[arg-type]
    "noise": replace(TINY, model="wae", noise_std=0.5),
    "sn in bf16": replace(TINY, model="rae-sn", precision="bf16"),
}
IMAGES = torch.randint(0, 256, (40, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
RIVALS = (REPOSITORY / "docs" / "rivals.md").read_text(encoding="utf-8")


def finish(trainer: Trainer) -> Trainer:
    while not trainer.finished:
        trainer.run_epoch()
    return trainer


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_a_training_that_stopped_inside_an_epoch_ends_with_the_same_bits(config: TrialConfig) -> None:
    whole, half = finish(Trainer(config, IMAGES, device=CPU)), Trainer(config, IMAGES, device=CPU)
    left = iter([False] * 1 + [True])
    half.run_epoch()
    assert half.run_epoch(lambda: next(left)) is None
    torch.manual_seed(1234)  # the global generator plays no part
    resumed = Trainer(config, IMAGES, device=CPU)
    restore_checkpoint(resumed, checkpoint_bytes(half))
    finish(resumed)
    assert [(r.loss, r.terms) for r in resumed.history] == [(r.loss, r.terms) for r in whole.history]
    states = [trainer.model.state_dict() for trainer in (whole, resumed)]
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())
    read = model_from_bytes(config, model_bytes(whole.model))
    whole.model.eval()
    x = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    assert torch.equal(read(x)[0], whole.model(x)[0])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.usefixtures("deterministic_kernels")
@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_replayed_steps_give_the_bits_of_launched_ones(config: TrialConfig) -> None:
    images = IMAGES.repeat(4, 1, 1, 1).cuda()
    runs = [finish(Trainer(config, images, device=torch.device("cuda"), replay=replay)) for replay in (True, False)]
    assert runs[0].replaying and not runs[1].replaying
    states = [trainer.model.state_dict() for trainer in runs]
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_the_loss_is_the_sum_of_what_is_recorded(config: TrialConfig) -> None:
    trainer = Trainer(config, IMAGES, device=CPU)
    first = trainer.run_epoch()
    assert first is not None
    parts = [one.weight * one.value for one in first.terms]
    assert first.loss == pytest.approx(first.reconstruction + sum(parts), rel=1e-5)
    sizes = [abs(part) / (abs(first.reconstruction) + sum(map(abs, parts))) for part in parts]
    assert [one.share for one in first.terms] == pytest.approx(sizes)
    assert first.kl == next((one.value for one in first.terms if one.term == "kl"), None)


@pytest.mark.parametrize("config", PLAIN.values(), ids=PLAIN)
def test_a_weight_means_the_same_for_every_reconstruction_and_reduction(config: TrialConfig) -> None:
    """Weights are for mean squared error; sums are the pixel values of an image as large."""
    scale = cross_entropy_scale(IMAGES) if config.objective.scaled else 1.0

    def weights(**changes: Any) -> dict[str, float]:
        trainer = Trainer(replace(config, **changes), IMAGES, device=CPU)
        record = trainer.run_epoch()
        assert record is not None
        return {one.term: one.weight for one in record.terms}

    squared = weights(reconstruction="mse")
    assert weights() == pytest.approx({name: scale * weight for name, weight in squared.items()})
    if config.objective.scaled:
        assert weights(reduction="sum") == pytest.approx({n: 3072 * scale * w for n, w in squared.items()})


@pytest.mark.parametrize("config", PLAIN.values(), ids=PLAIN)
def test_its_cost_is_that_of_the_network(config: TrialConfig) -> None:
    model = build_autoencoder(config)
    counts = [sum(p.numel() for p in part.parameters()) for part in (model.encoder, model.decoder)]
    assert list(parameter_counts(config)) == counts
    if config.objective.build is None:  # normalising a kernel costs operations that do not depend on the images
        with FakeTensorMode():
            fake = Autoencoder(config).eval()
            with FlopCounterMode(display=False) as counter:
                fake(torch.empty(2, 3, 32, 32))
        assert counter.get_total_flops() == 2 * flops_per_image(config)
    plain = gpu_hours(replace(config, model="vae" if config.objective.variational else "dae", parameters=()), 1000)
    assert gpu_hours(config, 1000) == pytest.approx(config.objective.step_factor * plain)


@pytest.mark.parametrize("name", OBJECTIVES.built_in)
def test_its_documentation_says_what_the_object_says(name: str) -> None:
    one = OBJECTIVES.built_in[name]
    assert f"| `{name}` | {one.title} | {one.meaning} | {one.source} |" in RIVALS
    takes = ("any" if field in one.combines else "–" for field in ("latent_norm", "noise_std", "freeze_latent"))
    prior = "N(0, I)" if one.prior and len(one.prior(PLAIN[name]).means) == 1 else "mixture" if one.prior else "–"
    assert f"| `{name}` | {' | '.join(takes)} | {prior} |" in RIVALS
    for parameter in one.parameters:
        assert _parameter_row(name, parameter) in RIVALS
    assert len(re.findall(rf"^\| `{name}` \| `", RIVALS, re.MULTILINE)) == len(one.parameters)


def _parameter_row(model: str, one: Parameter) -> str:
    cells = (
        [_shown(one.default_for(data)) for data in ("digits", "cifar10", "celeba")]
        if isinstance(one, ObjectiveParameter)
        else [_shown(one.default)] * 3
    )
    return f"| `{model}` | `{one.name}` | {' | '.join(cells)} | {one.meaning} |"


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def test_the_scale_of_weights_is_that_of_the_training_images() -> None:
    x = IMAGES.double() / 255
    assert cross_entropy_scale(IMAGES) == pytest.approx(1 / (2 * (x * (1 - x)).mean().item()), rel=1e-12)
    with pytest.raises(ValueError, match="reconstruction: mse"):
        cross_entropy_scale(255 * (IMAGES > 127).to(torch.uint8))


def test_the_vae_of_the_paper_is_what_its_weight_says() -> None:
    record = Trainer(replace(TINY, model="vae", beta=0.3), IMAGES, device=CPU).run_epoch()
    assert record is not None and record.terms[0].weight == 0.3
