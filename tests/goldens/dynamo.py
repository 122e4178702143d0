"""Small networks as PyTorch's present exporter writes them, with ONNX Runtime's answers.

    pip install numpy torch==2.15.0 onnxscript==0.7.2 onnx==1.23.2 onnxruntime==1.32.0
    cargo test --no-run --test native     # says the program's name
    python tests/goldens/dynamo.py --steer8 target/debug/deps/native-… [--only WORD] [--store]

Exports what people drive with, or put beside a convolutional network, with `dynamo=True`: in opset 18 and 20,
for one frame, for three and for any number; some with their weights in a file beside the network, which is the
exporter's default. Weights are seeded, and multiples of 1/256 so that they take little room; notes on where in a
program a node comes from are left out.

Prints what is wrong as `drawn.py` does. `--store` writes `dynamo.zip` beside this file for the Rust test, in the
form of `drawn.zip`, with the files of weights.
"""

import argparse
import io
import json
import logging
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import onnx
import torch
from drawn import Steer8, int8_golden, runs_in, shortly, verdict
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).parent
FRAME = [3, 16, 24]
# Opset, and frames that a run takes; 0: any number.
VARIANTS = [(18, 1), (18, 0), (20, 3), (20, 0)]
# Those whose weights stand in a file beside the network.
BESIDE = {("pilotnet", 18, 0), ("vision transformer", 20, 0), ("lstm", 20, 3)}


class PilotNet(nn.Module):
    """One steering angle a frame, without an axis of its own."""

    def __init__(self):
        super().__init__()
        self.seen = nn.Sequential(
            nn.Conv2d(3, 6, 5, 2, bias=False),
            nn.BatchNorm2d(6),
            nn.ELU(),
            nn.Conv2d(6, 8, 3, 2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Dropout(),
        )
        self.angle = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.ReLU(), nn.Linear(10, 1))

    def forward(self, x):
        return torch.tanh(self.angle(self.seen(x * 2 - 1))).squeeze(-1)


class SqueezeExcite(nn.Module):
    def __init__(self, channels, inner):
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, inner, 1), nn.Conv2d(inner, channels, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.up(F.relu(self.down(F.adaptive_avg_pool2d(x, 1)))))


class Mobile(nn.Module):
    """Depthwise convolutions, hard-swish and squeeze-excite, as in MobileNetV3."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
        self.block = nn.Sequential(
            nn.Conv2d(8, 16, 1, bias=False),
            nn.BatchNorm2d(16),
            nn.Hardswish(),
            nn.Conv2d(16, 16, 5, 1, 2, groups=16, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU6(),
            SqueezeExcite(16, 4),
            nn.Conv2d(16, 8, 1, bias=False),
            nn.BatchNorm2d(8),
        )
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.block(x)
        return self.head(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class VisionTransformer(nn.Module):
    """A class token laid before each frame's patches, attention written out by hand, GELU."""

    def __init__(self, width=12, heads=3):
        super().__init__()
        self.heads = heads
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, width) * 0.1)
        self.places = nn.Parameter(torch.randn(1, 7, width) * 0.1)
        self.before, self.within, self.last = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 24), nn.GELU(), nn.Linear(24, width))
        self.head = nn.Linear(width, 5)

    def attention(self, x):
        n, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(n, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        x = F.scaled_dot_product_attention(q, k, v)
        return self.out(x.transpose(1, 2).reshape(n, tokens, width))

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
        x = x + self.attention(self.before(x))
        x = x + self.mlp(self.within(x))
        return self.head(self.last(x)[:, 0])


class Encoder(nn.Module):
    """PyTorch's own encoder layer over the columns, and GELU as tanh has it."""

    def __init__(self):
        super().__init__()
        self.seen = nn.Conv2d(3, 8, (8, 3), (8, 3))
        self.encoder = nn.TransformerEncoderLayer(16, 4, 20, activation="relu", batch_first=True)
        self.head = nn.Sequential(nn.Linear(16, 8), nn.GELU(approximate="tanh"), nn.Linear(8, 4))

    def forward(self, x):
        x = self.seen(x).permute(0, 3, 1, 2).flatten(2)
        return self.head(self.encoder(x).mean(1)).softmax(-1)


class Recurrent(nn.Module):
    """Reads the columns of what convolutions see; classes from the last state."""

    def __init__(self, kind, **how):
        super().__init__()
        self.seen = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.LeakyReLU(0.1), nn.MaxPool2d(2))
        self.memory = kind(16, 6, batch_first=True, **how)
        self.head = nn.Linear(12 if how.get("bidirectional") else 6, 5)

    def forward(self, x):
        columns = self.seen(x).permute(0, 3, 1, 2).flatten(2)
        each, _ = self.memory(columns)
        return F.log_softmax(self.head(each[:, -1]), dim=1)


