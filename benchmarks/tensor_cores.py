"""Can Inception run on the tensor cores of a GPU and stay fp32? An experiment: nothing of it is in `evaluation` yet.

    python benchmarks/tensor_cores.py [--quick] [--out docs/benchmarks]

Features in true fp32 are bound by cuDNN's kernels (docs/benchmarks/evaluation-nvidia-*), at a third of the GPU's fp32 peak.
`kernels/split_convolution.py` multiplies numbers in two float16 halves instead. This measures whether that is

fast       pictures per second, and seconds from a decoder to a FID beside torch-fidelity's (end_to_end.py)
right      its features against float64's, beside fp32's own error; the same FID as `reference`
repeatable the same bits twice, and for a picture whatever batch it comes in

The way into `evaluation.inception` is a third `Computation`, if it holds features to 1e-5 and distances to 1e-6. Writes
tensor-cores-<hardware>-<date>.md. Needs an NVIDIA GPU of compute capability 8 or more, and Triton, which torch for CUDA brings.
"""

import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import end_to_end
import torch
from page import footer, hardware, parser, today, write_page
from torch import nn

from evaluation.extractors import Extractor
from evaluation.frechet import frechet_distance
from evaluation.inception import INCEPTION_DIMENSION, ReferenceInception, resize_like_tensorflow1
from evaluation.statistics import FeatureStatistics

REPEATS = 3
BATCHES = (256, 512)


class SplitInception(ReferenceInception):
    """`ReferenceInception` with its convolutions on the tensor cores."""

    def __init__(self, state_dict: dict[str, torch.Tensor]) -> None:
        from kernels.split_convolution import split_convolutions

        super().__init__(state_dict)
        split_convolutions(self.inception)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images.contiguous(memory_format=torch.channels_last))


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--quick", action="store_true", help="2,048 pictures instead of 10,000")
    args = options.parse_args()
    if not torch.cuda.is_available() or torch.cuda.get_device_capability() < (8, 0):
        print("Not measured: torch sees no NVIDIA GPU of compute capability 8 or more here.")
        return
    n = 2048 if args.quick else 10_000
    from tests.evaluation.random_inception import random_state_dict

    state, device = random_state_dict(), torch.device("cuda")
    networks = {"reference": ReferenceInception(state), "split": SplitInception(state)}
    ours = {name: _extractor(network, device) for name, network in networks.items()}
    sections = [
        _speed(ours, _pictures(n, 0)),
        _error(ours, state),
        _distances(ours, n),
        _repeats(ours["split"]),
        _end(ours["split"], n),
    ]
    gpu = hardware(device)
    parts = [f"# Inception on tensor cores, {gpu}, {today()}", *sections, footer("torch", "triton", "torch-fidelity")]
    write_page(args.out, "tensor-cores", gpu, "\n\n".join(parts) + "\n")


def _extractor(network: nn.Module, device: torch.device) -> Extractor:
    return Extractor("inception-2015", "", INCEPTION_DIMENSION, network.to(device).eval(), device, BATCHES[0])


def _pictures(n: int, seed: int) -> torch.Tensor:
    """Smooth random pictures, uint8 (n, 32, 32, 3), on the GPU."""
    colours = torch.rand(n, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    smooth = nn.functional.interpolate(colours, size=(32, 32), mode="bicubic").clamp(0, 1)
    return (smooth * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cuda()


def _speed(ours: dict[str, Extractor], pictures: torch.Tensor) -> str:
    """Median pictures per second of alternating runs; the first call, which compiles and tunes, apart."""
    lines = [
        "## Speed",
        "",
        "| computation | batch | pictures per second | first batch, seconds |",
        "|---|---|---|---|",
    ]
    for batch in BATCHES:
        extractors = {name: replace(extractor, batch_size=batch) for name, extractor in ours.items()}
        first = {name: _seconds(e, pictures[:batch]) for name, e in extractors.items()}
        seconds: dict[str, list[float]] = {name: [] for name in extractors}
        for _ in range(REPEATS):
            for name, e in extractors.items():
                seconds[name].append(_seconds(e, pictures))
        lines += [
            f"| {name} | {batch} | {len(pictures) / statistics.median(each):,.0f} | {first[name]:.1f} |"
            for name, each in seconds.items()
        ]
        print(*lines[-2:], sep="\n", flush=True)
    return "\n".join(lines)


def _seconds(extractor: Extractor, pictures: torch.Tensor) -> float:
    torch.cuda.synchronize()
    started = time.perf_counter()
    extractor.features(pictures)
    torch.cuda.synchronize()
    return time.perf_counter() - started


def _error(ours: dict[str, Extractor], state: dict[str, torch.Tensor]) -> str:
    """Largest difference to the features that the same network has in float64, against their root mean square."""
    pictures = _pictures(32, 1)
    exact = ReferenceInception(state).cuda().double().eval().inception
    with torch.inference_mode():
        resized = (resize_like_tensorflow1(pictures.permute(0, 3, 1, 2).float(), 299) - 128) / 128
        truth = _after_resize(exact, resized.double())
    scale = truth.square().mean().sqrt()
    lines = [
        "## Error of the features, against float64",
        "",
        "| computation | largest | root mean square |",
        "|---|---|---|",
    ]
    for name, extractor in ours.items():
        error = (extractor.features(pictures) - truth) / scale
        lines.append(f"| {name} | {float(error.abs().max()):.1e} | {float(error.square().mean().sqrt()):.1e} |")
    return "\n".join(lines)


def _after_resize(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    from evaluation.inception import LAYERS

    for name in LAYERS:
        x = getattr(network, name)(x)
    return x.flatten(1)


def _distances(ours: dict[str, Extractor], n: int) -> str:
    """The Fréchet distance of the same two sets of pictures by each."""
    sets = _pictures(n, 2), _pictures(n, 3).roll(3, dims=1) // 2 + 40
    found = {}
    for name, extractor in ours.items():
        statistics_of = []
        for pictures in sets:
            statistics_of.append(FeatureStatistics(extractor.dimension))
            statistics_of[-1].update(extractor.features(pictures))
        found[name] = frechet_distance(statistics_of[0], statistics_of[1])
    relative = abs(found["split"] / found["reference"] - 1)
    values = ", ".join(f"{name} {value:.9g}" for name, value in found.items())
    return f"## Distance\n\nTwo sets of {n:,} pictures: {values}; relative difference {relative:.1e}."


def _repeats(split: Extractor) -> str:
    pictures = _pictures(300, 4)
    whole, again = split.features(pictures), split.features(pictures)
    apart = torch.cat([split.features(part) for part in pictures.split(100)])
    return (
        f"## Repeatable\n\nThe same bits twice: {bool((whole == again).all())}. "
        f"The same bits in batches of 100: {bool((whole == apart).all())}."
    )


def _end(split: Extractor, n: int) -> str:
    seconds = end_to_end.seconds_each(
        split.device, n, {"ours, split": lambda extractor: replace(extractor, network=split.network)}
    )
    rows = [f"| {name} | {value:.2f} | {value / seconds['ours, split']:.2f} |" for name, value in seconds.items()]
    head = f"## From a decoder to a FID of {n:,} samples\n\n| method | seconds | times ours, split |\n|---|---|---|"
    return "\n".join([head, *rows])


if __name__ == "__main__":
    main()
