"""Prints the layers, parameters, MACs and checksum of ONNX networks, for the card.

    python describe.py ../networks/*.onnx

One MAC is one multiply-add of Conv or Gemm; biases are not counted as MACs.
"""

import argparse
import hashlib
from math import prod
from pathlib import Path

import onnx


def shapes(model):
    inferred = onnx.shape_inference.infer_shapes(model).graph
    values = [*inferred.input, *inferred.value_info, *inferred.output]
    return {
        # The batch is free; the card counts for one frame.
        value.name: [1] + [dim.dim_value for dim in value.type.tensor_type.shape.dim[1:]]
        for value in values
    }


def macs(node, output_shape, weight_shape):
    if node.op_type == "Conv":
        return prod(output_shape) * prod(weight_shape[1:])
    return prod(weight_shape) if node.op_type == "Gemm" else 0


def describe(path):
    model = onnx.load(path)
    shape_of = shapes(model)
    weights = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    total_macs = 0
    print(f"\n{path.name}\n\n| # | operator | weights | output | MACs |\n|---|---|---|---|---|")
    layers = [node for node in model.graph.node if node.op_type not in ("Constant", "Identity")]
    for number, node in enumerate(layers, 1):
        output = shape_of[node.output[0]]
        kernels = [weights[name] for name in node.input if name in weights]
        count = macs(node, output, kernels[0]) if kernels else 0
        total_macs += count
        size, shape = ("x".join(map(str, dims)) for dims in (kernels[0] if kernels else [], output))
        cells = (number, node.op_type, size, shape, count or "")
        print("| " + " | ".join(map(str, cells)) + " |")
    values = sum(prod(dims) for dims in weights.values())
    bytes_ = path.read_bytes()
    print(f"\nvalues in initializers {values:,}, MACs {total_macs:,}, {len(bytes_):,} bytes")
    print(f"opset {model.opset_import[0].version}, SHA-256 {hashlib.sha256(bytes_).hexdigest()}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("networks", nargs="+", type=Path)
    for path in arguments.parse_args().networks:
        describe(path)


if __name__ == "__main__":
    main()
