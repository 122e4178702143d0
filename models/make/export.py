"""Exports a trained network to ONNX.

    python export.py assignment ../../target/models/assignment.pt ../networks/assignment.onnx
"""

import argparse
from pathlib import Path

import onnx
import torch

from environment import CONTROLS
from networks import BUILDERS, PilotnetSteering

OPSET = 17


def export(network, path, fold_constants=False):
    # Training mode "preserve" after eval() keeps BatchNormalization as it is:
    # the exporter's own "eval" would fold it into the convolutions.
    network.eval()
    values = isinstance(network, PilotnetSteering)
    image = torch.zeros((1, 96, 96, 3) if values else (1, 3, 96, 96))
    inputs, outputs = (["image"], CONTROLS) if values else (["input"], ["logits"])
    torch.onnx.export(
        network,
        image,
        path,
        opset_version=OPSET,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=fold_constants,
        input_names=inputs,
        output_names=outputs,
        dynamic_axes={name: {0: "batch"} for name in inputs + outputs},
    )
    model = onnx.load(path)
    if values:
        # Steer8 divides pixels by 255 unless a network's file notes that it takes them as they are.
        onnx.helper.set_model_props(model, {"steer8.preprocessing": '{"divide":1.0}'})
        onnx.save(model, path)
    onnx.checker.check_model(model, full_check=True)


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
