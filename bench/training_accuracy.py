"""What quantization-aware training wins back: every width, three seeds, beside the best static recipe.

    cargo build --release
    python bench/training_accuracy.py FOLDER [--network NAME ...] [--scheme W/A-GRANULARITY ...]
                                             [--seeds N] [--frames N]

`steer8 train` with its defaults (learned scales, Adam along one cycle, mirrored frames) for 6 epochs of
8,000 (`--frames`) of the bundled training frames, measured on the 2,000 validation frames. Its files
and reports stay in FOLDER, and what is there is not trained again: all of it takes two hours.

The static recipe is the best of `STATIC` on the validation frames themselves, so the comparison leans to
its side. Prints Markdown: static top-1 % and which recipe it is; trained top-1 % of every seed, their
mean, its distance from float in points, and where static loses more than 2 points, the share of the loss
won back; of the first seed the 95 % interval of top-1, agreement with float, the file's bytes, the median
milliseconds of a frame and how many times float's speed that is (interleaved).
"""

import argparse
import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
STEER8 = ROOT / "target/release/steer8"
NETWORKS = ("assignment", "pilotnet", "mobilenet")
# Bits of weights and activations, and what weights share a scale.
SCHEMES = (
    "8/8-per-channel",
    "4/8-per-channel",
    "4/8-per-tensor",
    "4/4-per-channel",
    "3/8-per-channel",
    "3/8-per-tensor",
    "2/8-per-channel",
)
MENDED = ("--equalize", "--bias-correction", "--rounding", "adaround")
STATIC = {
    "nearest": (),
    "mended": MENDED,
    "mended, least error": (*MENDED, "--method", "mse"),
    "mended, percentile": (*MENDED, "--method", "percentile", "--percentile", "99.99"),
    "not equalized, percentile": (*MENDED[1:], "--method", "percentile", "--percentile", "99.99"),
}


def options(scheme):
    bits, granularity = scheme.split("-", 1)
    weights, activations = bits.split("/")
    return (
        *("--weight-bits", weights, "--activation-bits", activations),
        *("--weights", granularity),
    )


def once(report, *command):
    """What the command says in JSON, from the file `report` where that is there."""
    if not report.exists():
        command = [STEER8, *command, "--json", "--quiet"]
        report.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    return json.loads(report.read_bytes())


def recipes(stem, network, scheme, among=tuple(STATIC)):
    """What `compare` says of float and of each of these static recipes, by its name."""
    return {
        name: once(
            stem.with_name(f"{stem.name}-static{number}.json"),
            *("compare", network, *options(scheme), *extra),
        )["results"]
        for number, (name, extra) in enumerate(STATIC.items())
        if name in among
    }


def best(measured):
    """The best of the static recipes: its name and its measurements."""
    results = ((name, quantized) for name, (_, quantized) in measured.items())
    return max(results, key=lambda one: one[1]["accuracy"]["top1"])


def train(stem, network, scheme, seed, frames):
    stem = stem.with_name(f"{stem.name}-s{seed}")
    return once(
        stem.with_suffix(".json"),
        *("train", network, "-o", stem.with_suffix(".onnx")),
        *("--validation", ROOT / "models/frames/validation.zip"),
        *("--epochs", "6", "--frames", str(frames), "--seed", str(seed)),
        *options(scheme),
    )


def row(folder, name, scheme, seeds, frames):
    network = ROOT / f"models/networks/{name}.onnx"
    stem = folder / f"{name}-{scheme.replace('/', '-')}"
    recipe, static = best(recipes(stem, network, scheme))
    if frames != 8000:
        stem = stem.with_name(f"{stem.name}-{frames}")
    trained = [train(stem, network, scheme, seed, frames) for seed in range(seeds)]
    whole = trained[0]["float"]["accuracy"]["top1"]
    tops = [one["result"]["accuracy"]["top1"] for one in trained]
    mean = sum(tops) / len(tops)
    lost = whole - static["accuracy"]["top1"]
    first = trained[0]["result"]
    low, high = first["accuracy"]["ci95"]
    cells = [
        scheme.replace("-", " ", 1),
        f"{100 * static['accuracy']['top1']:.2f} ({recipe})",
        ", ".join(f"{100 * top:.2f}" for top in tops),
        f"{100 * mean:.2f}",
        f"{100 * (mean - whole):+.2f}",
        f"{1 - (whole - mean) / lost:.0%}" if lost > 0.02 else "",
        f"{100 * low:.1f} to {100 * high:.1f}",
        f"{100 * first['agreement_with_float']:.2f}",
        f"{first['file_bytes']:,}",
        f"{first['latency_ms']['p50']:.3f}, {first['speedup_over_float']['median']:.2f}x",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


HEADS = (
    *("weights/activations", "best static", "trained, each seed", "mean", "from float", "won back"),
    *("interval", "agreement", "bytes", "ms, of float's speed"),
)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--scheme", nargs="+", choices=SCHEMES, default=SCHEMES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=8000)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in args.network:
        print(f"\n**{name}**\n")
        print(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}", flush=True)
        for scheme in args.scheme:
            row(args.folder, name, scheme, args.seeds, args.frames)


if __name__ == "__main__":
    main()
