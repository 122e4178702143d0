"""How far Steer8 and ONNX Runtime agree on quantized networks, on the 2,000 validation frames.

    pip install -r requirements.txt
    cargo build --release
    python tests/goldens/agree.py [ours] [theirs] [FILE.onnx ...] [--least SHARE] [--only WORD]
                                  [--steer8 PROGRAM]

`ours`: every scheme that Steer8 writes, on the three bundled networks, run by both. `theirs`: files
that ONNX Runtime's own quantizer writes, PyTorch's export, and QDQ networks as PyTorch writes them
(float weights quantized in the graph, a Clip behind every QuantizeLinear). A file: any network on
the same frames, such as a trained one; `--least` is its share of frames. Prints a table line for
each file: on how many frames the top-1 class is the same, the share of logits that are the same
integers, and the furthest that one is apart, in quanta of the output; with ONNX Runtime's graph
optimizations on (its integer kernels, in the precise mode that `make.py` explains) and off. Ends
with status 1 if a file falls short of the same top-1 on 99.95 % of the frames, 99.5 % where
activations have fewer than 8 bits.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from make import NETWORKS, ROOT, entering, frames_of, output_scales, run
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

SCHEMES = [
    "",
    "--weights per-tensor",
    "--weights per-tensor --asymmetric-weights",
    *(f"--weight-bits {bits}" for bits in range(7, 1, -1)),
    "--weights per-tensor --asymmetric-weights --weight-bits 4",
    "--weight-range mse --weight-bits 4",
    "--activations i8",
    "--symmetric",
    "--activations i8 --symmetric",
    "--reduce-range",
    *(f"--activation-bits {bits}" for bits in range(7, 2, -1)),
    "--activations i8 --activation-bits 4",
    "--symmetric --activation-bits 4",
    "--weight-bits 3 --activation-bits 8 --equalize --bias-correction --rounding adaround",
    *(
        f"--format qoperator {scheme}".strip()
        for scheme in (
            "",
            "--weights per-tensor",
            "--weights per-tensor --asymmetric-weights",
            "--weight-bits 4",
            "--weight-bits 2",
            "--activations i8",
            "--symmetric",
            "--activations i8 --symmetric",
            "--reduce-range",
            "--activation-bits 4",
        )
    ),
]
CALIBRATION_FRAMES = 64


def quantize(steer8, network, scheme, path):
    source = ROOT / f"models/networks/{network}.onnx"
    command = [steer8, "quantize", source, "-o", path, "--quiet", *scheme.split()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Frames(CalibrationDataReader):
    def __init__(self, name, frames):
        self.left = iter([{name: frame[None]} for frame in frames])

    def get_next(self):
        return next(self.left, None)


def quantize_static_file(network, kind, per_channel, types, path):
    """The network quantized by ONNX Runtime."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = f"{folder}/prepared.onnx"
        quant_pre_process(str(ROOT / f"models/networks/{network}.onnx"), prepared)
        name = onnx.load(prepared).graph.input[0].name
        frames = frames_of("calibration")[::8][:CALIBRATION_FRAMES]
        quantize_static(
            prepared,
            path,
            Frames(name, frames),
            quant_format=kind,
            per_channel=per_channel,
            activation_type=types[0],
            weight_type=types[1],
        )


