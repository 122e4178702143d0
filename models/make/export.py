"""Exports a trained network to ONNX.

    python export.py assignment ../../target/models/assignment.pt ../networks/assignment.onnx
"""

import argparse
from pathlib import Path

import onnx
import torch

from networks import BUILDERS

OPSET = 17


def export(network, path, fold_constants=False):
    # Training mode "preserve" after eval() keeps BatchNormalization as it is:
    # the exporter's own "eval" would fold it into the convolutions.
    network.eval()
    torch.onnx.export(
        network,
        torch.zeros(1, 3, 96, 96),
        path,
        opset_version=OPSET,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=fold_constants,
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
    )
    onnx.checker.check_model(onnx.load(path), full_check=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("network", choices=BUILDERS)
    arguments.add_argument("checkpoint", type=Path)
    arguments.add_argument("output", type=Path)
    options = arguments.parse_args()
    network = BUILDERS[options.network]()
    network.load_state_dict(torch.load(options.checkpoint, weights_only=True))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    export(network, options.output)


if __name__ == "__main__":
    main()
