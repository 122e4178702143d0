"""Stores the standard's own tests, every one of them, as small networks.

    pip install -r requirements.txt
    python tests/goldens/standard.py FOLDER [FILE]
    STEER8_STANDARD=FILE cargo test --test native -- --ignored all_tests_of_the_standard

`FOLDER` is `onnx/backend/test/data` of an onnx package whose tests are stored as files (up to 1.16); those of
the installed package are made by its own generator. Each tensor that a test gives stays a network's input in
turn, while the others become initializers; what is expected is the test's. Writes `FILE` with all of
them, or `standard.zip` beside this file with those that are small: the networks one after the other, all numbers, each list of them once, and `cases.json`, which says what
lies where.
"""

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, numpy_helper

HERE = Path(__file__).parent
# Bytes of a network, and numbers of its input and outputs, that are stored here.
SMALL = 4000
NARROW = {
    TensorProto.FLOAT16: "16-bit floats",
    TensorProto.BFLOAT16: "16-bit floats",
    TensorProto.STRING: "strings",
    TensorProto.COMPLEX64: "complex numbers",
    TensorProto.COMPLEX128: "complex numbers",
}
EIGHT = {"FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0", "FLOAT4E2M1"}
NARROW |= {getattr(TensorProto, name): "8-bit floats" for name in EIGHT if hasattr(TensorProto, name)}
RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}


def stored(folder):
    """The tests of a package that has them as files: name, network, inputs, outputs."""
    for model in sorted(folder.glob("*/model.onnx")):
        data = model.parent / "test_data_set_0"
        network = onnx.load(model)
        files = lambda kind: sorted(data.glob(f"{kind}_*.pb"), key=lambda f: int(f.stem.split("_")[1]))
        yield model.parent.name, network, *(values(network, files(k), k) for k in ("input", "output"))


def values(network, files, kind):
    """Tensors; `None` for what is none."""
    declared = getattr(network.graph, kind)
    read = []
    for file, value in zip(files, declared):
        tensor = TensorProto()
        if value.type.HasField("tensor_type"):
            tensor.ParseFromString(file.read_bytes())
        read.append(tensor if value.type.HasField("tensor_type") else None)
    return read


def made():
    from onnx.backend.test.case.node import collect_testcases

    for case in sorted(collect_testcases(None), key=lambda case: case.name):
        if case.data_sets:
            inputs, outputs = case.data_sets[0]
            tensor = lambda value: value if isinstance(value, TensorProto) else as_tensor(value)
            yield case.name, case.model, [tensor(v) for v in inputs], [tensor(v) for v in outputs]


def as_tensor(value):
    plain = isinstance(value, (np.ndarray, np.generic))
    return numpy_helper.from_array(np.asarray(value)) if plain else None


def graphs(graph):
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from graphs(inner)


def excuse(model, tensors):
    """What may be refused, by name."""
    values = [v for graph in graphs(model.graph) for v in [*graph.input, *graph.output, *graph.value_info]]
    kinds = {value.type.WhichOneof("value") for value in values} - {None}
    nodes = [node for graph in graphs(model.graph) for node in graph.node]
    nodes += [node for function in model.functions for node in function.node]
    operators = {node.op_type for node in nodes}
    types = {value.type.tensor_type.elem_type for value in values if value.type.HasField("tensor_type")}
    types |= {tensor.data_type for tensor in tensors if tensor is not None}
    for node in nodes:
        for attribute in node.attribute:
            types |= {attribute.t.data_type} if attribute.type == AttributeProto.TENSOR else set()
            types |= {TensorProto.STRING} if attribute.type == AttributeProto.STRINGS and attribute.name != "activations" else set()
            types |= {attribute.i} if attribute.name in ("to", "dtype", "output_dtype") else set()
    if any(operator.startswith("Sequence") for operator in operators) or "sequence_type" in kinds:
        return "sequences"
    if "optional_type" in kinds or any("Optional" in operator for operator in operators):
        return "optionals"
    if operators & RANDOM:
        return "randomness"
    training = any(node.domain == "ai.onnx.preview.training" for node in nodes)
    training |= any(a.name == "training_mode" and a.i for node in nodes for a in node.attribute)
    if training or "training_dropout" in model.graph.name:
        return "training mode"
    found = sorted({NARROW[kind] for kind in types if kind in NARROW})
    return found[0] if found else None


