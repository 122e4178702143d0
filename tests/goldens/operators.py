"""Stores ONNX's own tests of the quantization operators as goldens.

    pip install -r requirements.txt
    python tests/goldens/operators.py

Reads the backend node tests that the `onnx` package ships (`onnx/backend/test/data/node`, generated
from its operator pages) and writes `onnx_operators.json` beside this file: for each, the network
with every input but the first turned into an initializer (hexadecimal), the first input, and the
expected outputs. Tensors of types that JSON does not hold (fp8, 16 bits) are left out; the Rust test
skips those by name.
"""

import json
import re
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

HERE = Path(__file__).parent
NODES = Path(onnx.__file__).parent / "backend/test/data/node"
OPERATORS = re.compile(
    r"test_(quantizelinear|dequantizelinear|dynamicquantizelinear"
    r"|qlinearconv|qlinearmatmul|convinteger|matmulinteger)(_.*)?$"
)
TYPES = {
    TensorProto.FLOAT: "float32",
    TensorProto.UINT8: "uint8",
    TensorProto.INT8: "int8",
    TensorProto.INT32: "int32",
    TensorProto.UINT4: "uint4",
    TensorProto.INT4: "int4",
}


def tensor(path):
    proto = TensorProto()
    proto.ParseFromString(path.read_bytes())
    return proto


def as_json(proto):
    if proto.data_type not in TYPES:
        return None
    values = numpy_helper.to_array(proto).ravel()
    real = proto.data_type == TensorProto.FLOAT
    return {
        "type": TYPES[proto.data_type],
        "shape": list(proto.dims),
        # As float64, which JSON keeps exactly.
        "values": values.astype(np.float64 if real else np.int64).tolist(),
    }


def golden(folder):
    model = onnx.load(folder / "model.onnx")
    graph = model.graph
    data = folder / "test_data_set_0"
    inputs = [tensor(data / f"input_{i}.pb") for i in range(len(graph.input))]
    for value, proto in list(zip(graph.input, inputs))[1:]:
        proto.name = value.name
        graph.initializer.append(proto)
        graph.input.remove(value)
    onnx.checker.check_model(model)
    outputs = [tensor(data / f"output_{i}.pb") for i in range(len(graph.output))]
    return {
        "name": folder.name.removeprefix("test_"),
        "network": model.SerializeToString().hex(),
        "input": as_json(inputs[0]),
        "outputs": [as_json(output) for output in outputs],
    }


def main():
    folders = sorted(f for f in NODES.iterdir() if OPERATORS.match(f.name))
    tests = [golden(folder) for folder in folders]
    lines = ",\n".join(json.dumps(test) for test in tests)
    (HERE / "onnx_operators.json").write_text(f"[\n{lines}\n]\n")
    print(f"onnx {onnx.__version__}: {len(tests)} tests")


if __name__ == "__main__":
    main()
