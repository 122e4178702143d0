"""Ten steps of quantization-aware training in PyTorch, for the tests of our own.

    pip install -r requirements.txt torch==2.5.1
    python tests/goldens/training.py

Two networks: a small one with BatchNormalization (trained for five steps, then frozen and folded),
a depthwise convolution, an addition and a pool, made here, with 4-bit weights and Adam; and the
bundled `assignment`, with 8-bit weights and SGD. Scales are learned (LSQ).

PyTorch's autograd computes every gradient, in float64. Values go forward as the int8 file computes
them: sums of products of integers are exact, and they are scaled, clipped and rounded in float32.

Writes beside this file `training.json` (logits and losses of every step, gradients of the first,
parameters after the last), `training-small.onnx` and `training-small.npz` (its frames). Tensors of
more than SAMPLES values are stored as SAMPLES of them, evenly spread.
"""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import onnx
import torch
from PIL import Image
from onnx import TensorProto, helper, numpy_helper
from torch.nn import functional

HERE = Path(__file__).parent
MODELS = HERE.parent.parent / "models"
STEPS = 10
FROZEN_FROM = 5
SAMPLES = 256
SMOOTHING = 0.05
EPSILON = 1e-5
f32 = np.float32


class FakeQuantize(torch.autograd.Function):
    """`codes * scale`, with LSQ's gradients; `x` is the value in units of the scale."""

    @staticmethod
    def forward(context, real, scale, x, codes, low, high, clip, factor):
        context.save_for_backward(x, codes)
        context.rest = (low, high, clip, factor, scale.shape)
        return codes * scale

    @staticmethod
    def backward(context, gradient):
        x, codes = context.saved_tensors
        low, high, clip, factor, shape = context.rest
        clipped = x.clamp(*clip)
        within = (clipped >= low - 0.5) & (clipped <= high + 0.5)
        passes = within & (x > clip[0]) & (x < clip[1])
        of_scale = gradient * torch.where(within, codes - clipped, codes) * factor
        return gradient * passes, of_scale.sum_to_size(shape), *[None] * 6


def rounded(x, low, high, clip=(-np.inf, np.inf)):
    return x.clamp(*clip).clamp(low, high).round()


def least_error(weights, scale_of, high):
    """Of the range's hundredths, the scale with the least squared error."""
    best, least = None, np.inf
    absmax = f32(np.abs(weights).max())
    for hundredth in range(100, 0, -1):
        scale = scale_of(absmax * f32(hundredth / 100))
        codes = np.round(np.clip(weights / scale, -high, high)).astype(np.float64)
        error = ((weights.astype(np.float64) - codes * float(scale)) ** 2).sum()
        if error < least:
            best, least = scale, error
    return best


class Tensor:
    """Reals for autograd, and the integers that they are."""

    def __init__(self, real, codes, scale):
        self.real, self.codes, self.scale = real, codes, scale


