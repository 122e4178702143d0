"""Small networks of many shapes, quantized by Steer8 and run by Steer8 and by ONNX Runtime.

    pip install -r requirements.txt
    cargo build --release
    python tests/goldens/shapes.py [--steer8 PROGRAM] [--only WORD] [--store]

Each network has seeded random weights and is quantized by every recipe below. Prints a table line
for each file: on how many frames the top-1 class is the same, the share of outputs that are the
same integers, the furthest that one is apart in quanta, once with ONNX Runtime's graph optimizations
on and once with them off, on how many frames the class is the float network's (and of how many
classes it saw), and what is left in float.

`--store` writes `shapes.zip` beside this file for the Rust test: every network, the frames, and for
each network and two of the recipes the SHA-256 of our file and ONNX Runtime's answers in quanta
(optimizations on, in the precise mode that `make.py` explains).
"""

import argparse
import json
import subprocess
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
from agree import last_scale
from make import ROOT, quanta, run
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
FRAMES = 32
CLASSES = 5
RECIPES = {
    "default": "",
    "per-tensor i8 symmetric": "--weights per-tensor --activations i8 --symmetric",
    "qoperator": "--format qoperator",
    "w4": "--weight-bits 4",
    "a4": "--activation-bits 4",
    "w3 mended": "--weight-bits 3 --equalize --bias-correction --rounding adaround",
}


