"""What quantization-aware training wins back in a network of values: pilotnet-steering.

    cargo build --release
    python bench/training_values.py FOLDER [--scheme W/A-GRANULARITY ...] [--seeds N] [--frames N]

As `training_accuracy.py`, with the loss of each output divided by the variance of its labels, so that all
count alike. Prints Markdown: of float and of every scheme the mean absolute error of each output, and their
mean, each in its labels' standard deviation; static is the best of `STATIC` on the validation frames
themselves.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from training_accuracy import ROOT, STATIC, options, once

NETWORK = str(ROOT / "models/networks/pilotnet-steering.onnx")
OUTPUTS = ("steering", "gas", "brake")
SCHEMES = ("8/8-per-channel", "4/8-per-channel", "4/4-per-channel", "3/8-per-tensor")


def deviations():
    with open(ROOT / "models/frames/values.csv", newline="") as file:
        rows = [[float(row[name]) for name in OUTPUTS] for row in csv.DictReader(file)]
    return np.std(rows, axis=0)


def scores(report, scale):
    """The errors, their intervals, and the mean of the errors in labels' deviations."""
    outputs = report["values"]["outputs"]
    errors = np.array([output["mae"] for output in outputs])
    return errors, [output["mae_ci95"] for output in outputs], float((errors / scale).mean())


def row(name, report, scale, float_score=None):
    errors, intervals, score = scores(report, scale)
    cells = [f"{e:.4f} ({low:.4f} to {high:.4f})" for e, (low, high) in zip(errors, intervals)]
    apart = "" if float_score is None else f"{100 * (score / float_score - 1):+.1f} %"
    print("| " + " | ".join([name, *cells, f"{score:.4f}", apart]) + " |", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--scheme", action="append")
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--frames", type=int, default=8000)
    asked = arguments.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    scale = deviations()
    weights = ",".join(f"{name}={1 / deviation**2:.3f}" for name, deviation in zip(OUTPUTS, scale))

    own = once(asked.folder / "float.json", "evaluate", NETWORK)
    float_score = scores(own, scale)[2]
    print("| | " + " | ".join(OUTPUTS) + " | mean, in deviations | beside float |")
    print("|---" * 6 + "|")
    row("float", own, scale)
    for scheme in asked.scheme or SCHEMES:
        chosen = options(scheme)
        name = scheme.replace("/", "-")
        static = {}
        for how, more in STATIC.items():
            file = asked.folder / f"{name}-{how.replace(', ', '-').replace(' ', '-')}.onnx"
            if not file.exists():
                once(file.with_suffix(".made.json"), "quantize", NETWORK, "-o", file, *chosen, *more)
            static[how] = once(file.with_suffix(".json"), "evaluate", file)
        best = min(static, key=lambda how: scores(static[how], scale)[2])
        row(f"{scheme}, static ({best})", static[best], scale, float_score)
        for seed in range(asked.seeds):
            file = asked.folder / f"{name}-trained-{seed}.onnx"
            training = ("--epochs", "6", "--frames", asked.frames, "--seed", seed, "--loss-weight", weights)
            command = ("train", NETWORK, "-o", file, *chosen, *map(str, training))
            once(file.with_suffix(".made.json"), *command)
            report = once(file.with_suffix(".json"), "evaluate", file)
            row(f"{scheme}, trained, seed {seed}", report, scale, float_score)


if __name__ == "__main__":
    main()