class Net:
    def __init__(self, bits):
        self.high = 2 ** (bits - 1) - 1
        self.mse = bits < 8
        self.parameters, self.units, self.activations = {}, {}, {}
        self.statistics = {}
        self.frozen = False
        self.float = True

    def parameter(self, name, values, unit=1.0):
        self.parameters[name] = torch.tensor(np.array(values, f32), requires_grad=True)
        self.units[name] = torch.tensor(np.array(unit, f32))

    # The float network, to calibrate.

    def observe(self, name, x):
        low, high = self.activations.get(name, (0.0, 0.0))
        self.activations[name] = (min(low, x.min().item()), max(high, x.max().item()))
        return x

    def calibrated(self):
        for name, (low, high) in list(self.activations.items()):
            scale = (high - low) / 255
            zero_point = int(np.round(-low / scale))
            self.activations[name] = (f32(scale), zero_point)
            if name != "input":
                self.parameter(f"{name}.scale", f32(scale), f32(scale))
        self.float = False

    def weight_scales(self, name, folded):
        """Scales by output channel, of the layer's folded weights."""
        scale_of = lambda absmax: f32(float(absmax) / self.high)
        rows = folded.reshape(len(folded), -1)
        if self.mse:
            scales = [least_error(row, scale_of, self.high) for row in rows]
        else:
            scales = [scale_of(f32(np.abs(row).max())) for row in rows]
        self.parameter(f"{name}.scale", scales, scales)

    # The quantized network.

    def quantize(self, name, real, x, clip=(-np.inf, np.inf)):
        """`x`: the exact value in units of the scale; `clip`: what the activation lets through."""
        start, zero_point = self.activations[name]
        scale = self.parameters.get(f"{name}.scale")
        scale = torch.tensor(start) if scale is None else scale
        low, high = -zero_point, 255 - zero_point
        clip = [float(f32(c) / f32(scale.item())) for c in clip]
        codes = rounded(x, low, high, clip).double()
        reach = max(-low, high)
        factor = float(f32(1 / np.sqrt(real[0].numel() * reach)))
        wide = scale.double()
        real = FakeQuantize.apply(real, wide, x.double(), codes, low, high, clip, factor)
        return Tensor(real, codes, f32(scale.item()))

    def fold(self, name):
        """Gain (as float64, with its gradient) of the folded normalization."""
        _, variance = self.statistics[name]
        deviation = (torch.tensor(variance, dtype=torch.float64) + float(f32(EPSILON))).sqrt()
        return self.parameters[f"{name}.gain"].double() / deviation

    def layer(self, name, output, x, product, clip):
        """`product(x, weights)` without a bias."""
        weights = self.parameters[f"{name}.weight"]
        shape = [-1] + [1] * (weights.dim() - 1)
        across = [1, -1] + [1] * (weights.dim() - 2)
        bias = self.parameters.get(f"{name}.bias")
        real_bias = bias.double() if bias is not None else None
        folded = weights.double()
        normalized = f"{name}.gain" in self.parameters
        if normalized:
            gain = self.fold(name)
            folded = folded * gain.view(shape)
            mean = torch.tensor(self.statistics[name][0], dtype=torch.float64)
            real_bias = -mean * gain + self.parameters[f"{name}.shift"].double()
        if self.float:
            y = product(x, folded)
            y = y + real_bias.view(across) if real_bias is not None else y
            return self.observe(output, y.clamp(*clip))
        if f"{name}.scale" not in self.parameters:
            self.weight_scales(name, folded.detach().float().numpy())
        scale = self.parameters[f"{name}.scale"]
        high = self.high
        units = folded.detach().float() / scale.detach().view(shape)
        codes = rounded(units, -high, high).double()
        factor = float(f32(1 / np.sqrt(weights[0].numel() * high)))
        everything = (-np.inf, np.inf)
        rounded_weights = FakeQuantize.apply(
            folded, scale.double().view(shape), units.double(), codes, -high, high, everything, factor
        )
        real = product(x.real, rounded_weights)
        own = scale.detach().numpy()
        if normalized and not self.frozen:
            real = real / gain.view(across)
            axes = [0, 2, 3]
            mean = real.mean(axes, keepdim=True)
            variance = ((real - mean) ** 2).mean(axes, keepdim=True)
            count = real.numel() / real.shape[1]
            self.observed[name] = [
                mean.detach().flatten().numpy(),
                (variance * count / (count - 1)).detach().flatten().numpy(),
            ]
            real = (real - mean) / (variance + float(f32(EPSILON))).sqrt()
            real = real * self.parameters[f"{name}.gain"].double().view(across)
            real = real + self.parameters[f"{name}.shift"].double().view(across)
            exact = real.detach() / float(self.scale_of(output))
        else:
            sums = product(x.codes, codes)
            if real_bias is not None:
                real = real + real_bias.view(across)
                step = torch.tensor(f32(x.scale) * own, dtype=torch.float64)
                sums = sums + (real_bias.detach().float().double() / step).round().view(across)
            multiplier = torch.tensor(f32(x.scale) * own / self.scale_of(output))
            exact = sums.float() * multiplier.view(across)
        return self.quantize(output, real, exact.float(), clip)

    def scale_of(self, name):
        return f32(self.parameters[f"{name}.scale"].item())

    def step(self, frames, labels, optimizer):
        self.observed = {}
        logits = self(frames)
        loss = functional.cross_entropy(logits, labels, label_smoothing=float(f32(SMOOTHING)))
        loss.backward()
        gradients = {name: p.grad.clone() for name, p in self.parameters.items()}
        optimizer(self)
        for name, (mean, variance) in self.observed.items():
            old = self.statistics[name]
            self.statistics[name] = [
                (f32(0.9) * o + f32(0.1) * n.astype(f32)).astype(f32)
                for o, n in zip(old, (mean, variance))
            ]
        for p in self.parameters.values():
            p.grad = None
        return logits.detach(), loss.item(), gradients


