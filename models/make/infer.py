"""Runs an ONNX network with ONNX Runtime on one thread."""

import numpy as np
import onnxruntime

INPUT, LOGITS = "input", "logits"


def session(path, optimize=True):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def to_input(frames):
    """uint8 N,H,W,C to float32 N,C,H,W on the 0..1 scale."""
    return np.ascontiguousarray(frames.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


def says_values(network):
    return len(network.get_outputs()) > 1


def values(network, frames):
    """A column for each output; pixels enter as they are, N,H,W,C."""
    image = network.get_inputs()[0].name
    return np.concatenate(network.run(None, {image: frames.astype(np.float32)}), axis=1)


def logits(network, frames, batch=100):
    parts = np.array_split(frames, max(1, len(frames) // batch))
    return np.concatenate([network.run([LOGITS], {INPUT: to_input(part)})[0] for part in parts])
