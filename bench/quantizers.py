"""Our quantizer beside ONNX Runtime's, on the same frames; both files run in ONNX Runtime.

    pip install -r tests/goldens/requirements.txt
    cargo build --release
    python bench/quantizers.py eight [NETWORK ...]    # 8 bits: every method, granularity and type
    python bench/quantizers.py below [NETWORK ...]    # below 8 bits: widths and corrections

Calibrates on the 512 bundled calibration frames, measures on the 2,000 validation frames: top-1,
agreement with the float network, signal to quantization noise of the logits (dB), and in `eight`
McNemar's exact p between our answers and ONNX Runtime's. Prints Markdown.
"""

import io
import subprocess
import sys
import tempfile
import zipfile
from math import comb
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from PIL import Image

ROOT = Path(__file__).parent.parent
STEER8 = ROOT / "target/release/steer8"
NETWORKS = ("assignment", "pilotnet", "mobilenet")
BATCH = 100

THEIR_METHODS = {
    "minmax": (CalibrationMethod.MinMax, {}),
    "moving-average": (
        CalibrationMethod.MinMax,
        {"CalibMovingAverage": True, "CalibMovingAverageConstant": 0.01},
    ),
    "percentile": (CalibrationMethod.Percentile, {}),
    "entropy": (CalibrationMethod.Entropy, {}),
}


def frames(name):
    """Frames and labels in the order in which Steer8 reads them: by name."""
    with zipfile.ZipFile(ROOT / f"models/frames/{name}.zip") as pack:
        names = sorted(pack.namelist())
        images = [np.asarray(Image.open(io.BytesIO(pack.read(n)))) for n in names]
    x = np.stack(images).astype(np.float32).transpose(0, 3, 1, 2) / np.float32(255)
    return x, np.array([int(n.split("-")[0]) for n in names])


class Reader(CalibrationDataReader):
    def __init__(self, x, name):
        self.frames = iter([{name: frame[None]} for frame in x])

    def get_next(self):
        return next(self.frames, None)


def run(path, x):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    batches = [x[i : i + BATCH] for i in range(0, len(x), BATCH)]
    return np.concatenate([session.run(None, {name: batch})[0] for batch in batches])


def ours(network, out, *options):
    model = ROOT / f"models/networks/{network}.onnx"
    command = [STEER8, "quantize", model, "-o", out, "--quiet", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def theirs(network, out, method, per_channel, kind, calibration):
    model = str(ROOT / f"models/networks/{network}.onnx")
    calibrate, extra = THEIR_METHODS[method]
    quantize_static(
        model,
        out,
        Reader(calibration, "input"),
        quant_format=QuantFormat.QDQ,
        per_channel=per_channel,
        weight_type=QuantType.QInt8,
        activation_type=QuantType.QUInt8 if kind == "u8" else QuantType.QInt8,
        calibrate_method=calibrate,
        extra_options=extra,
    )


def mcnemar(a, b, labels):
    """The exact two-sided p of 'both are right equally often'."""
    only_a = int(((a == labels) & (b != labels)).sum())
    only_b = int(((b == labels) & (a != labels)).sum())
    n, k = only_a + only_b, min(only_a, only_b)
    return min(1.0, 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n) if n else 1.0


class Judge:
    def __init__(self, network, x, labels):
        self.x, self.labels = x, labels
        self.float = run(ROOT / f"models/networks/{network}.onnx", x)
        self.classes = self.float.argmax(1)

    def figures(self, path):
        logits = run(path, self.x)
        classes = logits.argmax(1)
        noise = ((logits - self.float) ** 2).sum()
        sqnr = 10 * np.log10((self.float**2).sum() / noise)
        top1 = 100 * (classes == self.labels).mean()
        agreement = 100 * (classes == self.classes).mean()
        return classes, f"{top1:.2f} / {agreement:.2f} / {sqnr:.1f}"


def eight(network, judge, calibration, folder):
    print(f"\n{network}: top-1 % / agreement % / SQNR dB; float {top1(judge)}\n")
    print("| method | weights | activations | Steer8 | ONNX Runtime | McNemar p |")
    print("|---|---|---|---|---|---|", flush=True)
    for method in ("minmax", "moving-average", "percentile", "entropy", "mse"):
        for weights in ("per-channel", "per-tensor"):
            for kind in ("u8", "i8"):
                path = f"{folder}/ours.onnx"
                options = ("--method", method, "--weights", weights, "--activations", kind)
                ours(network, path, *options)
                own, cell = judge.figures(path)
                other, p = "-", ""
                if method in THEIR_METHODS:
                    path = f"{folder}/theirs.onnx"
                    per_channel = weights == "per-channel"
                    theirs(network, path, method, per_channel, kind, calibration)
                    classes, other = judge.figures(path)
                    p = f"{mcnemar(own, classes, judge.labels):.2f}"
                print(f"| {method} | {weights} | {kind} | {cell} | {other} | {p} |", flush=True)


CORRECTIONS = {
    "nearest": (),
    "equalized": ("--equalize",),
    "bias corrected": ("--bias-correction",),
    "both": ("--equalize", "--bias-correction"),
    "AdaRound": ("--rounding", "adaround"),
    "all": ("--equalize", "--bias-correction", "--rounding", "adaround"),
    "all, least error": (
        *("--equalize", "--bias-correction", "--rounding", "adaround"),
        *("--weight-range", "mse"),
    ),
}


def below(network, judge, _, folder):
    print(f"\n{network}: top-1 % / agreement % / SQNR dB; float {top1(judge)}\n")
    print("| bits w/a | weights | correction | figures | file bytes |")
    print("|---|---|---|---|---|", flush=True)
    path = Path(f"{folder}/ours.onnx")

    def row(bits, weights, what, *options):
        ours(network, path, "--weights", weights, *options)
        _, cell = judge.figures(path)
        size = path.stat().st_size
        print(f"| {bits} | {weights} | {what} | {cell} | {size:,} |", flush=True)

    for width in (6, 4, 3, 2):
        for weights in ("per-channel", "per-tensor"):
            for what, options in CORRECTIONS.items():
                row(f"{width}/8", weights, what, "--weight-bits", str(width), *options)
    for width in (6, 4, 3):
        for method in ("minmax", "moving-average", "percentile", "entropy", "mse"):
            options = ("--activation-bits", str(width), "--method", method)
            row(f"8/{width}", "per-channel", method, *options)
            corrections = ("--equalize", "--bias-correction")
            row(f"8/{width}", "per-channel", f"{method}, equalized, biases", *options, *corrections)


def top1(judge):
    return f"{100 * (judge.classes == judge.labels).mean():.2f}"


def main():
    table = {"eight": eight, "below": below}[sys.argv[1]]
    calibration, _ = frames("calibration")
    x, labels = frames("validation")
    with tempfile.TemporaryDirectory() as folder:
        for network in sys.argv[2:] or NETWORKS:
            table(network, Judge(network, x, labels), calibration, folder)


if __name__ == "__main__":
    main()