class Pyramid(nn.Module):
    """Down and up again: what is resized, padded, cut in parts and joined."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.left, self.right = nn.Conv2d(4, 4, 3), nn.Conv2d(4, 6, (1, 5), padding=(0, 2))
        self.deep = nn.Conv2d(10, 12, 3, 2, 1)
        self.up = nn.ConvTranspose2d(12, 6, 3, 2, 1, output_padding=1)
        self.shuffled = nn.Conv2d(16, 8, 1)
        self.head = nn.Conv2d(10, 2, 1)

    def forward(self, x):
        x = F.silu(self.stem(x))
        left, right = x.chunk(2, 1)
        left = self.left(F.pad(left, (1, 1, 1, 1), mode="reflect"))
        right = F.relu(self.right(F.pad(right, (0, 0, 1, 0))))[:, :, 1:]
        x = torch.cat([left, right], 1)
        deep = F.relu6(self.deep(x))
        small, large = deep.split([4, 8], 1)
        means = F.adaptive_avg_pool2d(large, (2, 3))
        up = self.up(deep) + F.interpolate(right, scale_factor=1.0, mode="nearest")
        joined = torch.cat([up, F.interpolate(means, size=x.shape[-2:], mode="bilinear")[:, :2]], 1)
        joined = torch.cat([joined, nn.functional.upsample(means, scale_factor=4, mode="nearest")], 1)
        joined = F.pixel_shuffle(self.shuffled(joined), 2)
        wide = F.interpolate(small, size=(16, 24), mode="bilinear", align_corners=True)
        wide = torch.cat([joined, wide, F.interpolate(wide, scale_factor=(0.5, 0.5)).repeat(1, 1, 2, 2)], 1)
        return torch.sigmoid(F.avg_pool2d(self.head(wide), 3, 2, 1))


class Norms(nn.Module):
    """Group, instance and layer normalization, the last over channels as in ConvNeXt."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.GroupNorm(2, 8), nn.SiLU())
        self.middle = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1), nn.InstanceNorm2d(8, affine=True), nn.Mish())
        self.plain = nn.InstanceNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 7, padding=3, groups=8)
        self.norm = nn.LayerNorm(8)
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))
        self.gain = nn.Parameter(torch.full((8,), 0.5))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(8), nn.Linear(8, 5))

    def forward(self, x):
        x = self.stem(x)
        x = x + self.plain(self.middle(x))
        inner = self.gain * self.mlp(self.norm(self.depthwise(x).permute(0, 2, 3, 1)))
        return self.head(x + inner.permute(0, 3, 1, 2))


class TwoOutputs(nn.Module):
    """Scores of classes, and steering and throttle in their ranges."""

    def __init__(self):
        super().__init__()
        self.seen = nn.Sequential(
            nn.Conv2d(3, 6, 3, 2, 1),
            nn.PReLU(6),
            nn.Conv2d(6, 12, 3, 1, 2, dilation=2, groups=2),
            nn.Softplus(),
            nn.MaxPool2d(3, 2, ceil_mode=True),
        )
        self.shared = nn.Linear(12 * 4 * 6, 8)
        self.scores, self.values = nn.Linear(8, 5), nn.Linear(8, 2)

    def forward(self, x):
        x = F.hardtanh(self.shared(self.seen(x).reshape(x.size(0), -1)))
        angle, throttle = self.values(x).unbind(1)
        return self.scores(x), torch.stack([angle.tanh(), throttle.sigmoid().clamp(0.1, 0.9)], dim=-1)


