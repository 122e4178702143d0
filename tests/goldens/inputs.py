"""Stores what ONNX Runtime answers to networks with several inputs, and to our int8 files of them.

    pip install -r requirements.txt
    cargo build
    python tests/goldens/inputs.py [--steer8 PROGRAM]

Writes `inputs.zip` beside this file: each network, frames with an array named for each input, the float outputs,
and for both formats the SHA-256 of our file, what is left in float, and the first output in quanta (optimizations
on, in the precise mode that `make.py` explains).
"""

import argparse
import hashlib
import io
import json
import subprocess
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
from drawing import session
from make import ROOT, output_scales, quanta
from onnx import TensorProto, helper
from shapes import Network

HERE = Path(__file__).parent
FRAMES = 12
CLASSES = 4
FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
BYTES, INT32, INT64 = TensorProto.UINT8, TensorProto.INT32, TensorProto.INT64
FORMATS = ("qdq", "qoperator")


class Inputs(Network):
    """A network with these inputs: a type and a frame's shape by name."""

    def __init__(self, seed, batch="N", **inputs):
        super().__init__((3, 1, 1), seed)
        self.batch = batch
        self.inputs = [helper.make_tensor_value_info(n, t, [batch, *s]) for n, (t, s) in inputs.items()]

    def look(self, x, channels, out):
        """What two convolutions see of a picture, a row of numbers."""
        self.last, self.channels = x, channels
        self.conv(6, strides=[2, 2])
        self.op("Relu")
        self.conv(out)
        self.op("Relu")
        self.op("GlobalAveragePool")
        return self.op("Flatten", axis=1)

    def join(self, count, *parts):
        """Scores of rows with so many numbers in all."""
        self.op("Concat", list(parts), axis=1)
        self.gemm(count, 10)
        self.op("Relu")
        self.gemm(10, CLASSES)
        return self

    def model(self):
        outputs = [helper.make_tensor_value_info(self.last, FLOAT, [self.batch, CLASSES])]
        graph = helper.make_graph(self.nodes, "net", self.inputs, outputs, self.constants)
        opsets = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        onnx.checker.check_model(model)
        return model


def image_speed():
    n = Inputs(1, image=(FLOAT, [3, 16, 16]), speed=(FLOAT, [1]))
    return n.join(9, n.look("image", 3, 8), "speed")


def bytes_speed():
    """Bytes with the channels last, a number a frame without an axis of its own."""
    n = Inputs(2, image=(BYTES, [16, 16, 3]), speed=(FLOAT, []))
    n.op("Cast", ["image"], to=FLOAT)
    n.op("Mul", [n.last, n.constant(1 / 255)])
    n.op("Transpose", perm=[0, 3, 1, 2])
    seen = n.look(n.last, 3, 8)
    return n.join(9, seen, n.op("Unsqueeze", ["speed", n.constant([1], np.int64)]))


def two_images():
    n = Inputs(3, batch=4, left=(FLOAT, [3, 12, 12]), right=(FLOAT, [1, 12, 12]))
    n.conv(5, x="left", pads=[1] * 4)
    left = n.op("Relu")
    n.channels = 1
    n.conv(4, x="right", pads=[1] * 4)
    n.op("Relu")
    n.channels = 9
    both = n.op("Concat", [left, n.last], axis=1)
    return n.join(6, n.look(both, 9, 6))


def commands():
    """What the driver wants chooses a row of a table; what it wanted before enters as numbers."""
    n = Inputs(4, image=(FLOAT, [3, 16, 16]), command=(INT64, []), before=(INT32, [3]))
    seen = n.look("image", 3, 8)
    row = n.op("Gather", [n.weight(4, 5), "command"])
    before = n.op("Cast", ["before"], to=FLOAT)
    return n.join(16, seen, row, before)


def one_hot():
    n = Inputs(5, batch=1, image=(FLOAT, [3, 16, 16]), command=(INT32, []))
    seen = n.look("image", 3, 8)
    n.op("OneHot", ["command", n.constant(4, np.int32), n.constant([0, 1])], axis=1)
    return n.join(12, seen, n.last)


