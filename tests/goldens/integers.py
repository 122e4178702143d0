"""What ONNX Runtime's integer operators make of every pair of codes.

    pip install -r requirements.txt
    python tests/goldens/integers.py

Prints the table of `tests/core/integers.rs`: operator, operands, signed or not, scales and zero points of
both operands and the output, and the first 16 digits of the SHA-256 of the codes that come out, with
optimizations on and in the precise mode that `make.py` explains.
"""

import hashlib

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

# Scales of both operands and of the output; of equal or binary ones many sums are ties.
SCALES = [
    (0.0173, 0.0311, 0.0429),
    (0.02, 0.02, 0.02),
    (0.0078125, 0.03125, 0.0625),
    (0.05, 0.004, 0.031),
]
# Zero points from the smallest code on.
ZERO_POINTS = [(0, 0, 0), (128, 128, 128), (0, 77, 131), (255, 1, 128)]
ALL = np.arange(256)
CONSTANT = 93


def operands(form):
    """Codes from the smallest on, of the input and of the constant, and whether that stands first."""
    pairs = [np.tile(ALL, 256)[None], np.repeat(ALL, 256)[None]]
    return {
        "pairs": (*pairs, False),
        "one first": (ALL[None], np.array([CONSTANT]), True),
        "one second": (ALL[None], np.array([CONSTANT]), False),
        "channels": (np.tile(ALL, 4).reshape(1, 256, 4), ALL[:, None], False),
    }[form]


def model(op, form, signed, scales, zero_points):
    x, constant, first = operands(form)
    dtype, least = (np.int8, -128) if signed else (np.uint8, 0)
    element = TensorProto.INT8 if signed else TensorProto.UINT8
    x, constant = (np.array(codes + least, dtype) for codes in (x, constant))
    constants = {"c": constant}
    for name, scale, zero_point in zip("aby", scales, zero_points):
        constants |= {f"{name}_s": np.float32(scale), f"{name}_z": np.array(zero_point + least, dtype)}
    a, b = ("c", "x") if first else ("x", "c")
    inputs = [a, "a_s", "a_z", b, "b_s", "b_z", "y_s", "y_z"]
    attributes = {}
    if op == "QLinearConcat":
        inputs, attributes = [*inputs[6:], *inputs[:6]], {"axis": 1}
    node = helper.make_node(op, inputs, ["y"], domain="com.microsoft", **attributes)
    graph = helper.make_graph(
        [node],
        op,
        [helper.make_tensor_value_info("x", element, x.shape)],
        [helper.make_tensor_value_info("y", element, None)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8), x


def main():
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.x64quantprecision", "1")
    print(f"// ONNX Runtime {ort.__version__}.")
    forms = ["pairs", "one first", "one second", "channels"]
    wanted = [(op, form) for op in ("QLinearAdd", "QLinearMul") for form in forms]
    for op, form in [*wanted, ("QLinearConcat", "pairs")]:
        for signed in (False, True):
            digest = hashlib.sha256()
            for scales in SCALES:
                for zero_points in ZERO_POINTS:
                    made, x = model(op, form, signed, scales, zero_points)
                    session = ort.InferenceSession(
                        made.SerializeToString(), options, providers=["CPUExecutionProvider"]
                    )
                    digest.update(session.run(None, {"x": x})[0].tobytes())
            print(f'    ("{op}", "{form}", {str(signed).lower()}, "{digest.hexdigest()[:16]}"),')


main()
