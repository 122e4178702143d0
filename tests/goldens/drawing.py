"""Draws networks: node by node, each run by ONNX Runtime on the values before it, so that its shapes are known
and nothing is drawn that ONNX Runtime does not take.

An operator is a function of a `Drawing` that chooses inputs and attributes, also at the edges of what is
allowed, and adds the node; `OPERATORS` has them all. The same seed and number give the same network.
"""

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

FLOAT = np.dtype(np.float32)
# Elements of a tensor and its largest value.
MOST, LARGEST = 6000, 1000.0
# What jumps where its input moves a little.
JUMPS = set("ArgMax ArgMin Ceil Floor Round Sign Mod TopK Hardmax OneHot NonZero Greater Less Equal And Or Xor Not".split())
JUMPS |= set("GreaterOrEqual LessOrEqual Cast Compress ThresholdedRelu Shrink IsInf IsNaN Where".split())
ODD = ["a b", "x/0:1", "é", "0", "y_scale", "x_quantized", "Conv_0", "net.0.weight", "::", "input", "output_0", "'q'"]


def session(model, optimized=False, precise=False):
    options = ort.SessionOptions()
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimized else level.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if precise:
        options.add_session_config_entry("session.x64quantprecision", "1")
    data = model if isinstance(model, (str, bytes)) else model.SerializeToString()
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


class Impossible(Exception):
    """There is nothing that the operator would take, or ONNX Runtime takes it not."""


class Drawing:
    def __init__(self, seed, number):
        self.random = np.random.default_rng([seed, number])
        self.opset = int(self.choice(range(7, 24)))
        self.batch = self.choice([1, 1, 1, 2])
        self.free = self.batch == 1 and self.chance(0.5)
        c, n = self.choice([1, 2, 3, 4]), self.choice([4, 5, 6, 7, 8])
        shapes = [[c, n, self.choice([n, n, 5, 8])]] * 6 + [[self.choice([1, 3, 8, 12])], [c, 9], [2, 3, 4, 4]]
        self.shape = [self.batch, *self.choice(shapes)]
        self.named = self.chance(0.3)
        self.taken, self.nodes, self.constants, self.values = set(), [], {}, {}
        self.shared, self.weights = [], set()
        self.input = self.name("x")
        low = self.choice([-2, 0])
        frames = self.random.uniform(low, 2 if low else 1, (4 * self.batch, *self.shape[1:]))
        self.frames = frames.astype(np.float32)
        self.values[self.input] = self.frames[: self.batch]

    # What is drawn.

    def choice(self, of):
        of = list(of)
        if not of:
            raise Impossible
        return of[int(self.random.integers(len(of)))]

    def chance(self, p):
        return bool(self.random.random() < p)

    def int(self, low, high):
        """Both are among what is drawn."""
        if high < low:
            raise Impossible
        return int(self.random.integers(low, high + 1))

    def normal(self, *shape, gain=1.0):
        return (self.random.normal(0, gain, shape)).astype(np.float32)

    def name(self, plain):
        base = self.choice(ODD) if self.named and self.chance(0.4) else f"{plain}{len(self.taken)}"
        while base in self.taken:
            base += "_"
        self.taken.add(base)
        return base

    def pick(self, kind="f", ranks=None, where=None):
        """A tensor drawn before; recent ones more often."""
        fits = [
            name
            for name, value in self.values.items()
            if value.dtype.kind == kind
            and (kind != "f" or value.dtype == FLOAT)
            and (ranks is None or value.ndim in ranks)
            and (where is None or where(value))
        ]
        if not fits:
            return self.made(kind, ranks, where)
        return fits[-1] if self.chance(0.6) else self.choice(fits)

    def made(self, kind, ranks, where):
        """Such a tensor, made of floats."""
        if kind == "b":
            return self.op("Not", [self.op("Greater", [self.pick(), self.pick()])])
        if kind == "i":
            return self.op("Cast", [self.op("Ceil", [self.pick()])], to=self.choice([6, 7]))
        x = self.pick()
        if where or not ranks or not self.of(x).ndim:
            raise Impossible
        rank, batch = self.choice(ranks), self.of(x).shape[0]
        if rank == 2 and self.chance(0.5):
            return self.op("Flatten", [x], axis=1)
        rest = self.of(x).size // batch
        factor = self.choice([f for f in (1, 2, 3, 4, 6) if rest % f == 0])
        return self.op("Reshape", [x, self.ints(*[batch, factor, -1, 1, 1][:rank])])

    def of(self, name):
        return self.values[name]

    def constant(self, values, dtype=None):
        values = np.asarray(values)
        values = values.astype(dtype or (np.float32 if values.dtype.kind == "f" else values.dtype))
        for name, other in self.constants.items():
            same = other.dtype == values.dtype and other.shape == values.shape
            if same and np.array_equal(other, values) and self.chance(0.5):
                return name
        name = self.name("c")
        self.constants[name] = values
        return name

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def weight(self, *shape):
        """Weights, sometimes those of another layer."""
        fitting = [name for name in self.shared if self.constants[name].shape == shape]
        if fitting and self.chance(0.5):
            return self.choice(fitting)
        fan = max(1, int(np.prod(shape[1:])))
        values = self.normal(*shape, gain=1 / np.sqrt(fan))
        if self.chance(0.1):
            values.flat[: values.size // shape[0]] = 0
        name = self.constant(values)
        self.shared.append(name)
        return name

    def positive(self, *shape):
        return self.constant(self.random.uniform(0.3, 1.5, shape).astype(np.float32))

    def axis(self, rank):
        if not rank:
            raise Impossible
        return self.int(-rank, rank - 1)

    def axes(self, rank, least=1, batch=False):
        """Several axes, some counted from behind; the batch's seldom."""
        if not rank:
            raise Impossible
        all_axes = range(0 if batch or self.chance(0.1) else min(1, rank - 1), rank)
        count = self.int(min(least, len(all_axes)), len(all_axes))
        some = self.random.permutation(list(all_axes))[:count]
        return [int(a) - (rank if self.chance(0.4) else 0) for a in some]

    def some(self, **attributes):
        """Each attribute in two of three nodes."""
        return {name: value for name, value in attributes.items() if self.chance(0.67)}

    # What is added.

    def op(self, op, inputs, outputs=1, domain="", **attributes):
        made = [self.name("t") for _ in range(outputs)]
        node_name = "" if self.chance(0.1) else f"{op}_{len(self.nodes)}"
        attributes = {k: v for k, v in attributes.items() if v is not None and v != []}
        node = helper.make_node(op, inputs, made, node_name, domain=domain, **attributes)
        results = self.run(node)
        for value in results:
            number = value.dtype.kind == "f"
            if value.size > MOST or value.size == 0 or value.ndim > 6:
                raise Impossible
            if number and not (np.isfinite(value).all() and np.abs(value).max() <= LARGEST):
                raise Impossible
        self.nodes.append(node)
        self.values.update(zip(made, results))
        return made[0]

    def run(self, node):
        computed = {name for name in node.input if name in self.values}
        if not computed:
            raise Impossible
        kinds = {name: helper.np_dtype_to_tensor_dtype(self.values[name].dtype) for name in computed}
        constants = [n for n in dict.fromkeys(node.input) if n in self.constants]
        graph = helper.make_graph(
            [node],
            "one",
            [helper.make_tensor_value_info(n, kinds[n], self.values[n].shape) for n in sorted(computed)],
            [onnx.ValueInfoProto(name=n) for n in node.output if n],
            [numpy_helper.from_array(self.constants[n], n) for n in constants],
        )
        try:
            return session(self.whole(graph)).run(None, {n: self.values[n] for n in computed})
        except Exception as why:
            raise Impossible(str(why)) from why

    def whole(self, graph):
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10 if self.opset > 20 else 8)

    def model(self):
        """The network; its outputs are what nothing reads, and some inner tensors."""
        read = {name for node in self.nodes for name in node.input}
        made = [name for node in self.nodes for name in node.output if name in self.values]
        known = [n for n in made if self.values[n].dtype.kind != "f" or self.values[n].dtype == FLOAT]
        ends = [n for n in known if n not in read]
        inner = [n for n in known if n in read]
        ends += [self.choice(inner) for _ in range(self.choice([0, 0, 0, 1, 2])) if inner]
        ends = list(dict.fromkeys(ends))
        floats = [n for n in ends if self.values[n].dtype == FLOAT] or [
            n for n in known if self.values[n].dtype == FLOAT
        ]
        if not floats:
            raise Impossible
        ends = [floats[-1]] + [n for n in ends if n != floats[-1]]
        shape = ["N" if self.free else self.batch, *self.shape[1:]]
        if self.free and len(shape) == 4 and self.chance(0.1):
            shape[2:] = ["H", "W"]
        kinds = {n: helper.np_dtype_to_tensor_dtype(self.values[n].dtype) for n in ends}
        shapes = {n: None if self.free or self.chance(0.5) else self.values[n].shape for n in ends}
        used = [name for name in self.constants if name in read]
        nodes, initializers = [], []
        for name in used:
            values = self.constants[name]
            if self.chance(0.15):
                tensor = numpy_helper.from_array(values, name)
                nodes.append(helper.make_node("Constant", [], [name], value=tensor))
            else:
                initializers.append(numpy_helper.from_array(values, name))
        inputs = [helper.make_tensor_value_info(self.input, TensorProto.FLOAT, shape)]
        if self.opset < 9 and self.chance(0.5):
            inputs += [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in initializers]
        outputs = [helper.make_tensor_value_info(n, kinds[n], shapes[n]) for n in ends]
        return self.whole(helper.make_graph(nodes + self.nodes, "drawn", inputs, outputs, initializers))