def halves():
    n = Inputs(6, image=(HALF, [3, 16, 16]), state=(HALF, [4]), speed=(FLOAT, [1]))
    image = n.op("Cast", ["image"], to=FLOAT)
    seen = n.look(image, 3, 8)
    state = n.op("Cast", ["state"], to=FLOAT)
    return n.join(13, seen, state, "speed")


NETWORKS = (image_speed, bytes_speed, two_images, commands, one_hot, halves)


def frames_of(network, random):
    """What stands in the npz, and what ONNX Runtime is given."""
    stored, given = {}, {}
    for value in network.inputs:
        kind, shape = value.type.tensor_type.elem_type, value.type.tensor_type.shape.dim
        shape = [FRAMES, *(d.dim_value for d in shape[1:])]
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        if kind in (INT32, INT64):
            array = random.integers(0, 4, shape).astype(dtype)
        elif kind == BYTES:
            array = random.integers(0, 256, shape).astype(dtype)
        elif len(shape) == 4:
            pixels = random.integers(0, 256, [shape[0], *shape[2:], shape[1]]).astype(np.uint8)
            pixels = np.clip(pixels // 2 + np.arange(FRAMES, dtype=np.uint8)[:, None, None, None] * 10, 0, 255)
            stored[value.name] = pixels.astype(np.uint8)
            array = (stored[value.name].astype(np.float32) / np.float32(255)).transpose(0, 3, 1, 2).astype(dtype)
        else:
            array = random.normal(size=shape).astype(dtype)
        stored.setdefault(value.name, array)
        given[value.name] = array
    # As numpy has numbers if nobody asks.
    stored = {name: array.astype(np.float64) if name == "speed" else array for name, array in stored.items()}
    return stored, given


def run(model, given, batch, **how):
    s = session(model, **how)
    parts = [s.run(None, {n: a[i : i + batch] for n, a in given.items()})[0] for i in range(0, FRAMES, batch)]
    return np.concatenate(parts)


def quantized(steer8, folder, form):
    """Our file and what is left in float there."""
    paths = [f"{folder}/net.onnx", "-o", f"{folder}/{form}.onnx", "--calibration", f"{folder}/frames.npz"]
    done = subprocess.run([steer8, "quantize", *paths, "--format", form, "--json"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return f"{folder}/{form}.onnx", [left["op"] for left in json.loads(done.stdout)["left_in_float"]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steer8", default=str(ROOT / "target/debug/steer8"))
    args = parser.parse_args()
    goldens = []
    with zipfile.ZipFile(HERE / "inputs.zip", "w", zipfile.ZIP_DEFLATED) as pack:

        def store(name, content):
            pack.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)

        for make in NETWORKS:
            network, name = make(), make.__name__
            model = network.model()
            stored, given = frames_of(network, np.random.default_rng(sum(name.encode())))
            batch = network.batch if isinstance(network.batch, int) else 1
            frames = io.BytesIO()
            np.savez_compressed(frames, **stored)
            golden = {"name": name, "answers": run(model, given, batch).tolist()}
            with tempfile.TemporaryDirectory() as folder:
                onnx.save(model, f"{folder}/net.onnx")
                Path(f"{folder}/frames.npz").write_bytes(frames.getvalue())
                for form in FORMATS:
                    path, left = quantized(args.steer8, folder, form)
                    onnx.checker.check_model(onnx.load(path))
                    answers = run(path, given, batch, optimized=True, precise=True)
                    scale = output_scales(path)[0]
                    golden[form] = {
                        "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(),
                        "left_in_float": left,
                        "scale": scale,
                        "quanta": quanta(answers, scale),
                    }
                    off = np.abs(answers - np.array(golden["answers"])).max()
                    print(f"{name} {form}: left in float {left}, at most {off / scale:.1f} quanta from float")
            goldens.append(golden)
            store(f"{name}.onnx", model.SerializeToString())
            store(f"{name}.npz", frames.getvalue())
        store("goldens.json", json.dumps(goldens))


if __name__ == "__main__":
    main()
