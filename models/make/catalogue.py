"""Writes ../catalogue.json: what the program bundles, with checksums.

    python catalogue.py ..
"""

import argparse
import hashlib
import json
import zipfile
from pathlib import Path

from environment import CLASSES, CONTROLS, DASHBOARD_ROWS, NEEDLES

# What a mirror changes: pairs of classes, values by their sign; and what of a picture of this height and
# width stays: so many rows from the bottom, in which needles from column to column turn in their place.
MIRROR = {
    "classes": [[1, 2]],
    "values": ["steering"],
    "size": [96, 96],
    "dashboard": DASHBOARD_ROWS,
    "needles": NEEDLES,
}

# Of a frame: channels, height, width.
SHAPE = [3, 96, 96]
# Of the table of all frames' values.
TABLE = "frames/values.csv"

NETWORKS = {
    "assignment": (
        "Assignment CNN",
        "The course's plain network: four convolutions and two linear layers.",
    ),
    "pilotnet": (
        "PilotNet",
        "NVIDIA's DAVE-2 of 2016, which steered a real car: five convolutions and four linear layers.",
    ),
    "mobilenet": (
        "MobileNetV2",
        "Inverted residual blocks: depthwise convolutions, batch normalization, ReLU6 and additions.",
    ),
    "pilotnet-steering": (
        "PilotNet, steering",
        "DAVE-2 as its users write it: an angle, gas and brake instead of classes; N,H,W,C, ELU.",
    ),
}
# What outputs say, where they are values.
OUTPUTS = {"pilotnet-steering": CONTROLS}
EXAMPLES = {
    "assignment-onnxruntime-qdq": (
        "assignment",
        "Assignment CNN, int8 by ONNX Runtime",
        "Quantized by ONNX Runtime's quantize_static: QDQ, per-channel, MinMax.",
    ),
    "assignment-pytorch-int8": (
        "assignment",
        "Assignment CNN, int8 by PyTorch",
        "Quantized by PyTorch's torch.ao.quantization and exported with torch.onnx.",
    ),
}


def checksum(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def network(models, name, title, summary, **more):
    file = f"networks/{name}.onnx"
    described = {"id": name, "file": file, "title": title, "summary": summary}
    return described | more | {"sha256": checksum(models / file)}


def frames(models, name):
    file = f"frames/{name}.zip"
    with zipfile.ZipFile(models / file) as archive:
        count = len(archive.namelist())
    return {"file": file, "sha256": checksum(models / file), "count": count}


def catalogue(models):
    shards = sorted(path.stem for path in (models / "frames").glob("training-*.zip"))
    return {
        "networks": [
            network(models, name, *texts, **({"outputs": OUTPUTS[name]} if name in OUTPUTS else {}))
            for name, texts in NETWORKS.items()
        ],
        "examples": [
            network(models, name, title, summary, of=of)
            for name, (of, title, summary) in EXAMPLES.items()
        ],
        "frames": {
            "shape": SHAPE,
            "validation": frames(models, "validation"),
            "calibration": frames(models, "calibration"),
            "training": [frames(models, shard) for shard in shards],
            "values": {"file": TABLE, "sha256": checksum(models / TABLE), "columns": CONTROLS},
            "mirror": MIRROR,
        },
        "classes": CLASSES,
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("models", type=Path)
    models = arguments.parse_args().models
    (models / "catalogue.json").write_text(json.dumps(catalogue(models), indent=2) + "\n")


if __name__ == "__main__":
    main()