def drawn(seed, number, without=()):
    """A model, its frames and how many it takes at once, or none where the dice fell badly."""
    d = Drawing(seed, number)
    many = d.int(8, 18) if d.chance(0.6) else d.int(1, 7)
    known = {op: weight for op, (weight, since, _) in OPERATORS.items() if since <= d.opset and op not in without}
    names, weights = list(known), np.array(list(known.values()), float)
    weights /= weights.sum()
    for _ in range(60):
        if len(d.nodes) >= many:
            break
        op = str(d.random.choice(names, p=weights))
        try:
            OPERATORS[op][2](d, op)
        except (Impossible, IndexError, ZeroDivisionError, ValueError):
            # Of inputs without the axes that it asks for.
            continue
    try:
        return d.model(), d.frames, d.batch
    except Impossible:
        return None


# Functions of one element.


def unary(d, op):
    d.op(op, [d.pick()])


def tame(d, op):
    """Where it is not defined everywhere: of values between 0 and 1."""
    x = d.pick()
    if np.abs(d.of(x)).max() > 0.9 or (op in ("Log", "Sqrt", "Reciprocal") and d.of(x).min() < 0.01):
        x = d.op("Sigmoid", [x])
    if op == "Acosh":
        x = d.op("Add", [x, d.constant(np.float32(1.5))])
    d.op(op, [x])


def with_numbers(**names):
    def draw(d, op):
        drawn = d.some(**{name: float(d.choice(values)) for name, values in names.items()})
        d.op(op, [d.pick()], **drawn)

    return draw


def gelu(d, op):
    d.op(op, [d.pick()], **d.some(approximate=d.choice(["none", "tanh"])))


def clip(d, op):
    low, high = sorted(d.random.uniform(-1.5, 1.5, 2))
    if d.opset < 11:
        return d.op(op, [d.pick()], **d.some(min=float(low), max=float(high)))
    inputs = [d.pick(), d.choice(["", d.constant(np.float32(low))]), d.choice(["", d.constant(np.float32(high))])]
    while len(inputs) > 1 and not inputs[-1]:
        inputs.pop()
    d.op(op, inputs)


def prelu(d, op):
    x = d.pick(ranks=[2, 3, 4])
    shape = d.of(x).shape
    slopes = [(shape[1],) + (1,) * (len(shape) - 2), (1,), shape[1:], (shape[-1],)]
    d.op(op, [x, d.constant(d.normal(*d.choice(slopes)))])


def dropout(d, op):
    x = d.pick()
    if d.opset < 12:
        return d.op(op, [x], **d.some(ratio=0.3))
    d.op(op, [x, d.constant(np.float32(0.4))] if d.chance(0.5) else [x])


def no(d, op):
    d.op(op, [d.pick("b")])


def cast(d, op):
    x = d.pick(d.choice("ffib"))
    to = d.choice([1, 1, 6, 7, 9, 10, 11])
    y = d.op(op, [x], to=to)
    if to in (10, 11):
        d.op(op, [y], to=1)


def cast_like(d, op):
    d.op(op, [d.pick(d.choice("fib")), d.constant(d.choice([np.zeros(1, np.float32), np.zeros(1, np.int32)]))])


# What joins tensors.


def operand(d, x):
    """Something that x is joined with: computed, or a constant that spreads."""
    shape = d.of(x).shape
    if d.chance(0.4):
        same = [n for n, v in d.values.items() if v.dtype == d.of(x).dtype and spreads(v.shape, shape)]
        return d.choice(same)
    kept = shape[d.int(0, len(shape)) :]
    kept = tuple(1 if d.chance(0.3) else n for n in kept)
    if d.chance(0.05):
        kept = (2,) * (len(shape) == 1) + kept
    return d.constant(d.normal(*kept))


def spreads(a, b):
    return all(m == n or 1 in (m, n) for m, n in zip(a[::-1], b[::-1]))


