"""Stores a small network that drives by values, as a pilot of TensorFlow comes, and a short drive for it.

    pip install -r requirements.txt
    python tests/goldens/steering.py

Writes `steering.onnx` beside this file: frames of N,H,W,C, two outputs of one value each (angle, throttle), the
turning of axes written out as tf2onnx does; weights are drawn. And `steering.npz`: uint8 frames of a road that
bends, in order, with the labels that the network meets but for some noise.
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
HEIGHT, WIDTH, FRAMES = 24, 32, 96


def network(random):
    nodes, weights = [], []

    def constant(name, value):
        weights.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def drawn(*shape):
        return random.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))

    x, channels = "frames", 3
    for i, (filters, kernel) in enumerate([(8, 5), (12, 3), (16, 3)]):
        w = constant(f"conv{i}_w", drawn(filters, channels, kernel, kernel))
        b = constant(f"conv{i}_b", random.normal(size=filters) * 0.1)
        nodes.append(helper.make_node("Transpose", [x], [f"first{i}"], f"turn{i}", perm=[0, 3, 1, 2]))
        nodes.append(helper.make_node("Conv", [f"first{i}", w, b], [f"conv{i}"], f"conv{i}", strides=[2, 2]))
        nodes.append(helper.make_node("Elu", [f"conv{i}"], [f"elu{i}"], f"elu{i}"))
        nodes.append(helper.make_node("Transpose", [f"elu{i}"], [f"last{i}"], f"back{i}", perm=[0, 2, 3, 1]))
        x, channels = f"last{i}", filters
    weights.append(numpy_helper.from_array(np.asarray([-1, 16 * 2], np.int64), "flat"))
    nodes.append(helper.make_node("Reshape", [x, "flat"], ["flattened"], "flatten"))
    nodes.append(helper.make_node("MatMul", ["flattened", constant("dense_w", drawn(32, 24) * 1.4)], ["dense"], "dense"))
    nodes.append(helper.make_node("Add", ["dense", constant("dense_b", np.zeros(24))], ["biased"], "bias"))
    nodes.append(helper.make_node("Relu", ["biased"], ["relu"], "relu"))
    for name in ["angle", "throttle"]:
        w = constant(f"{name}_w", random.normal(size=(24, 1)) * 0.3)
        nodes.append(helper.make_node("Gemm", ["relu", w, constant(f"{name}_b", [0.1])], [name], name))
    graph = helper.make_graph(
        nodes,
        "steering",
        [helper.make_tensor_value_info("frames", TensorProto.FLOAT, ["n", HEIGHT, WIDTH, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1]) for name in ["angle", "throttle"]],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)


def drive():
    """A grey road on green that bends to and fro."""
    frames = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    across = np.arange(WIDTH)
    for i in range(FRAMES):
        bend = np.sin(i / 9) * 10
        for row in range(HEIGHT):
            near = (row + 1) / HEIGHT
            middle = WIDTH / 2 + bend * (1 - near) ** 2
            road = np.abs(across - middle) < 2 + 9 * near
            frames[i, row] = np.where(road[:, None], [105, 105, 110], [90, 190 + i % 8, 80])
    return frames


def main():
    random = np.random.default_rng(4)
    model = network(random)
    onnx.checker.check_model(model)
    frames = drive()
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    said = np.concatenate(session.run(None, {"frames": frames.astype(np.float32) / 255}), axis=1)
    labels = said + random.normal(size=said.shape) * 0.02
    print(said.min(0), said.max(0))
    onnx.save(model, HERE / "steering.onnx")
    np.savez_compressed(HERE / "steering.npz", x=frames, y=labels.astype(np.float32))


if __name__ == "__main__":
    main()
