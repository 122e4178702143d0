"""What quantization-aware training wins back: every width, three seeds.

    cargo build --release
    python bench/training_accuracy.py [NETWORK ...]

`steer8 train` with its defaults (learned scales, Adam along one cycle, mirrored frames) for 6 epochs of
8,000 of the bundled training frames, measured on the 2,000 validation frames. Prints Markdown: top-1 %
of every seed, their mean and its distance from float in points; of the first seed the 95 % interval of
top-1, agreement with float, and the file's bytes.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
STEER8 = ROOT / "target/release/steer8"
NETWORKS = ("assignment", "pilotnet", "mobilenet")
# Bits of weights and activations, and what weights share a scale.
SCHEMES = [
    (8, 8, "per-channel"),
    (4, 8, "per-channel"),
    (4, 8, "per-tensor"),
    (4, 4, "per-channel"),
    (3, 8, "per-channel"),
    (3, 8, "per-tensor"),
    (2, 8, "per-channel"),
]
SEEDS = (0, 1, 2)


def train(network, scheme, seed):
    weights, activations, granularity = scheme
    with tempfile.TemporaryDirectory() as folder:
        command = [
            STEER8, "train", ROOT / f"models/networks/{network}.onnx", "-o", Path(folder) / "qat.onnx",
            "--validation", ROOT / "models/frames/validation.zip", "--json", "--quiet",
            "--epochs", "6", "--frames", "8000", "--seed", str(seed),
            "--weight-bits", str(weights), "--activation-bits", str(activations),
            "--weights", granularity,
        ]  # fmt: skip
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def row(network, scheme):
    trained = [train(network, scheme, seed) for seed in SEEDS]
    float_top1 = trained[0]["float"]["accuracy"]["top1"]
    tops = [one["result"]["accuracy"]["top1"] for one in trained]
    mean = sum(tops) / len(tops)
    first = trained[0]["result"]
    low, high = first["accuracy"]["ci95"]
    weights, activations, granularity = scheme
    cells = [
        f"{weights}/{activations} {granularity}",
        ", ".join(f"{top:.2%}" for top in tops).replace("%", ""),
        f"{mean:.2%}".replace("%", ""),
        f"{100 * (mean - float_top1):+.2f}",
        f"{100 * low:.1f} to {100 * high:.1f}",
        f"{100 * first['agreement_with_float']:.2f}",
        f"{first['file_bytes']:,}",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


def main():
    for network in sys.argv[1:] or NETWORKS:
        print(f"\n**{network}**\n")
        print("| weights/activations | three seeds | mean | from float | interval | agreement | bytes |")
        print("|---|---|---|---|---|---|---|", flush=True)
        for scheme in SCHEMES:
            row(network, scheme)


if __name__ == "__main__":
    main()