class Small(Net):
    def __init__(self, random):
        super().__init__(bits=4)
        self.parameter("conv1.weight", random.normal(0, 0.4, (8, 3, 3, 3)))
        self.parameter("conv2.weight", random.normal(0, 0.5, (8, 1, 3, 3)))
        self.parameter("head.weight", random.normal(0, 0.2, (5, 72)))
        self.parameter("head.bias", random.normal(0, 0.2, 5))
        for name in ["conv1", "conv2"]:
            self.parameter(f"{name}.gain", random.uniform(0.5, 1.5, 8))
            self.parameter(f"{name}.shift", random.normal(0.3, 0.3, 8))
            self.statistics[name] = [
                random.normal(0, 0.2, 8).astype(f32),
                random.uniform(0.5, 2, 8).astype(f32),
            ]

    def __call__(self, x):
        convolution = lambda x, w: functional.conv2d(x, w, stride=2, padding=1)
        depthwise = lambda x, w: functional.conv2d(x, w, padding=1, groups=8)
        if self.float:
            x = self.observe("input", x)
        else:
            x = self.quantize("input", x, x.float() / self.activations["input"][0])
        a = self.layer("conv1", "a", x, convolution, (0, np.inf))
        b = self.layer("conv2", "b", a, depthwise, (0, 6))
        if self.float:
            c = self.observe("c", a + b)
            flat = functional.max_pool2d(c, 2).flatten(1)
        else:
            y = self.scale_of("c")
            exact = a.codes.float() * (a.scale / y) + b.codes.float() * (b.scale / y)
            c = self.quantize("c", a.real + b.real, exact)
            pool = lambda x: functional.max_pool2d(x, 2).flatten(1)
            flat = Tensor(pool(c.real), pool(c.codes), c.scale)
        logits = self.layer("head", "logits", flat, functional.linear, (-np.inf, np.inf))
        return logits if self.float else logits.real


class Assignment(Net):
    def __init__(self, model):
        super().__init__(bits=8)
        self.nodes = []
        tensors = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        graph = model.graph.node
        for i, node in enumerate(graph):
            if node.op_type not in ["Conv", "Gemm"]:
                continue
            relu = i + 1 < len(graph) and graph[i + 1].op_type == "Relu"
            self.parameter(f"{node.name}.weight", tensors[node.input[1]])
            self.parameter(f"{node.name}.bias", tensors[node.input[2]])
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            self.nodes.append((node, relu, graph[i + 1].output[0] if relu else node.output[0], attributes))

    def __call__(self, x):
        if self.float:
            x = self.observe("input", x)
        else:
            x = self.quantize("input", x, x.float() / self.activations["input"][0])
        for node, relu, output, attributes in self.nodes:
            clip = (0, np.inf) if relu else (-np.inf, np.inf)
            if node.op_type == "Conv":
                options = dict(stride=attributes["strides"], padding=attributes["pads"][:2])
                product = lambda x, w, options=options: functional.conv2d(x, w, **options)
            else:
                product = functional.linear
                flat = lambda x: x.flatten(1)
                x = flat(x) if self.float else Tensor(flat(x.real), flat(x.codes), x.scale)
            x = self.layer(node.name, output, x, product, clip)
        return x if self.float else x.real


def adam():
    """As torch.optim.AdamW without decay; a scale's steps are in units of its starting value."""
    moments = {}
    count = [0]

    @torch.no_grad()
    def step(net):
        count[0] += 1
        for name, p in net.parameters.items():
            m, v = moments.setdefault(name, (torch.zeros_like(p), torch.zeros_like(p)))
            m.mul_(0.9).add_(p.grad, alpha=0.1)
            v.mul_(0.999).addcmul_(p.grad, p.grad, value=0.001)
            denominator = v.sqrt() / np.sqrt(1 - 0.999 ** count[0]) + 1e-8
            p -= 1e-3 / (1 - 0.9 ** count[0]) * m / denominator * net.units[name]

    return step


def sgd():
    optimizer = []

    def step(net):
        if not optimizer:
            optimizer.append(torch.optim.SGD(net.parameters.values(), lr=1e-3, momentum=0.9))
        optimizer[0].step()

    return step