def binary(d, op):
    x = d.pick()
    pair = [x, operand(d, x)]
    d.op(op, pair[::-1] if d.chance(0.3) else pair)


def divide(d, op):
    x = d.pick()
    if d.chance(0.3):
        y = d.op("Add", [d.op("Abs", [x]), d.constant(np.float32(0.7))])
        return d.op(op, [x, y])
    d.op(op, [x, d.positive(*d.of(x).shape[d.int(0, d.of(x).ndim) :])])


def power(d, op):
    x = d.pick()
    exponent = d.choice([2.0, 3.0, 0.5, -1.0, 1.0, 0.0])
    if exponent in (0.5, -1.0):
        x = d.op("Add", [d.op("Abs", [x]), d.constant(np.float32(0.5))])
    d.op(op, [x, d.constant(np.float32(exponent))])


def modulo(d, op):
    if d.chance(0.5):
        return d.op(op, [d.pick("i"), d.constant(3, d.of(d.pick("i")).dtype)])
    d.op(op, [d.pick(), d.constant(np.float32(d.choice([0.7, -0.7])))], fmod=1)


def several(d, op):
    x = d.pick()
    d.op(op, [x] + [operand(d, x) for _ in range(d.choice([0, 1, 1, 2, 3]))])


def compare(d, op):
    x = d.pick()
    if op == "Equal" and d.opset < 11:
        x = d.pick("i")
        return d.op(op, [x, d.constant(1, d.of(x).dtype)])
    d.op(op, [x, operand(d, x)])


def logic(d, op):
    x = d.pick("b")
    fits = [n for n, v in d.values.items() if v.dtype.kind == "b" and spreads(v.shape, d.of(x).shape)]
    d.op(op, [x, d.choice(fits)])


def where(d, op):
    x = d.pick("b")
    y = d.pick(where=lambda v: spreads(v.shape, d.of(x).shape))
    pair = [y, operand(d, y)] if d.chance(0.7) else [y, d.constant(np.float32(0.5))]
    d.op(op, [x, *(pair[::-1] if d.chance(0.5) else pair)])


def concat(d, op):
    x = d.pick(d.choice("fffi"))
    shape, axis = d.of(x).shape, d.axis(d.of(x).ndim)
    at = axis % len(shape)
    fits = [
        n
        for n, v in d.values.items()
        if v.dtype == d.of(x).dtype and v.ndim == len(shape) and v.shape[:at] + v.shape[at + 1 :] == shape[:at] + shape[at + 1 :]
    ]
    inputs = [x] + [d.choice(fits) for _ in range(d.int(0, 3))]
    if d.chance(0.2) and d.of(x).dtype == FLOAT:
        inputs.insert(d.int(0, len(inputs)), d.constant(d.normal(*shape)))
    d.op(op, inputs, axis=axis if d.opset >= 11 else at)


# Layers.


def window(d, plane, kernel=None, padded=True, ceil=False, dilated=True):
    """A window's attributes; every part at its edges."""
    kernel = kernel or [min(d.choice([1, 2, 3, 3, 5]), n + 1) for n in plane]
    attributes = {"kernel_shape": kernel}
    if d.chance(0.5):
        attributes["strides"] = [d.choice([1, 2, 2, 3]) for _ in plane]
    if dilated and d.chance(0.25):
        attributes["dilations"] = [d.choice([1, 2]) for _ in plane]
    which = d.int(0, 5)
    if which < 3 and padded:
        both = [[d.int(0, k - 1) if k > 1 else 0 for k in kernel] for _ in range(2)]
        attributes["pads"] = both[0] * 2 if which == 0 else both[0] + both[1]
    elif which == 3:
        attributes["auto_pad"] = d.choice(["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"])
        if attributes["auto_pad"].startswith("SAME") and "dilations" in attributes:
            del attributes["dilations"]
    if ceil and d.chance(0.4):
        attributes["ceil_mode"] = d.int(0, 1)
    for axis, (n, k) in enumerate(zip(plane, kernel)):
        pads = attributes.get("pads", [0] * (2 * len(plane)))
        reach = (k - 1) * attributes.get("dilations", [1] * len(plane))[axis] + 1
        same = attributes.get("auto_pad", "").startswith("SAME")
        # What no window fits into has no meaning.
        if not same and n + pads[axis] + pads[axis + len(plane)] < reach:
            raise Impossible
    return attributes


def activation(d, x):
    if d.chance(0.4):
        d.op(d.choice(["Relu", "Relu", "Sigmoid", "LeakyRelu", "Tanh"]), [x])