class Numbers:
    """Lists of numbers, each stored once."""

    def __init__(self):
        self.bytes = bytearray()
        self.places = {}

    def place(self, array):
        wide = array.astype(np.float64)
        with np.errstate(all="ignore"):
            narrow = wide.astype(np.float32)
        exact = np.array_equal(narrow.astype(np.float64), wide, equal_nan=True)
        raw = (narrow if exact else wide).tobytes()
        at = self.places.setdefault((exact, raw), len(self.bytes))
        if at == len(self.bytes):
            self.bytes += raw
        return {"at": at, "wide": not exact, "shape": list(array.shape)}


def number(tensor):
    """Its numbers, or `None` where it has none that a float64 holds."""
    if tensor is None or tensor.data_type in (TensorProto.STRING, TensorProto.COMPLEX64, TensorProto.COMPLEX128):
        return None
    return numpy_helper.to_array(tensor).astype(np.float64)


def is_small(case, network):
    arrays = [array for array in [case.get("input"), *case["outputs"]] if array is not None]
    return len(network) <= SMALL and sum(array.size for array in arrays) <= SMALL // 4


def retype(tensor, value):
    """Older packages store bfloat16 as uint16."""
    if tensor is not None and value.type.tensor_type.elem_type == TensorProto.BFLOAT16:
        tensor.data_type = TensorProto.BFLOAT16


def cases(name, model, inputs, outputs):
    declared = list(model.graph.input)
    why = excuse(model, [*inputs, *outputs])
    for at, value in enumerate(declared[: len(inputs)]):
        if inputs[at] is None:
            continue
        network = onnx.ModelProto()
        network.CopyFrom(model)
        del network.graph.input[:]
        for other, tensor in zip(declared, inputs):
            if other is value or tensor is None:
                network.graph.input.append(other)
                continue
            constant = TensorProto()
            constant.CopyFrom(tensor)
            constant.name = other.name
            retype(constant, other)
            network.graph.initializer.append(constant)
        retype(inputs[at], value)
        for output, declared_output in zip(outputs, model.graph.output):
            retype(output, declared_output)
        frame = number(inputs[at])
        expected = [number(output) for output in outputs]
        case = {"name": f"{name.removeprefix('test_')}:{value.name}", "excuse": why}
        if frame is not None:
            case["input"] = frame
        case["outputs"] = expected
        yield case, network.SerializeToString()


def main():
    numbers, networks, found, seen = Numbers(), bytearray(), [], set()
    place = lambda array: None if array is None else numbers.place(array)
    older = Path(sys.argv[1])
    tests = [stored(older / kind) for kind in ("node", "simple", "pytorch-converted", "pytorch-operator")]
    for source, tests in [("current", made()), *(("older", t) for t in tests)]:
        for name, model, inputs, outputs in tests:
            for case, network in cases(name, model, inputs, outputs):
                if network in seen:
                    continue
                seen.add(network)
                if len(sys.argv) < 3 and not is_small(case, network):
                    continue
                networks += network
                case |= {"from": source, "bytes": len(network)}
                case |= {"input": place(case.get("input")), "outputs": [place(y) for y in case["outputs"]]}
                found.append(case)
    file = Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "standard.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as pack:
        parts = {"networks": bytes(networks), "numbers": bytes(numbers.bytes)}
        parts["cases.json"] = json.dumps(found).encode()
        for part, content in parts.items():
            pack.writestr(zipfile.ZipInfo(part), content, zipfile.ZIP_DEFLATED, 9)
            print(part, len(content))
    print(len(found), "networks,", file.stat().st_size, "bytes")


main()