def as_pytorch_writes(path, low, high):
    """A QDQ file with its weights as floats that the graph quantizes, and with `low..high` clipped
    between every QuantizeLinear and DequantizeLinear of an activation."""
    model = onnx.load(path)
    graph = model.graph
    constants = {t.name: t for t in graph.initializer}
    values = {name: numpy_helper.to_array(t) for name, t in constants.items()}
    opset = max(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    assert opset >= 13, opset
    for what, number, kind in [
        ("low", low, np.uint8),
        ("high", high, np.uint8),
        ("least", -127, np.int8),
        ("most", 127, np.int8),
    ]:
        graph.initializer.append(numpy_helper.from_array(np.array(number, kind), f"clip_{what}"))
    nodes = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in values:
            codes = values[node.input[0]]
            if codes.dtype == np.int8:
                axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
                scale = values[node.input[1]]
                spread = scale.reshape([-1 if i == axis else 1 for i in range(codes.ndim)])
                reals = codes.astype(np.float32) * (spread if scale.size > 1 else scale)
                stem = node.input[0]
                graph.initializer.append(numpy_helper.from_array(reals, f"{stem}_reals"))
                constants.pop(stem, None)
                again = helper.make_node(
                    "QuantizeLinear",
                    [f"{stem}_reals", *node.input[1:]],
                    [f"{stem}_codes"],
                    f"{stem}_quantize",
                    axis=axis,
                )
                clip = helper.make_node(
                    "Clip",
                    [f"{stem}_codes", "clip_least", "clip_most"],
                    [f"{stem}_clipped"],
                    f"{stem}_clip",
                )
                node.input[0] = f"{stem}_clipped"
                nodes += [again, clip]
        nodes.append(node)
        if node.op_type == "QuantizeLinear":
            made = node.output[0]
            node.output[0] = f"{made}_unclipped"
            bounds = ["clip_low", "clip_high"]
            nodes.append(
                helper.make_node("Clip", [node.output[0], *bounds], [made], f"{made}_clip")
            )
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def as_pytorch(network, reduced, path):
    """ONNX Runtime's QDQ file in PyTorch's manner; `reduced`: activations of 7 bits, as PyTorch's
    x86 configuration has them."""
    quantize_static_file(network, QuantFormat.QDQ, True, (QuantType.QUInt8, QuantType.QInt8), path)
    if reduced:
        halve_activations(path)
    as_pytorch_writes(path, 0, 127 if reduced else 255)


def halve_activations(path):
    """The same ranges in 0..127: scales doubled, zero points halved."""
    model = onnx.load(path)
    graph = model.graph
    codes = {t.name: t for t in graph.initializer}
    done = set()
    for node in graph.node:
        if node.op_type != "QuantizeLinear":
            continue
        for name in node.input[1:]:
            tensor = codes[name]
            if name in done:
                continue
            done.add(name)
            value = numpy_helper.to_array(tensor)
            halved = value * 2 if tensor.data_type == TensorProto.FLOAT else value // 2
            tensor.CopyFrom(numpy_helper.from_array(halved.astype(value.dtype), name))
    # A bias is stored in units of its input's scale: as floats it need not be written anew.
    for node in list(graph.node):
        if node.op_type == "DequantizeLinear" and node.input[0] in codes:
            tensor = codes[node.input[0]]
            if tensor.data_type == TensorProto.INT32:
                scale = numpy_helper.to_array(codes[node.input[1]])
                reals = numpy_helper.to_array(tensor).astype(np.float32) * scale
                graph.initializer.append(numpy_helper.from_array(reals, node.output[0]))
                graph.node.remove(node)
    onnx.save(model, path)


def last_scale(path):
    """The scale of the logits; `None` where they are not quantized."""
    try:
        return output_scales(path)[0]
    except (KeyError, IndexError):
        return None


def compare(ours, theirs, scale):
    same = int((ours.argmax(1) == theirs.argmax(1)).sum())
    if scale is None:
        return same, None, None
    apart = np.abs(np.rint(ours / scale) - np.rint(theirs / scale)).astype(int)
    return same, float((apart == 0).mean()), int(apart.max())


def line(label, path, steer8, frames, least):
    """Prints a table line; whether the file passes."""
    answers = f"{path}.npy"
    command = [steer8, "evaluate", path, "--predictions", answers, "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"| {label} | {done.stderr.strip()} |", flush=True)
        return False
    ours = np.load(answers)
    batch = 100 if isinstance(batch_of(path), str) else 1
    scale = last_scale(path)
    given = entering(path, frames)
    cells = []
    for optimized in (True, False):
        theirs = run(path, given, optimized, precise=True, batch=batch)
        same, equal, most = compare(ours, theirs, scale)
        logits = "" if equal is None else f" | {equal:.4%} | {most}"
        cells.append(f"{same}{logits}")
        if optimized:
            passed = same >= least * len(frames)
    verdict = "" if passed else " | SHORT"
    print(f"| {label} | {' | '.join(cells)}{verdict} |", flush=True)
    return passed


def batch_of(path):
    dim = onnx.load(path).graph.input[0].type.tensor_type.shape.dim[0]
    return dim.dim_param if dim.HasField("dim_param") else dim.dim_value


def ours(steer8):
    for network in NETWORKS:
        for scheme in SCHEMES:
            few = "--activation-bits" in scheme and "--activation-bits 8" not in scheme
            least = 0.995 if few else 0.9995
            make = partial(quantize, steer8, network, scheme)
            yield f"{network} {scheme or 'default'}", make, least


def theirs():
    u8, s8 = QuantType.QUInt8, QuantType.QInt8
    for network in NETWORKS:
        for kind in (QuantFormat.QDQ, QuantFormat.QOperator):
            for per_channel in (True, False):
                for types in ((u8, u8), (u8, s8), (s8, s8)):
                    names = "".join({u8: "u8", s8: "s8"}[t] for t in types)
                    channels = "per-channel" if per_channel else "per-tensor"
                    label = f"{network} onnxruntime {kind.name} {names} {channels}"
                    make = partial(quantize_static_file, network, kind, per_channel, types)
                    yield label, make, 0.9995
        for reduced in (False, True):
            label = f"{network} as PyTorch writes, 0..{127 if reduced else 255}"
            yield label, partial(as_pytorch, network, reduced), 0.9995
    for name in ("assignment-pytorch-int8", "assignment-onnxruntime-qdq"):
        yield name, partial(shutil.copy, ROOT / f"models/networks/{name}.onnx"), 0.9995


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", default=["ours", "theirs"])
    parser.add_argument("--steer8", default=str(ROOT / "target/release/steer8"))
    parser.add_argument("--least", type=float, default=0.9995)
    parser.add_argument("--only", default="", help="only files whose line has this word")
    args = parser.parse_args()
    frames = frames_of("validation")
    files = []
    if "ours" in args.what:
        files += ours(args.steer8)
    if "theirs" in args.what:
        files += theirs()
    for file in args.what:
        if file not in ("ours", "theirs"):
            files.append((Path(file).stem, partial(shutil.copy, file), args.least))
    heads = "same top-1 | same logits | furthest"
    print(f"| file | {heads} | off: {heads} |")
    print("|---|---|---|---|---|---|---|")
    short = 0
    for label, make, least in files:
        if args.only not in label:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/int8.onnx"
            make(path)
            short += not line(label, path, args.steer8, frames, least)
    sys.exit(1 if short else 0)


if __name__ == "__main__":
    main()