def sample(tensor):
    values = tensor.detach().double().flatten().numpy()
    if len(values) > SAMPLES:
        values = values[np.arange(SAMPLES) * len(values) // SAMPLES]
    return [float(f"{v:.8g}") for v in values]


def golden(net, frames, labels, batches, optimizer):
    with torch.no_grad():
        net(frames)
    net.calibrated()
    # The first forward pass makes the weights' scales.
    net.observed = {}
    net(frames[batches[0]])
    scales = {f"{k}.scale": float(s) for k, (s, _) in net.activations.items()}
    result = {"batches": batches, "scales": scales, "logits": [], "losses": []}
    for i, batch in enumerate(batches):
        net.frozen = i >= FROZEN_FROM
        logits, loss, gradients = net.step(frames[batch], labels[batch], optimizer)
        result["logits"].append(sample(logits))
        result["losses"].append(loss)
        if i == 0:
            result["gradients"] = {name: sample(g) for name, g in gradients.items()}
    result["parameters"] = {name: sample(p) for name, p in net.parameters.items()}
    return result


def small_model(net):
    values = {name: p.detach().numpy() for name, p in net.parameters.items()}
    for name, (mean, variance) in net.statistics.items():
        values[f"{name}.mean"], values[f"{name}.variance"] = mean, variance
    values["zero"], values["six"] = np.array(0, f32), np.array(6, f32)

    def norm(name, x):
        names = [f"{name}.{what}" for what in ["gain", "shift", "mean", "variance"]]
        node = helper.make_node("BatchNormalization", [x, *names], [f"{name}_n"], f"{name}_norm")
        return [node]

    nodes = [
        helper.make_node("Conv", ["input", "conv1.weight"], ["c1"], "conv1", strides=[2, 2], pads=[1] * 4),
        *norm("conv1", "c1"),
        helper.make_node("Relu", ["conv1_n"], ["a"], "relu"),
        helper.make_node("Conv", ["a", "conv2.weight"], ["c2"], "conv2", pads=[1] * 4, group=8),
        *norm("conv2", "c2"),
        helper.make_node("Clip", ["conv2_n", "zero", "six"], ["b"], "clip"),
        helper.make_node("Add", ["a", "b"], ["c"], "add"),
        helper.make_node("MaxPool", ["c"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "head.weight", "head.bias"], ["logits"], "head", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, 12, 12])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 5])],
        [numpy_helper.from_array(np.ascontiguousarray(v, f32), k) for k, v in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def validation_frames(count):
    """Some of the bundled frames, in the order of their paths, with their places and labels."""
    with zipfile.ZipFile(MODELS / "frames/validation.zip") as archive:
        names = sorted(archive.namelist())
        chosen = [i * len(names) // count for i in range(count)]
        image = lambda name: np.array(Image.open(io.BytesIO(archive.read(name))).convert("RGB"))
        pixels = np.stack([image(names[i]) for i in chosen])
    return chosen, pixels, np.array([int(names[i][0]) for i in chosen])


def main():
    torch.set_num_threads(1)
    random = np.random.default_rng(5)
    small = Small(random)
    onnx.save(small_model(small), HERE / "training-small.onnx")
    pixels = random.integers(0, 256, (16, 12, 12, 3), dtype=np.uint8)
    labels = random.integers(0, 5, 16)
    np.savez_compressed(HERE / "training-small.npz", x=pixels, y=labels)
    frames = lambda pixels: torch.from_numpy((pixels.astype(f32) / f32(255)).transpose(0, 3, 1, 2).copy()).double()
    batches = [list(range(i % 2 * 8, i % 2 * 8 + 8)) for i in range(STEPS)]
    result = {"small": golden(small, frames(pixels), torch.from_numpy(labels), batches, adam())}

    chosen, pixels, labels = validation_frames(32)
    net = Assignment(onnx.load(MODELS / "networks/assignment.onnx"))
    batches = [[(i * 16 + j) % 32 for j in range(16)] for i in range(STEPS)]
    result["assignment"] = golden(net, frames(pixels), torch.from_numpy(labels), batches, sgd())
    result["assignment"]["frames"] = chosen
    (HERE / "training.json").write_text(json.dumps(result, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