class Views(nn.Module):
    """Shapes that are computed: places beside the pixels, channels shuffled, where each channel looks."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(5, 8, 3, 2, 1)
        self.grouped = nn.Conv2d(8, 8, 3, 1, 1, groups=4)
        self.weights = nn.Parameter(torch.randn(8, 4) * 0.3)
        self.head = nn.Linear(20, 3)

    def forward(self, x):
        n, _, height, width = x.shape
        rows = torch.linspace(-1, 1, height).view(1, 1, -1, 1).expand(n, 1, height, width)
        columns = (torch.arange(width) / width).view(1, 1, 1, -1).expand(n, -1, height, -1)
        x = F.relu(self.stem(torch.cat([x, rows, columns], 1)))
        n, channels, height, width = x.shape
        x = x.view(n, 4, channels // 4, height, width).transpose(1, 2).contiguous().view(n, -1, height, width)
        x = self.grouped(x)
        seen = x.view(n, channels, -1).softmax(-1).view_as(x)
        down = (seen.sum(3) * torch.linspace(-1, 1, height)).sum(-1)
        across = (seen.sum(2) * torch.linspace(-1, 1, width)).sum(-1)
        mixed = torch.einsum("nchw,cd->nd", x, self.weights) / (height * width)
        joined = torch.cat([down, across, F.normalize(mixed, dim=1)], 1)
        return self.head(joined.view(joined.size(0), -1))


NETWORKS = {
    "pilotnet": PilotNet,
    "mobile": Mobile,
    "vision transformer": VisionTransformer,
    "encoder": Encoder,
    "lstm": lambda: Recurrent(nn.LSTM, num_layers=2),
    "gru": lambda: Recurrent(nn.GRU, bidirectional=True),
    "pyramid": Pyramid,
    "norms": Norms,
    "two outputs": TwoOutputs,
    "views": Views,
}


def seeded(make, seed):
    torch.manual_seed(seed)
    network = make().eval()
    with torch.no_grad():
        for name, values in network.state_dict().items():
            if name.endswith("running_mean"):
                values.normal_(0, 0.3)
            if name.endswith("running_var"):
                values.uniform_(0.5, 1.5)
            if values.is_floating_point():
                # As drawn by default, deep networks say nearly the same of all frames.
                gain = 2 if values.dim() > 1 else 1
                values.copy_(torch.round(values * gain * 256) / 256)
    return network


def pixels_of(seed, count):
    """Coarse squares with some noise, as bytes with their channels last."""
    random = np.random.default_rng(seed)
    channels, height, width = FRAME
    squares = random.integers(0, 224, (count, height // 4, width // 4, channels))
    noise = random.integers(0, 32, (count, height, width, channels))
    return (squares.repeat(4, 1).repeat(4, 2) + noise).astype(np.uint8)


def exported(network, opset, batch, beside, folder, name):
    """The network's file, and that of its weights if it has one."""
    path = Path(folder) / f"{name}.onnx"
    example = torch.zeros(batch or 2, *FRAME)
    shapes = None if batch else ({0: "batch"},)
    how = dict(dynamo=True, opset_version=opset, dynamic_shapes=shapes, external_data=beside, verbose=False)
    torch.onnx.export(network, (example,), path, **how)
    model = onnx.load(path, load_external_data=False)
    parts = [model.graph, *model.functions]
    for noted in [model, *parts, *(node for part in parts for node in part.node), *model.graph.value_info]:
        del noted.metadata_props[:]
        noted.doc_string = ""
    onnx.save(model, path)
    return {part.name: part.read_bytes() for part in sorted(Path(folder).iterdir())}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steer8", required=True, help="the test program `native`")
    parser.add_argument("--only", default="", help="only files whose name has this word")
    parser.add_argument("--store", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    steer8, goldens, pack = Steer8(options.steer8), [], {}
    for seed, (network, make) in enumerate(NETWORKS.items()):
        module = seeded(make, seed)
        for opset, batch in VARIANTS:
            name = f"{network} {opset} {batch or 'free'}"
            if options.only not in name:
                continue
            with tempfile.TemporaryDirectory() as folder:
                files = exported(module, opset, batch, (network, opset, batch) in BESIDE, folder, name)
                model = onnx.load(Path(folder) / f"{name}.onnx")
            batch = batch or 1
            pixels = pixels_of(seed, 2 * batch)
            frames = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255)
            print(f"{name}: {verdict(steer8, model, frames, batch) or 'right'}", flush=True)
            golden = {"name": name, "answers": shortly(runs_in(model, frames, batch))}
            for form in ("qdq", "qoperator"):
                golden[form] = int8_golden(steer8, form, model, frames, batch)
            goldens.append(golden)
            array = io.BytesIO()
            np.savez(array, x=pixels)
            pack |= {**files, f"{name}.npz": array.getvalue()}
    if options.store:
        with zipfile.ZipFile(HERE / "dynamo.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
            for name, data in {**pack, "goldens.json": json.dumps(goldens)}.items():
                file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)
    print(len(goldens), "files, PyTorch", torch.__version__)


if __name__ == "__main__":
    main()
