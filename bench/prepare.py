"""What `cargo xtask bench` measures on and the repository does not hold.

    pip install -r bench/requirements.txt
    python bench/prepare.py FOLDER

Writes into FOLDER `frames.f32` (16 bundled validation frames, float32, N x 3 x 96 x 96, pixels/255)
and `resnet18.onnx`: torchvision's ResNet-18 for 96x96 and 5 classes as PyTorch's exporter writes it
in eval mode, BatchNormalization folded into the convolutions. Its weights are random, of a fixed
seed: good for time, not for driving.
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

ROOT = Path(__file__).parent.parent
FRAMES = 16
CLASSES = 5
SIZE = 96


def write_frames(path):
    with zipfile.ZipFile(ROOT / "models/frames/validation.zip") as pack:
        names = sorted(name for name in pack.namelist() if not name.endswith("/"))
        # Sorted by class: from all of them.
        names = names[:: len(names) // FRAMES][:FRAMES]
        images = [np.asarray(Image.open(io.BytesIO(pack.read(name)))) for name in names]
    x = np.stack(images).astype("<f4").transpose(0, 3, 1, 2) / np.float32(255)
    path.write_bytes(np.ascontiguousarray(x, dtype="<f4").tobytes())


class ResNet18:
    def __init__(self):
        self.random = np.random.default_rng(18)
        self.nodes = []
        self.weights = []

    def constant(self, name, values):
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def node(self, op, inputs, path, **attributes):
        output = f"{path}/{op}_output_0"
        name = f"{path}/{op}"
        self.nodes.append(helper.make_node(op, inputs, [output], name=name, **attributes))
        return output

    def conv(self, x, path, channels, kernel, stride, gain=1.0):
        """Gives the output's name; `channels` is (in, out)."""
        inputs, outputs = channels
        # He's initialization, which keeps the activations' size through a Relu.
        deviation = gain * np.sqrt(2 / (inputs * kernel * kernel))
        shape = (outputs, inputs, kernel, kernel)
        w = self.constant(f"{path}.weight", self.random.normal(0, deviation, shape))
        b = self.constant(f"{path}.bias", self.random.normal(0, 0.1, outputs))
        return self.node(
            "Conv",
            [x, w, b],
            f"/{path.replace('.', '/')}",
            dilations=[1, 1],
            group=1,
            kernel_shape=[kernel, kernel],
            pads=[kernel // 2] * 4,
            strides=[stride, stride],
        )

    def block(self, x, path, channels, stride):
        inputs, outputs = channels
        at = f"/{path.replace('.', '/')}"
        y = self.conv(x, f"{path}.conv1", (inputs, outputs), 3, stride)
        y = self.node("Relu", [y], f"{at}/relu")
        # Smaller, because the sum with the shortcut follows.
        y = self.conv(y, f"{path}.conv2", (outputs, outputs), 3, 1, gain=0.5)
        if stride != 1:
            x = self.conv(x, f"{path}.downsample.0", (inputs, outputs), 1, stride, gain=0.7)
        return self.node("Relu", [self.node("Add", [y, x], at)], f"{at}/relu_1")

    def model(self):
        x = self.conv("input", "conv1", (3, 64), 7, 2)
        x = self.node("Relu", [x], "/relu")
        x = self.node(
            "MaxPool", [x], "/maxpool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]
        )
        before = 64
        for stage, channels in enumerate((64, 128, 256, 512), 1):
            for block in range(2):
                stride = 2 if block == 0 and stage > 1 else 1
                x = self.block(x, f"layer{stage}.{block}", (before, channels), stride)
                before = channels
        x = self.node("GlobalAveragePool", [x], "/avgpool")
        x = self.node("Flatten", [x], "", axis=1)
        w = self.constant("fc.weight", self.random.normal(0, 512**-0.5, (CLASSES, 512)))
        b = self.constant("fc.bias", np.zeros(CLASSES))
        self.nodes.append(
            helper.make_node("Gemm", [x, w, b], ["logits"], name="/fc/Gemm", transB=1)
        )
        tensor = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        graph = helper.make_graph(
            self.nodes,
            "resnet18",
            [tensor("input", ["batch", 3, SIZE, SIZE])],
            [tensor("logits", ["batch", CLASSES])],
            self.weights,
        )
        opsets = [helper.make_opsetid("", 17)]
        return helper.make_model(graph, ir_version=8, opset_imports=opsets)


folder = Path(sys.argv[1])
write_frames(folder / "frames.f32")
model = ResNet18().model()
onnx.checker.check_model(model, full_check=True)
onnx.save(model, folder / "resnet18.onnx")