def conv(d, op):
    x = d.pick(ranks=[3, 4, 4, 5])
    _, c, *plane = d.of(x).shape
    group = d.choice([g for g in (1, 1, 1, 2, 3, c) if c % g == 0])
    attributes = window(d, plane, [d.choice([1, 2, 3, 3, 3, 5]) for _ in plane])
    if "auto_pad" not in attributes and "pads" not in attributes and min(plane) < 3:
        attributes["pads"] = [k // 2 for k in attributes["kernel_shape"]] * 2
    out = group * d.choice([1, 2, 3, 4])
    inputs = [x, d.weight(out, c // group, *attributes["kernel_shape"])]
    if d.chance(0.6):
        inputs.append(d.constant(d.normal(out, gain=0.3)))
    if d.chance(0.2):
        del attributes["kernel_shape"]
    activation(d, d.op(op, inputs, **attributes, **({"group": group} if group > 1 else {})))


def conv_transpose(d, op):
    x = d.pick(ranks=[3, 4, 4])
    _, c, *plane = d.of(x).shape
    group = d.choice([g for g in (1, 1, 2, c) if c % g == 0])
    kernel = [d.choice([1, 2, 3, 4]) for _ in plane]
    attributes = {"kernel_shape": kernel}
    strides = [d.choice([1, 2, 2, 3]) for _ in plane]
    if d.chance(0.7):
        attributes["strides"] = strides
        if d.chance(0.3):
            attributes["output_padding"] = [d.int(0, s - 1) for s in strides]
    if d.chance(0.4):
        attributes["pads"] = [d.int(0, (k - 1) // 2) for k in kernel + kernel]
    elif d.chance(0.2):
        attributes["auto_pad"] = d.choice(["SAME_UPPER", "SAME_LOWER", "VALID"])
    elif d.chance(0.1):
        attributes["output_shape"] = [n * 2 for n in plane]
    if d.chance(0.2):
        attributes["dilations"] = [d.choice([1, 2]) for _ in plane]
    out = d.choice([1, 2, 3])
    inputs = [x, d.weight(c, out, *kernel)]
    if d.chance(0.5):
        inputs.append(d.constant(d.normal(out * group, gain=0.3)))
    activation(d, d.op(op, inputs, group=group, **attributes))


def gemm(d, op):
    x = d.pick(ranks=[2])
    if d.chance(0.08):
        return d.op(op, [d.constant(d.normal(3, d.of(x).shape[0], gain=0.5)), x], **d.some(alpha=0.5))
    n, k = d.of(x).shape
    transposed, out = d.int(0, 1), d.choice([1, 2, 5, 8])
    inputs = [x, d.weight(*((out, k) if transposed else (k, out)))]
    attributes = d.some(alpha=float(d.choice([1, 0.5, -1])), beta=float(d.choice([1, 0, 2, 0.25])))
    if transposed or d.chance(0.5):
        attributes["transB"] = transposed
    if d.chance(0.05):
        attributes["transA"] = 1
        inputs[1] = d.weight(*((out, n) if transposed else (n, out)))
    if d.chance(0.7):
        bias = d.choice([(out,), (out,), (1, out), (1,), (), (n, 1)])
        inputs.append(d.constant(d.normal(*bias, gain=0.3)))
    elif d.opset < 11:
        inputs.append(d.constant(d.normal(out)))
    activation(d, d.op(op, inputs, **attributes))


def matmul(d, op):
    x = d.pick(ranks=[1, 2, 3, 4])
    shape = d.of(x).shape
    way = d.int(0, 9)
    if way == 0:
        y = d.constant(d.normal(d.int(1, 4), shape[-2] if len(shape) > 1 else shape[0], gain=0.4))
        return activation(d, d.op(op, [y, x]))
    if way == 1 and len(shape) > 1:
        order = list(range(len(shape)))
        order[-2:] = order[:-3:-1]
        return activation(d, d.op(op, [x, d.op("Transpose", [x], perm=order)]))
    if way == 2:
        return d.op(op, [x, d.constant(d.normal(shape[-1], gain=0.4))])
    if way == 3 and len(shape) > 2:
        batch = tuple(1 if d.chance(0.5) else n for n in shape[:-2])
        return activation(d, d.op(op, [x, d.constant(d.normal(*batch, shape[-1], 3, gain=0.4))]))
    y = d.op(op, [x, d.weight(shape[-1], d.choice([1, 2, 4, 7]))])
    if d.chance(0.5):
        y = d.op("Add", [y, d.constant(d.normal(d.of(y).shape[-1], gain=0.3))])
    activation(d, y)


def batch_norm(d, op):
    x = d.pick(ranks=[2, 3, 4, 5])
    c = d.of(x).shape[1]
    inputs = [x, d.constant(d.normal(c)), d.constant(d.normal(c)), d.constant(d.normal(c)), d.positive(c)]
    activation(d, d.op(op, inputs, **d.some(epsilon=d.choice([1e-5, 1e-3, 0.1]), momentum=0.5)))


def instance_norm(d, op):
    x = d.pick(ranks=[3, 4], where=lambda v: np.prod(v.shape[2:]) > 3)
    c = d.of(x).shape[1]
    d.op(op, [x, d.constant(d.normal(c)), d.constant(d.normal(c))], **d.some(epsilon=d.choice([1e-3, 0.1])))


def layer_norm(d, op):
    x = d.pick(ranks=[2, 3, 4])
    axis = d.axis(d.of(x).ndim)
    shape = d.of(x).shape[axis:]
    inputs = [x, d.constant(d.normal(*shape))]
    if op == "LayerNormalization" and d.chance(0.6):
        inputs.append(d.constant(d.normal(*shape)))
    d.op(op, inputs, axis=axis, **d.some(epsilon=d.choice([1e-3, 0.1])))


def group_norm(d, op):
    x = d.pick(ranks=[3, 4], where=lambda v: v[0, 0].size > 2)
    c = d.of(x).shape[1]
    groups = d.choice([g for g in (1, 2, 3, c) if c % g == 0])
    many = groups if d.opset < 21 else c
    d.op(op, [x, d.constant(d.normal(many)), d.constant(d.normal(many))], num_groups=groups, **d.some(epsilon=0.01))


def lp_norm(d, op):
    x = d.pick(ranks=[2, 3, 4])
    d.op(op, [x], **d.some(axis=d.axis(d.of(x).ndim), p=d.choice([1, 2])))


def mean_variance(d, op):
    # ONNX Runtime takes the square of the mean off the mean of the squares.
    x = d.pick(ranks=[4], where=lambda v: v[0].size > 4 and v.std() > 0.3 * abs(v.mean()))
    d.op(op, [x], **d.some(axes=d.choice([[0, 2, 3], [2, 3], [1, 2, 3], [-1]])))


def lrn(d, op):
    d.op(op, [d.pick(ranks=[4])], size=d.choice([1, 3, 5, 2]), **d.some(alpha=0.01, beta=0.5, bias=2.0))


def einsum(d, op):
    x = d.pick(ranks=[2, 3, 4])
    letters = "abcd"[: d.of(x).ndim]
    shape = d.of(x).shape
    way = d.int(0, 3)
    if way == 0:
        return d.op(op, [x], equation=f"{letters}->{''.join(d.random.permutation(list(letters)))}")
    if way == 1:
        return d.op(op, [x], equation=f"{letters}->{letters[:-1]}")
    if way == 2:
        return d.op(op, [x, x], equation=f"{letters},{letters}->{letters[0]}")
    d.op(op, [x, d.constant(d.normal(shape[-1], 3, gain=0.4))], equation=f"...{letters[-1]},{letters[-1]}z->...z")


def pool(d, op):
    x = d.pick(ranks=[3, 4, 4, 5])
    plane = list(d.of(x).shape[2:])
    ceil = {"MaxPool": 10, "AveragePool": 10, "LpPool": 18}[op] <= d.opset
    dilated = {"MaxPool": 10, "AveragePool": 19, "LpPool": 18}[op] <= d.opset
    attributes = window(d, plane, ceil=ceil, dilated=dilated)
    if op == "AveragePool" and d.chance(0.5):
        attributes["count_include_pad"] = d.int(0, 1)
    if op == "LpPool" and d.chance(0.5):
        attributes["p"] = d.choice([1, 2, 3])
    if op == "MaxPool" and d.chance(0.1):
        return d.op(op, [x], 2, **attributes)
    d.op(op, [x], **attributes)


def global_pool(d, op):
    x = d.pick(ranks=[3, 4, 5])
    d.op(op, [x], **({"p": d.choice([1, 2, 3])} if op == "GlobalLpPool" and d.chance(0.6) else {}))


def reduce(d, op):
    x = d.pick()
    if op in ("ReduceLogSum", "ReduceProd"):
        x = d.op("Sigmoid", [x])
    if not d.of(x).ndim:
        raise Impossible
    axes = d.axes(d.of(x).ndim) if d.chance(0.85) else None
    since = 13 if op == "ReduceSum" else 18
    if d.opset < 11 and axes:
        axes = sorted(a % d.of(x).ndim for a in axes)
    keep = d.some(keepdims=d.int(0, 1))
    if d.opset < since:
        return d.op(op, [x], axes=axes, **keep)
    if axes is None and d.chance(0.3):
        keep["noop_with_empty_axes"] = 1
    d.op(op, [x, d.ints(*axes)] if axes else [x], **keep)


def arg(d, op):
    x = d.pick()
    more = d.some(keepdims=d.int(0, 1))
    if d.opset >= 12 and d.chance(0.3):
        more["select_last_index"] = 1
    axis = d.axis(d.of(x).ndim)
    d.op(op, [x], axis=axis if d.opset >= 11 else axis % d.of(x).ndim, **more)


def cumsum(d, op):
    x = d.pick()
    axis = d.constant(np.array(d.axis(d.of(x).ndim), np.int64))
    d.op(op, [x, axis], **d.some(exclusive=d.int(0, 1), reverse=d.int(0, 1)))


def top_k(d, op):
    x = d.pick()
    axis = d.axis(d.of(x).ndim)
    k = d.int(1, d.of(x).shape[axis])
    if d.opset < 10:
        return d.op(op, [x], 2, axis=axis % d.of(x).ndim, k=k)
    more = d.some(largest=d.int(0, 1), sorted=1) if d.opset >= 11 else {}
    d.op(op, [x, d.ints(k)], 2, axis=axis, **more)


def softmax(d, op):
    x = d.pick(ranks=[2, 3, 4])
    axis = d.axis(d.of(x).ndim)
    d.op(op, [x], **d.some(axis=axis if d.opset >= 11 else axis % d.of(x).ndim))


# What moves elements.


def reshape(d, op):
    x = d.pick(d.choice("fffi"))
    shape = list(d.of(x).shape)
    total = d.of(x).size
    way = d.int(0, 4)
    if way == 0 and len(shape) > 1:
        wanted = [0, -1]
    elif way == 1 and len(shape) > 2:
        wanted = shape[:1] + [shape[1] * shape[2], *shape[3:]]
    elif way == 2:
        factor = d.choice([f for f in (1, 2, 3, 4) if total // shape[0] % f == 0])
        wanted = [shape[0], factor, -1]
    elif way == 3:
        wanted = [shape[0], -1, 1, 1]
    else:
        wanted = [0] * (len(shape) - 1) + [-1]
    more = {"allowzero": 0} if d.opset >= 14 and d.chance(0.2) else {}
    d.op(op, [x, d.ints(*wanted)], **more)


def flatten(d, op):
    x = d.pick(ranks=[2, 3, 4, 5])
    rank = d.of(x).ndim
    axis = d.choice([1, 1, 1, 0, 2, rank, *([-1, -rank] if d.opset >= 11 else [])])
    d.op(op, [x], **d.some(axis=axis))


def transpose(d, op):
    x = d.pick(d.choice("fffib"))
    rank = d.of(x).ndim
    order = [int(a) for a in d.random.permutation(rank)]
    if d.chance(0.6) and rank > 1:
        order = [0] + [int(a) + 1 for a in d.random.permutation(rank - 1)]
    d.op(op, [x], **d.some(perm=order))


def with_axes(d, op, x, axes):
    if d.opset < 11:
        rank = d.of(x).ndim + (len(axes) if op == "Unsqueeze" else 0)
        axes = sorted(a % rank for a in axes)
    if d.opset < 13:
        return d.op(op, [x], axes=axes)
    d.op(op, [x, d.ints(*axes)])


def squeeze(d, op):
    x = d.pick(d.choice("fffi"), where=lambda v: 1 in v.shape)
    shape = d.of(x).shape
    if d.chance(0.2):
        return d.op(op, [x])
    ones = [a for a, n in enumerate(shape) if n == 1]
    some = [int(a) for a in d.random.permutation(ones)[: d.int(1, len(ones))]]
    with_axes(d, op, x, [a - len(shape) if d.chance(0.3) else a for a in some])


def unsqueeze(d, op):
    x = d.pick(d.choice("fffib"), where=lambda v: v.ndim < 5)
    count = d.int(1, 2)
    rank = d.of(x).ndim + count
    some = [int(a) for a in d.random.permutation(rank)[:count]]
    with_axes(d, op, x, [a - rank if d.chance(0.3) else a for a in some])


def split(d, op):
    x = d.pick(where=lambda v: v.ndim and max(v.shape) > 1)
    shape = d.of(x).shape
    axis = d.axis(len(shape))
    length = shape[axis]
    parts = d.int(1, min(3, length))
    axis = axis if d.opset >= 11 else axis % len(shape)
    if d.chance(0.5):
        cuts = sorted(d.random.permutation(length - 1)[: parts - 1] + 1)
        sizes = [int(b - a) for a, b in zip([0, *cuts], [*cuts, length])]
        if d.opset < 13:
            return d.op(op, [x], len(sizes), axis=axis, split=sizes)
        return d.op(op, [x, d.ints(*sizes)], len(sizes), axis=axis)
    more = {"num_outputs": parts} if d.opset >= 18 else {}
    d.op(op, [x], parts, axis=axis, **more)


def slice_(d, op):
    x = d.pick(d.choice("fffi"), where=lambda v: v.ndim)
    shape = d.of(x).shape
    axes = d.axes(len(shape))
    starts, ends, steps = [], [], []
    for axis in axes:
        n = shape[axis]
        if d.opset >= 10 and d.chance(0.25):
            step = -d.int(1, 2)
            start, end = d.choice([-1, n - 1, n + 5]), d.choice([-n - 1, -(2**31), -(2**63) + 1])
        else:
            step = d.choice([1, 1, 1, 2, 3]) if d.opset >= 10 else 1
            start, end = d.choice([0, 0, 1, -2, -n - 3]), d.choice([n, n + 7, 2**31 - 1, 2**63 - 1, -1])
        starts, ends, steps = starts + [start], ends + [end], steps + [step]
    if d.opset < 10:
        axes = [a % len(shape) for a in axes]
        return d.op(op, [x], axes=axes, starts=starts, ends=ends)
    inputs = [x, d.ints(*starts), d.ints(*ends), d.ints(*axes), d.ints(*steps)]
    if all(step == 1 for step in steps) and d.chance(0.5):
        inputs.pop()
    d.op(op, inputs)


def pad(d, op):
    x = d.pick(where=lambda v: v.ndim > 1)
    shape = d.of(x).shape
    modes = ["constant"] * 3 + ["edge", "reflect"] + ["wrap"] * (d.opset >= 19)
    mode = d.choice(modes)
    rank = len(shape)
    pads = [0] * (2 * rank)
    for axis in range(1, rank):
        for at in (axis, rank + axis):
            most = shape[axis] - 1 if mode in ("reflect", "wrap") else 2
            pads[at] = d.int(0, min(2, most))
            if mode == "constant" and d.chance(0.1) and shape[axis] > 3:
                pads[at] = -1
    value = float(d.choice([0, 0, 0.5, -1]))
    if d.opset < 11:
        return d.op(op, [x], mode=mode, pads=pads, **d.some(value=value))
    inputs = [x, d.ints(*pads)]
    if mode == "constant" and d.chance(0.5):
        inputs.append(d.constant(np.float32(value)))
    if d.opset >= 18 and d.chance(0.3):
        axes = d.axes(rank)
        inputs = [x, d.ints(*[d.int(0, 1) for _ in axes * 2]), "", d.ints(*axes)]
        mode = d.choice(["constant", "edge"])
    d.op(op, inputs, **({} if mode == "constant" and d.chance(0.5) else {"mode": mode}))


def expand(d, op):
    x = d.pick()
    shape = [d.choice([n, 1]) if n > 1 else d.choice([1, 2, 3]) for n in d.of(x).shape]
    if shape:
        shape[0] = d.of(x).shape[0]
    d.op(op, [x, d.ints(*([2] * d.chance(0.1) + shape))])


def tile(d, op):
    x = d.pick(where=lambda v: v.ndim)
    d.op(op, [x, d.ints(*[1] + [d.choice([1, 1, 2, 3]) for _ in d.of(x).shape[1:]])])


def indices(d, length, *shape):
    low = -length if d.opset >= 11 else 0
    kind = d.choice([np.int64, np.int64, np.int32])
    return d.constant(d.random.integers(low, length, shape).astype(kind))


def gather(d, op):
    x = d.pick(d.choice("fffi"), where=lambda v: v.ndim)
    axis = d.axis(d.of(x).ndim)
    shape = d.choice([(), (1,), (3,), (2, 2)])
    axis = axis if d.opset >= 11 else axis % d.of(x).ndim
    d.op(op, [x, indices(d, d.of(x).shape[axis], *shape)], **d.some(axis=axis) if axis == 0 else {"axis": axis})


def gather_elements(d, op):
    x = d.pick(where=lambda v: v.ndim)
    axis, shape = d.axis(d.of(x).ndim), list(d.of(x).shape)
    length = shape[axis]
    shape[axis] = d.int(1, 4)
    d.op(op, [x, indices(d, length, *shape)], axis=axis)


def gather_nd(d, op):
    x = d.pick(where=lambda v: v.ndim > 1)
    shape = d.of(x).shape
    depth = d.int(1, len(shape))
    rows = [[d.int(-n, n - 1) for n in shape[:depth]] for _ in range(d.int(1, 3))]
    d.op(op, [x, d.constant(np.array(rows, np.int64))])


def scatter_elements(d, op):
    x = d.pick(where=lambda v: v.ndim)
    axis, shape = d.axis(d.of(x).ndim), list(d.of(x).shape)
    length = shape[axis]
    shape[axis] = min(2, length)
    places = np.argsort(d.random.random([length, *np.delete(shape, axis % len(shape))]), axis=0)[: shape[axis]]
    places = np.moveaxis(places, 0, axis % len(shape)).astype(np.int64)
    if d.chance(0.4):
        places -= length
    more = {}
    if d.opset >= 16 and d.chance(0.5):
        more["reduction"] = d.choice(["none", "add", "mul", *(["min", "max"] if d.opset >= 18 else [])])
    d.op(op, [x, d.constant(places), d.constant(d.normal(*shape))], axis=axis, **more)


def scatter_nd(d, op):
    x = d.pick(where=lambda v: v.ndim > 1)
    shape = d.of(x).shape
    depth = d.int(1, len(shape))
    rows = {tuple(d.int(0, n - 1) for n in shape[:depth]) for _ in range(d.int(1, 3))}
    rows = np.array(sorted(rows), np.int64)
    if d.chance(0.3):
        rows -= shape[:depth]
    more = {}
    if d.opset >= 16 and d.chance(0.5):
        more["reduction"] = d.choice(["none", "add", "mul", *(["min", "max"] if d.opset >= 18 else [])])
    d.op(op, [x, d.constant(rows), d.constant(d.normal(len(rows), *shape[depth:]))], **more)


def depth_to_space(d, op):
    x = d.pick(ranks=[4])
    if d.of(x).shape[1] % 4:
        x = d.op("Concat", [x] * 4, axis=1)
    mode = d.some(mode=d.choice(["DCR", "CRD"])) if d.opset >= 11 else {}
    d.op(op, [x], blocksize=2, **mode)


def space_to_depth(d, op):
    x = d.pick(ranks=[4], where=lambda v: v.shape[2] % 2 == 0 and v.shape[3] % 2 == 0)
    d.op(op, [x], blocksize=2)


def resize(d, op):
    x = d.pick(ranks=[3, 4, 4])
    shape = d.of(x).shape
    rank = len(shape)
    if d.opset < 11:
        scales = [1.0, 1.0] + [float(d.choice([1, 2, 3, 1.5])) for _ in shape[2:]]
        mode = d.choice(["nearest", "nearest", "linear"])
        if op == "Upsample" and d.opset < 9:
            return d.op(op, [x], scales=scales, mode=mode)
        return d.op(op, [x, d.constant(np.float32(scales))], mode=mode)
    mode = d.choice(["nearest", "nearest", "linear", "linear", "cubic"])
    coordinates = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]
    coordinates += ["half_pixel_symmetric"] * (d.opset >= 19) + ["tf_half_pixel_for_nn"] * (d.opset < 13 and mode == "nearest")
    more = d.some(mode=mode, coordinate_transformation_mode=d.choice(coordinates))
    more["mode"] = mode
    if mode == "nearest":
        more |= d.some(nearest_mode=d.choice(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]))
    if mode == "cubic":
        more |= d.some(cubic_coeff_a=-0.5, exclude_outside=d.int(0, 1))
    if d.opset >= 18 and mode != "nearest" and d.chance(0.3):
        more["antialias"] = 1
    nothing = d.constant(np.zeros(0, np.float32)) if d.opset < 13 or d.chance(0.3) else ""
    if d.chance(0.5):
        scales = [1.0, 1.0] + [float(d.choice([2, 2, 3, 1.5, 0.5, 1, 0.7])) for _ in shape[2:]]
        return d.op(op, [x, nothing, d.constant(np.float32(scales))], **more)
    sizes = list(shape[:2]) + [d.choice([n * 2, n, n + 3, max(1, n // 2)]) for n in shape[2:]]
    if d.opset >= 18 and d.chance(0.4):
        more["axes"] = list(range(2, rank))
        sizes = sizes[2:]
        more |= d.some(keep_aspect_ratio_policy=d.choice(["stretch", "not_larger", "not_smaller"]))
    scales = d.constant(np.zeros(0, np.float32)) if d.opset < 13 or d.chance(0.3) else ""
    d.op(op, [x, nothing, scales, d.ints(*sizes)], **more)


def trilu(d, op):
    x = d.pick(ranks=[2, 3, 4])
    inputs = [x] + ([d.constant(np.array(d.int(-2, 2), np.int64))] if d.chance(0.6) else [])
    d.op(op, inputs, **d.some(upper=d.int(0, 1)))


def reverse_sequence(d, op):
    x = d.pick(ranks=[2, 3, 4])
    shape = d.of(x).shape
    lengths = [d.int(1, shape[1]) for _ in range(shape[0])]
    d.op(op, [x, d.ints(*lengths)], batch_axis=0, time_axis=1)


def one_hot(d, op):
    x = d.op("ArgMax", [d.pick(where=lambda v: v.ndim > 1)], axis=1)
    values = d.constant(d.choice([np.float32([0, 1]), np.float32([-0.5, 2])]))
    d.op(op, [x, d.ints(d.int(2, 9)), values], **d.some(axis=d.choice([-1, 1, 0])))


def eye_like(d, op):
    d.op(op, [d.pick(ranks=[2])], dtype=1, **d.some(k=d.int(-1, 1)))


def shape_of(d, op):
    more = d.some(start=d.int(-3, 2), end=d.int(-2, 4)) if op == "Shape" and d.opset >= 15 else {}
    d.op(op, [d.pick()], **more)


def shape_back(d, op):
    """A shape that is taken apart and used, as exporters do."""
    x = d.pick(ranks=[2, 3, 4])
    n = d.op("Shape", [x])
    if op == "ConstantOfShape":
        value = d.choice([None, numpy_helper.from_array(np.float32([0.5])), numpy_helper.from_array(np.int64([3]))])
        return d.op(op, [n], value=value)
    first = d.op("Gather", [n, d.constant(np.array(0, np.int64))], axis=0)
    if op == "Range":
        last = d.op("Gather", [n, d.constant(np.array(-1, np.int64))], axis=0) if d.opset >= 11 else first
        return d.op(op, [d.constant(np.array(0, np.int64)), last, d.constant(np.array(1, np.int64))])
    if d.opset >= 13:
        first = d.op("Unsqueeze", [first, d.ints(0)])
    else:
        first = d.op("Unsqueeze", [first], axes=[0])
    target = d.op("Concat", [first, d.ints(-1)], axis=0)
    d.op("Reshape", [x, target])


def compress(d, op):
    x = d.pick(where=lambda v: v.ndim > 1)
    axis = d.axis(d.of(x).ndim)
    axis = axis if d.opset >= 11 else axis % d.of(x).ndim
    kept = d.random.random(d.of(x).shape[axis]) < 0.6
    kept[0] = True
    d.op(op, [x, d.constant(kept)], axis=axis)


def grid_sample(d, op):
    x = d.pick(ranks=[4])
    n, _, h, w = d.of(x).shape
    grid = d.random.uniform(-1.2, 1.2, (n, d.int(1, 4), d.int(1, 4), 2)).astype(np.float32)
    modes = ["linear", "nearest", "cubic"] if d.opset >= 20 else ["bilinear", "nearest", "bicubic"]
    more = d.some(mode=d.choice(modes), padding_mode=d.choice(["zeros", "border", "reflection"]), align_corners=d.int(0, 1))
    d.op(op, [x, d.constant(grid)], **more)


def center_crop_pad(d, op):
    x = d.pick(ranks=[3, 4])
    axes = d.axes(d.of(x).ndim)
    sizes = [max(1, d.of(x).shape[a] + d.int(-2, 3)) for a in axes]
    d.op(op, [x, d.ints(*sizes)], axes=axes)


def roi_align(d, op):
    x = d.pick(ranks=[4])
    h, w = d.of(x).shape[2:]
    boxes = np.float32([[0, 0, w - 1, h - 1], [0.5, 1, w / 2 + 1, h / 2 + 1]])
    more = d.some(mode=d.choice(["avg", "max"]), sampling_ratio=d.int(0, 2), spatial_scale=d.choice([1.0, 0.5]))
    if d.opset >= 16:
        more |= d.some(coordinate_transformation_mode=d.choice(["half_pixel", "output_half_pixel"]))
    d.op(op, [x, d.constant(boxes), d.ints(0, 0)], output_height=2, output_width=d.int(1, 3), **more)


def det(d, op):
    x = d.pick(ranks=[2, 3])
    n = d.of(x).shape[-1]
    d.op(op, [d.op("MatMul", [d.constant(d.normal(n, d.of(x).shape[-2], gain=0.4)), x])])


def recurrent(d, op):
    x = d.pick(ranks=[3])
    steps, batch, inputs = d.of(x).shape
    hidden, ways = d.int(1, 4), d.choice([1, 1, 2])
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
    direction = "bidirectional" if ways == 2 else d.choice(["forward", "reverse"])
    given = [x, d.weight(ways, gates * hidden, inputs), d.weight(ways, gates * hidden, hidden)]
    if d.chance(0.6):
        given.append(d.constant(d.normal(ways, 2 * gates * hidden, gain=0.3)))
        if d.chance(0.3):
            given.append("" if d.chance(0.5) else d.constant(d.random.integers(1, steps + 1, batch).astype(np.int32)))
            if d.chance(0.6):
                given.append(d.constant(d.normal(ways, batch, hidden)))
    more = {}
    if op == "GRU":
        more = d.some(linear_before_reset=d.int(0, 1))
    if d.chance(0.15):
        more["clip"] = 0.7
    if op == "RNN" and d.chance(0.3):
        more["activations"] = [d.choice(["Relu", "Tanh", "Sigmoid"])] * ways
    outputs = d.choice([1, 2, 3] if op == "LSTM" else [1, 2])
    d.op(op, given, outputs, hidden_size=hidden, direction=direction, **more)


def bitwise(d, op):
    x = d.pick("i")
    d.op(op, [x, d.constant(3, d.of(x).dtype)])


def col2im(d, op):
    x = d.pick(ranks=[2])
    y = d.op("MatMul", [x, d.weight(d.of(x).shape[1], 72)])
    y = d.op("Reshape", [y, d.ints(0, -1, 9)])
    d.op(op, [y, d.ints(4, 4), d.ints(2, 2)], **d.some(pads=[0, 0, 0, 0], strides=[1, 1]))


def ends_in_codes(d, op):
    """A tensor quantized and back, as quantized files have it."""
    x = d.pick()
    low, high = min(0.0, float(d.of(x).min())), max(0.0, float(d.of(x).max()))
    scale = d.constant(np.float32(max((high - low) / 255, 1e-3)))
    signed = d.chance(0.3)
    zero = np.int8(d.int(-20, 20)) if signed else np.uint8(np.clip(round(-low / max((high - low) / 255, 1e-3)), 0, 255))
    zero = d.constant(np.array(zero))
    d.op("DequantizeLinear", [d.op("QuantizeLinear", [x, scale, zero]), scale, zero])


def dynamic(d, op):
    x = d.pick(ranks=[2])
    codes = d.op("DynamicQuantizeLinear", [x], 3)
    scale, zero = d.nodes[-1].output[1:]
    w = d.constant(d.random.integers(-60, 60, (d.of(x).shape[1], 4)).astype(np.int8))
    y = d.op("MatMulInteger", [codes, w, zero])
    d.op("Mul", [d.op("Cast", [y], to=1), d.op("Mul", [scale, d.constant(np.float32(0.01))])])


# Weight among those drawn, the first operator set that has it, and how it is drawn.
OPERATORS = {
    **{op: (1, 7, unary) for op in "Abs Neg Sigmoid Tanh Floor Ceil Sin Cos Atan Softplus Softsign Identity Exp".split()},
    **{op: (1, 9, unary) for op in "Sign Erf Sinh Cosh Asinh IsNaN".split()},
    **{op: (1, since, unary) for op, since in [("Round", 11), ("IsInf", 10), ("HardSwish", 14), ("Mish", 18)]},
    **{op: (1, 7, tame) for op in "Log Sqrt Reciprocal Tan Asin Acos".split()},
    **{op: (1, 9, tame) for op in "Atanh Acosh".split()},
    "Relu": (4, 7, unary),
    "Elu": (1, 7, with_numbers(alpha=[1, 0.5, 2])),
    "Selu": (1, 7, with_numbers(alpha=[1.6, 0.5], gamma=[1, 2])),
    "LeakyRelu": (2, 7, with_numbers(alpha=[0, 0.01, 0.3, 1, 1.5, -0.5])),
    "ThresholdedRelu": (1, 10, with_numbers(alpha=[0, 0.5, 1])),
    "HardSigmoid": (1, 7, with_numbers(alpha=[0.2, 1 / 6, 1], beta=[0.5, 0, -0.3])),
    "Celu": (1, 12, with_numbers(alpha=[0.5, 1, 3])),
    "Shrink": (1, 9, with_numbers(lambd=[0.5, 0.2, 0], bias=[0, 0.1, -0.2])),
    "Gelu": (1, 20, gelu),
    "Clip": (3, 7, clip),
    "PRelu": (2, 7, prelu),
    "Dropout": (1, 7, dropout),
    "Not": (1, 7, no),
    "Cast": (2, 9, cast),
    "CastLike": (1, 15, cast_like),
    "Add": (4, 7, binary),
    "Sub": (2, 7, binary),
    "Mul": (3, 7, binary),
    "Div": (2, 7, divide),
    "Pow": (1, 7, power),
    "Mod": (1, 10, modulo),
    **{op: (1, 8, several) for op in "Min Max Sum Mean".split()},
    **{op: (1, 9, compare) for op in "Greater Less Equal".split()},
    **{op: (1, 12, compare) for op in "GreaterOrEqual LessOrEqual".split()},
    **{op: (1, 7, logic) for op in "And Or Xor".split()},
    "Where": (2, 9, where),
    "Concat": (4, 7, concat),
    "Conv": (12, 7, conv),
    "ConvTranspose": (3, 7, conv_transpose),
    "Gemm": (5, 7, gemm),
    "MatMul": (5, 7, matmul),
    "BatchNormalization": (4, 7, batch_norm),
    "InstanceNormalization": (2, 7, instance_norm),
    "LayerNormalization": (2, 17, layer_norm),
    "RMSNormalization": (1, 23, layer_norm),
    "GroupNormalization": (1, 21, group_norm),
    "LpNormalization": (1, 7, lp_norm),
    "MeanVarianceNormalization": (1, 9, mean_variance),
    "LRN": (1, 7, lrn),
    "Einsum": (1, 12, einsum),
    **{op: (3, 7, pool) for op in "MaxPool AveragePool".split()},
    "LpPool": (1, 7, pool),
    "GlobalAveragePool": (2, 7, global_pool),
    **{op: (1, 7, global_pool) for op in "GlobalMaxPool GlobalLpPool".split()},
    **{op: (2, 7, reduce) for op in "ReduceMean ReduceSum".split()},
    **{op: (1, 7, reduce) for op in "ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum".split()},
    **{op: (1, 7, reduce) for op in "ReduceLogSumExp ReduceSumSquare".split()},
    **{op: (1, 7, arg) for op in "ArgMax ArgMin".split()},
    "CumSum": (1, 11, cumsum),
    "TopK": (1, 7, top_k),
    "Softmax": (2, 7, softmax),
    "LogSoftmax": (1, 7, softmax),
    "Hardmax": (1, 7, softmax),
    "Reshape": (3, 7, reshape),
    "Flatten": (3, 7, flatten),
    "Transpose": (3, 7, transpose),
    "Squeeze": (2, 7, squeeze),
    "Unsqueeze": (2, 7, unsqueeze),
    "Split": (2, 7, split),
    "Slice": (2, 7, slice_),
    "Pad": (2, 7, pad),
    "Expand": (1, 8, expand),
    "Tile": (1, 7, tile),
    "Gather": (1, 7, gather),
    "GatherElements": (1, 11, gather_elements),
    "GatherND": (1, 12, gather_nd),
    "ScatterElements": (1, 11, scatter_elements),
    "ScatterND": (1, 11, scatter_nd),
    "DepthToSpace": (2, 7, depth_to_space),
    "SpaceToDepth": (1, 7, space_to_depth),
    "Resize": (3, 10, resize),
    "Trilu": (1, 14, trilu),
    "ReverseSequence": (1, 10, reverse_sequence),
    "OneHot": (1, 9, one_hot),
    "EyeLike": (1, 9, eye_like),
    "Shape": (1, 7, shape_of),
    "Size": (1, 7, shape_of),
    "ConstantOfShape": (1, 9, shape_back),
    "Range": (1, 11, shape_back),
    "a shape used": (1, 9, shape_back),
    "Compress": (1, 9, compress),
    "GridSample": (1, 16, grid_sample),
    "CenterCropPad": (1, 18, center_crop_pad),
    "RoiAlign": (1, 10, roi_align),
    "Det": (1, 11, det),
    "Col2Im": (1, 18, col2im),
    **{op: (1, 7, recurrent) for op in "LSTM GRU RNN".split()},
    **{op: (1, 18, bitwise) for op in "BitwiseAnd BitwiseOr BitwiseXor".split()},
    "codes": (0.6, 10, ends_in_codes),
    "DynamicQuantizeLinear": (0.5, 11, dynamic),
}


def upsample(d, op):
    if d.opset > 9:
        raise Impossible
    resize(d, op)


OPERATORS["Upsample"] = (3, 7, upsample)