class Network:
    """A network put together node by node; weights are drawn in the order of the calls."""

    def __init__(self, shape, seed, batch="N"):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants = [], []
        self.input = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])
        self.last, self.channels, self.count = "x", shape[0], 0

    def constant(self, values, dtype=np.float32):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weight(self, *shape, gain=1.0):
        fan = max(1, int(np.prod(shape[1:])))
        return self.constant(self.random.normal(0, gain / np.sqrt(fan), shape))

    def op(self, op, inputs=None, outputs=1, **attributes):
        self.count += 1
        name = f"{op.lower()}_{self.count}"
        made = [f"{name}_{i}" if outputs > 1 else name for i in range(outputs)]
        inputs = [self.last] if inputs is None else inputs
        self.nodes.append(helper.make_node(op, inputs, made, f"n_{name}", **attributes))
        self.last = made[0]
        return self.last

    def conv(self, out, kernel=3, x=None, group=1, bias=True, **attributes):
        kernel = [kernel] * 2 if isinstance(kernel, int) else list(kernel)
        inputs = [x or self.last, self.weight(out, self.channels // group, *kernel)]
        if bias:
            inputs.append(self.weight(out))
        self.channels = out
        return self.op("Conv", inputs, group=group, kernel_shape=kernel, **attributes)

    def transposed(self, out, kernel=3, group=1, bias=True, **attributes):
        kernel = [kernel] * 2 if isinstance(kernel, int) else list(kernel)
        inputs = [self.last, self.weight(self.channels, out // group, *kernel)]
        if bias:
            inputs.append(self.weight(out))
        self.channels = out
        return self.op("ConvTranspose", inputs, group=group, kernel_shape=kernel, **attributes)

    def norm(self, x=None, channels=None):
        c = channels or self.channels
        scale, shift = self.random.uniform(0.5, 1.5, c), self.random.normal(0, 0.3, c)
        mean, var = self.random.normal(0, 0.3, c), self.random.uniform(0.3, 2, c)
        inputs = [x or self.last, *(self.constant(v) for v in (scale, shift, mean, var))]
        return self.op("BatchNormalization", inputs)

    def gemm(self, k, out, transposed=True, bias=True, **attributes):
        w = self.weight(out, k) if transposed else self.weight(k, out, gain=np.sqrt(out / k))
        inputs = [self.last, w] + ([self.weight(out)] if bias else [])
        return self.op("Gemm", inputs, transB=int(transposed), **attributes)

    def head(self):
        """Mean over the plane, then the classes."""
        self.op("GlobalAveragePool")
        self.op("Flatten", axis=1)
        self.gemm(self.channels, CLASSES)
        return self

    def model(self):
        output = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, [None, None])
        graph = helper.make_graph(self.nodes, "net", [self.input], [output], self.constants)
        opsets = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        onnx.checker.check_model(model)
        return model


def grouped(n):
    n.conv(8, pads=[1] * 4)
    n.op("Relu")
    n.conv(12, group=4, pads=[1] * 4)
    n.op("Relu")
    return n.head()


def dilated(n):
    n.conv(6, dilations=[2, 3], pads=[2, 3, 2, 3])
    n.op("Relu")
    n.conv(8, dilations=[1, 2], strides=[2, 1])
    return n.head()


def asymmetric_padding(n):
    n.conv(6, pads=[0, 1, 2, 1], strides=[2, 2])
    n.op("Relu")
    n.conv(6, kernel=(2, 5), auto_pad="SAME_LOWER", strides=[1, 2])
    n.op("Relu")
    n.conv(6, kernel=2, auto_pad="SAME_UPPER")
    return n.head()


def depthwise_multiplier(n):
    n.conv(6, pads=[1] * 4)
    n.op("Clip", [n.last, n.constant(0), n.constant(6)])
    n.conv(18, group=6, pads=[1] * 4, strides=[2, 2])
    n.op("Clip", [n.last, n.constant(0), n.constant(6)])
    n.conv(8, kernel=1)
    return n.head()


def conv_transpose(n):
    n.conv(8, strides=[2, 2], pads=[1] * 4)
    n.op("Relu")
    n.transposed(6, kernel=4, strides=[2, 2], pads=[1] * 4)
    n.op("Relu")
    n.transposed(5, kernel=(2, 3), output_padding=[1, 0], strides=[2, 1], dilations=[1, 2])
    n.conv(6)
    return n.head()


def conv_transpose_grouped(n):
    n.conv(8, pads=[1] * 4)
    n.op("Relu")
    n.transposed(12, group=4, strides=[2, 2], bias=False)
    n.op("Relu")
    n.conv(6)
    return n.head()


def conv_transpose_norm(n):
    n.conv(8, pads=[1] * 4, bias=False)
    n.norm()
    n.op("Relu")
    n.transposed(8, group=2, kernel=2, strides=[2, 2])
    n.norm()
    n.op("Relu")
    n.transposed(6, kernel=2, bias=False)
    n.norm()
    return n.head()


def residual(n):
    n.conv(8, pads=[1] * 4)
    first = n.op("Relu")
    n.conv(8, pads=[1] * 4)
    n.op("Relu")
    n.conv(8, pads=[1] * 4)
    n.op("Add", [n.last, first])
    n.op("Relu")
    return n.head()


def concat(n):
    n.conv(4, pads=[1] * 4)
    first = n.op("Relu")
    n.conv(6, kernel=1)
    second = n.op("Relu")
    n.channels = 4
    n.conv(5, x=first, pads=[1] * 4)
    n.op("Concat", [first, second, n.last], axis=1)
    n.channels = 15
    n.norm()
    n.op("Relu")
    n.conv(6, kernel=1)
    return n.head()


def norm_first(n):
    n.norm()
    n.conv(6, pads=[1] * 4)
    n.op("Relu")
    n.norm()
    n.conv(8)
    return n.head()


def norm_gemm(n):
    n.op("Flatten", axis=1)
    n.gemm(3 * 12 * 12, 16, bias=False)
    n.norm(channels=16)
    n.op("Relu")
    n.norm(channels=16)
    n.gemm(16, 12, transposed=False)
    n.op("Relu")
    n.gemm(12, 8, alpha=0.5, beta=2.0)
    n.norm(channels=8)
    n.gemm(8, CLASSES)
    return n


def gemm_forms(n):
    """Fixed batch: `transA` needs the features first."""
    n.conv(4, strides=[2, 2])
    n.op("Relu")
    n.op("Flatten", axis=1)
    n.op("Transpose", perm=[1, 0])
    n.gemm(4 * 5 * 5, 12, transA=1)
    n.op("Relu")
    n.gemm(12, 10, transposed=False, alpha=0.7, beta=1.3)
    n.op("Relu")
    n.gemm(10, CLASSES)
    return n


def signal(n):
    """1-D."""
    n.conv(8, kernel=[5], strides=[2], pads=[2, 2])
    n.op("Relu")
    n.op("MaxPool", kernel_shape=[2], strides=[2])
    n.conv(8, kernel=[3], group=2, dilations=[2])
    n.norm()
    n.op("Relu")
    n.transposed(6, kernel=[2], strides=[2])
    return n.head()


def torch_reshape(n):
    """`x.view(x.size(0), -1)` as torch exports it."""
    n.conv(4, strides=[2, 2])
    features = n.op("Relu")
    n.op("Shape")
    n.op("Gather", [n.last, n.constant(0, np.int64)], axis=0)
    n.op("Unsqueeze", [n.last, n.constant([0], np.int64)])
    n.op("Concat", [n.last, n.constant([-1], np.int64)], axis=0)
    n.op("Reshape", [features, n.last])
    n.gemm(4 * 5 * 5, CLASSES)
    return n


def sigmoid(n):
    n.conv(6, pads=[1] * 4)
    n.op("Sigmoid")
    n.conv(6)
    n.op("Tanh")
    return n.head()


def silu(n):
    n.conv(6, pads=[1] * 4)
    x = n.last
    n.op("Mul", [x, n.op("Sigmoid")])
    n.conv(8)
    x = n.last
    n.op("Mul", [x, n.op("Sigmoid")])
    return n.head()


def hard_swish(n):
    n.conv(8, pads=[1] * 4)
    x = n.op("HardSwish")
    n.op("GlobalAveragePool")
    n.conv(4, kernel=1)
    n.op("Relu")
    n.conv(8, kernel=1)
    n.op("HardSigmoid", alpha=1 / 6, beta=0.5)
    n.op("Mul", [x, n.last])
    return n.head()


def leaky(n):
    n.conv(6, pads=[1] * 4)
    n.op("LeakyRelu", alpha=0.1)
    n.conv(6)
    n.op("PRelu", [n.last, n.constant(n.random.uniform(0, 0.5, (6, 1, 1)))])
    n.conv(6)
    n.op("Elu", alpha=0.8)
    return n.head()


def resize(n):
    n.conv(6, strides=[2, 2], pads=[1] * 4)
    n.op("Relu")
    scales = n.constant([1, 1, 2, 2])
    n.op(
        "Resize",
        [n.last, "", scales],
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )
    n.conv(6, pads=[1] * 4)
    n.op("Relu")
    n.op(
        "Resize",
        [n.last, "", scales],
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )
    n.conv(6)
    return n.head()


def pad(n):
    n.conv(6)
    n.op("Relu")
    n.op("Pad", [n.last, n.constant([0, 0, 1, 2, 0, 0, 1, 0], np.int64)])
    n.conv(6)
    n.op("Relu")
    n.op("Pad", [n.last, n.constant([0, 0, 2, 1, 0, 0, 1, 1], np.int64)], mode="reflect")
    n.conv(6)
    return n.head()


def matmul(n):
    n.conv(4, strides=[2, 2])
    n.op("Relu")
    n.op("Flatten", axis=1)
    n.op("MatMul", [n.last, n.weight(100, 12, gain=0.4)])
    n.op("Add", [n.last, n.weight(12)])
    n.op("Relu")
    n.op("MatMul", [n.last, n.weight(12, CLASSES, gain=0.7)])
    n.op("Add", [n.weight(CLASSES), n.last])
    return n


def softmax(n):
    n.conv(6, strides=[2, 2])
    n.op("Relu")
    n.head()
    n.op("Softmax", axis=1)
    return n


def average_pool(n):
    n.conv(6, pads=[1] * 4)
    n.op("Relu")
    n.op("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, count_include_pad=1)
    n.conv(6)
    n.op("AveragePool", kernel_shape=[2, 2], pads=[1, 0, 0, 1])
    n.op("AveragePool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    return n.head()


def max_pool(n):
    n.conv(6, pads=[1] * 4)
    n.op("Relu")
    n.op("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 0, 1], ceil_mode=1)
    n.conv(6)
    n.op("MaxPool", kernel_shape=[2, 2], dilations=[2, 2])
    return n.head()


def reduce_mean(n):
    n.conv(6, strides=[2, 2])
    n.op("Relu")
    n.op("ReduceMean", axes=[2, 3], keepdims=0)
    n.gemm(6, CLASSES)
    return n


def attention(n):
    """A product of two computed tensors."""
    n.conv(8, strides=[2, 2])
    n.op("Relu")
    n.op("Reshape", [n.last, n.constant([0, 8, 25], np.int64)])
    rows = n.last
    columns = n.op("Transpose", [rows], perm=[0, 2, 1])
    n.op("MatMul", [rows, columns])
    n.op("Softmax", axis=-1)
    n.op("MatMul", [n.last, rows])
    n.op("Flatten", axis=1)
    n.gemm(200, CLASSES)
    return n


def shared_weights(n):
    w, b = n.weight(3, 3, 3, 3), n.weight(3)
    for _ in range(2):
        n.op("Conv", [n.last, w, b], pads=[1] * 4)
        n.op("Relu")
    n.conv(6, strides=[2, 2])
    return n.head()


IMAGE, SIGNAL = (3, 12, 12), (2, 64)
NETWORKS = {
    f.__name__: (f, IMAGE, "N")
    for f in (
        grouped, dilated, asymmetric_padding, depthwise_multiplier, conv_transpose,
        conv_transpose_grouped, conv_transpose_norm, residual, concat, norm_first, norm_gemm,
        torch_reshape, sigmoid, silu, hard_swish, leaky, resize, pad, matmul, softmax,
        average_pool, max_pool, reduce_mean, attention, shared_weights,
    )
}
NETWORKS["signal"] = (signal, SIGNAL, "N")
NETWORKS["gemm_forms"] = (gemm_forms, IMAGE, 1)
NETWORKS["fixed_batch"] = (residual, IMAGE, 4)


def build(name):
    make, shape, batch = NETWORKS[name]
    seed = sum(name.encode())
    return centred(make(Network(shape, seed, batch)).model(), frames_for(shape), batch)


def centred(model, frames, batch):
    """The network with another bias in its last Gemm, so that no class wins on every frame."""
    graph = model.graph
    batch = batch if isinstance(batch, int) else FRAMES
    last = [n for n in graph.node if n.op_type == "Gemm" and len(n.input) == 3][-1:]
    for node in last:
        probe = onnx.ModelProto()
        probe.CopyFrom(model)
        made = helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None)
        del probe.graph.output[:]
        probe.graph.output.append(made)
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/probe.onnx"
            onnx.save(probe, path)
            logits = run(path, frames, optimized=True, batch=batch)
        bias = next(t for t in graph.initializer if t.name == node.input[2])
        values = numpy_helper.to_array(bias) - logits.mean(0, dtype=np.float32)
        bias.CopyFrom(numpy_helper.from_array(values.astype(np.float32), bias.name))
    return model


def frames_for(shape):
    """The frames that the Rust test makes, too: a hash of the place, plus a mean that differs from
    channel to channel and frame to frame, so that the networks see different classes."""
    count = FRAMES * int(np.prod(shape))
    place = np.arange(1, count + 1, dtype=np.uint64)
    code = (place * 2654435761 % 2**32 >> 16) % 512
    values = (code.astype(np.float32) - 256) / 512
    planes = values.reshape(FRAMES, shape[0], -1)
    frame, channel = np.indices((FRAMES, shape[0]))
    means = ((frame * 31 + channel * 17) % 13 - 6) / 4
    return (planes + means[:, :, None].astype(np.float32)).reshape(FRAMES, *shape)


def command(steer8, *arguments):
    done = subprocess.run([steer8, *arguments, "--json"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)


def compare(ours, theirs, scale):
    same = int((ours.argmax(1) == theirs.argmax(1)).sum())
    apart = np.abs(np.rint(ours / scale) - np.rint(theirs / scale)).astype(int)
    return f"{same} | {(apart == 0).mean():.2%} | {apart.max()}"


def frames_name(shape):
    return "x".join(map(str, shape))


def stored_recipes(name):
    """The default, and one of the others: each gets its turn."""
    if name == "average_pool":
        # Symmetric int8 keeps Relu, whose convolution ONNX Runtime then computes in float: near ties
        # differ, and windows of two or four elements make many.
        return ["default", "qoperator"]
    others = list(RECIPES)[1:]
    return ["default", others[list(NETWORKS).index(name) % len(others)]]


def pack(path, parts):
    """A zip that is the same bytes for the same parts."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in sorted(parts.items()):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, part)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steer8", default=str(ROOT / "target/release/steer8"))
    parser.add_argument("--only", default="")
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    heads = "same top-1 | same integers | furthest"
    print(f"| network | recipe | on: {heads} | off: {heads} | as float | left in float |")
    print("|" + "---|" * 10)
    goldens, parts = [], {}
    store = parts.__setitem__
    for name, (_, shape, batch) in NETWORKS.items():
        if args.only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            network, data = f"{folder}/{name}.onnx", f"{folder}/data.npz"
            model = build(name)
            onnx.save(model, network)
            frames = frames_for(shape)
            batch = batch if isinstance(batch, int) else FRAMES
            reference = run(network, frames, optimized=True, batch=batch)
            np.savez_compressed(data, x=frames, y=reference.argmax(1))
            store(f"networks/{name}.onnx", Path(network).read_bytes())
            store(f"frames/{frames_name(shape)}.npz", Path(data).read_bytes())
            stored = stored_recipes(name)
            for label, recipe in RECIPES.items():
                int8, answers = f"{folder}/int8.onnx", f"{folder}/answers.npy"
                try:
                    made = command(
                        args.steer8, "quantize", network, "-o", int8, "--calibration", data,
                        *recipe.split(),
                    )
                    command(
                        args.steer8, "evaluate", int8, "--data", data, "--predictions", answers
                    )
                except RuntimeError as why:
                    print(f"| {name} | {label} | {why} |", flush=True)
                    assert not args.store, "a network that is stored must run"
                    continue
                ours = np.load(answers)
                scale = last_scale(int8) or 1.0
                try:
                    theirs = [
                        run(int8, frames, on, precise=True, batch=batch) for on in (True, False)
                    ]
                except Exception as why:
                    print(f"| {name} | {label} | ONNX Runtime: {why} |", flush=True)
                    continue
                classes = reference.argmax(1)
                as_float = f"{(ours.argmax(1) == classes).sum()} ({len(set(classes))})"
                left = "; ".join(f"{l['op']}: {l['why']}" for l in made["left_in_float"])
                cells = [compare(ours, t, scale) for t in theirs]
                row = " | ".join([name, label, *cells, as_float, left])
                print(f"| {row} |", flush=True)
                if label in stored:
                    goldens.append(
                        {
                            "network": name,
                            "frames": frames_name(shape),
                            "recipe": made["recipe"],
                            "sha256": made["sha256"],
                            "left_in_float": [l["op"] for l in made["left_in_float"]],
                            "scale": scale,
                            "quanta": quanta(theirs[0], scale),
                        }
                    )
    if args.store:
        store("goldens.json", json.dumps(goldens).encode())
        pack(HERE / "shapes.zip", parts)


if __name__ == "__main__":
    main()
