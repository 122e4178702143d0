"""Stores ONNX Runtime's answers to small networks on which an operator's meaning is easily lost.

    pip install onnx==1.23.2 onnxruntime==1.32.0 numpy
    python tests/goldens/answers.py

Writes `answers.json` beside this file: for each network the file (hexadecimal), frames that are given one
after the other, and all outputs to each of them, with ONNX Runtime's optimizations off; or for networks that
ONNX Runtime refuses, or that are not run here, a part of the error that must be given.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
FRAMES = 2
CASES = {}


def network(
    name, shape, nodes, constants=None, types=None, outputs=("y",), opset=17, refused=None, whole=False, apart=0
):
    """`nodes`: operator, inputs, outputs, attributes. Outputs are float32 unless `types` says otherwise;
    frames of whole numbers if asked; `apart` is how far an answer may be off, a code where what is added
    before it is rounded is not rounded itself."""
    types = types or {}
    made = []
    for i, (op, inputs, results, *attributes) in enumerate(nodes):
        attributes = dict(*attributes)
        made.append(helper.make_node(op, inputs.split(","), results.split(","), f"{op}_{i}", **attributes))
    constants = {k: np.asarray(v) for k, v in (constants or {}).items()}
    constants = {k: v.astype(np.float32) if v.dtype == np.float64 else v for k, v in constants.items()}
    graph = helper.make_graph(
        made,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(y, TensorProto.FLOAT, None) for y in outputs],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )
    for output in graph.output:
        output.type.tensor_type.elem_type = types.get(output.name, TensorProto.FLOAT)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=min(10, 8 + (opset > 20) * 2))
    random = np.random.default_rng(len(CASES))
    frames = random.uniform(-2, 2, (FRAMES, *shape)).astype(np.float32)
    frames = np.round(frames * 4) if whole else frames
    case = {"network": model.SerializeToString().hex(), "shape": shape}
    case["apart"] = apart
    case["frames"] = [numbers(frame) for frame in frames]
    if refused:
        case["refused"] = refused
    else:
        case["answers"] = answers(model, frames)
    CASES[name] = case


def answers(model, frames):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    runs = [session.run(None, {"x": frame}) for frame in frames]
    return [[numbers(y) for y in run] for run in runs]


def numbers(values):
    """As short as they give the same float32 again."""
    return [float(str(x)) for x in np.asarray(values).ravel()]


def weights(*shape, seed=1):
    return np.random.default_rng(seed).normal(0, 0.5, shape)


def activations_behind_products():
    relu, clip = ("Relu", "m", "y"), ("Clip", "m,low,high", "y")
    bounds = {"low": np.float32(-0.25), "high": np.float32(0.5)}
    for name, behind in [("relu", relu), ("clip", clip)]:
        network(
            f"{name} behind a product of what is computed",
            [1, 3, 4],
            [("Transpose", "x", "t", {"perm": [0, 2, 1]}), ("MatMul", "x,t", "m"), behind],
            bounds,
        )
        network(
            f"{name} behind a product whose constant is first",
            [1, 4, 3],
            [("MatMul", "c,x", "m"), behind],
            {"c": weights(5, 4), **bounds},
        )
        network(
            f"{name} behind a product of four axes",
            [1, 2, 3, 4],
            [("MatMul", "x,c", "m"), behind],
            {"c": weights(2, 4, 5), **bounds},
        )
        network(
            f"{name} behind a product of vectors",
            [1, 4],
            [("MatMul", "x,c", "m"), behind],
            {"c": weights(4), **bounds},
        )
        network(
            f"{name} behind a Gemm with computed weights",
            [3, 4],
            [("Gemm", "x,x", "m", {"transB": 1}), behind],
            bounds,
        )
    for op in ["Add", "Sub", "Mul"]:
        network(
            f"Relu behind {op} of integers",
            [1, 6],
            [("Cast", "x", "i", {"to": 6}), (op, "i,c", "m"), relu],
            {"c": np.array([-3, 5, 2, -1, 0, 4], np.int32)},
            types={"y": TensorProto.INT32},
            whole=True,
        )


def recurrent():
    """Two frames one after the other: a state that is carried on is seen in the second."""
    steps, batch, inputs, hidden = 5, 2, 3, 4
    usual = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
    for op, gates in [("LSTM", 4), ("GRU", 3), ("RNN", 1)]:
        for direction, ways in [("forward", 1), ("reverse", 1), ("bidirectional", 2)]:
            constants = {
                "w": weights(ways, gates * hidden, inputs),
                "r": weights(ways, gates * hidden, hidden, seed=2),
                "b": weights(ways, 2 * gates * hidden, seed=3),
                "n": np.array([3, 5], np.int32),
                "h": weights(ways, batch, hidden, seed=4),
                "c": weights(ways, batch, hidden, seed=5),
                "p": weights(ways, 3 * hidden, seed=6),
            }
            attributes = {"hidden_size": hidden, "direction": direction}
            outputs = ("y", "last", "cells") if op == "LSTM" else ("y", "last")
            every = "x,w,r,b,n,h,c,p" if op == "LSTM" else "x,w,r,b,n,h"
            variants = {"": ("x,w,r", {}), " with all inputs": (every, {})}
            variants[" clipped"] = ("x,w,r,b", {"clip": 0.5})
            if op == "LSTM":
                variants[" with coupled gates"] = ("x,w,r,b", {"input_forget": 1})
            if op == "GRU":
                variants[" that resets last"] = ("x,w,r,b,,h", {"linear_before_reset": 1})
            other = ["HardSigmoid", *["LeakyRelu", "Softsign"][: len(usual[op]) - 1]]
            alphas, betas = [0.3, 0.05][: len(usual[op])] * ways, [0.4] * ways
            functions = {"activations": other * ways, "activation_alpha": alphas}
            variants[" of other functions"] = ("x,w,r,b", functions | {"activation_beta": betas})
            for what, (read, more) in variants.items():
                network(
                    f"{direction} {op}{what}",
                    [steps, batch, inputs],
                    [(op, read, ",".join(outputs), attributes | more)],
                    {name: v for name, v in constants.items() if name in read.split(",")},
                    outputs=outputs,
                )


def pools():
    windows = [
        ([7, 8], dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])),
        ([7, 8], dict(kernel_shape=[3, 2], strides=[2, 3], pads=[1, 0, 0, 1])),
        ([6, 6], dict(kernel_shape=[2, 2], strides=[3, 3])),
        ([9], dict(kernel_shape=[4], strides=[3], pads=[1, 2])),
        ([7, 8], dict(kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")),
    ]
    for i, (plane, window) in enumerate(windows):
        for include in [0, 1]:
            for up in [0, 1]:
                if up and "auto_pad" in window:
                    continue
                network(
                    f"AveragePool {i}, count_include_pad {include}, ceil_mode {up}",
                    [1, 2, *plane],
                    [("AveragePool", "x", "y", window | {"count_include_pad": include, "ceil_mode": up})],
                )
    for p in [1, 2, 3]:
        network(f"GlobalLpPool {p}", [1, 2, 3, 4], [("GlobalLpPool", "x", "y", {"p": p})])
        window = dict(kernel_shape=[2, 3], strides=[1, 2], pads=[0, 1, 1, 1], p=p)
        network(f"LpPool {p}", [1, 2, 5, 6], [("LpPool", "x", "y", window)])
    for alpha in [0.5, 1.0, 3.0]:
        network(f"Celu {alpha}", [1, 9], [("Celu", "x", "y", {"alpha": alpha})])


def codings():
    quantized = {
        "x_s": np.float32(0.02),
        "x_z": np.uint8(100),
        "w_s": np.array([0.01, 0.02, 0.005, 0.03], np.float32),
        "w_z": np.zeros(4, np.int8),
        "b_s": np.array([0.0002, 0.0004, 0.0001, 0.0006], np.float32),
        "b_z": np.array([7, -900, 30, 2000], np.int32),
        "b_q": np.array([100, 2000, -3000, 400], np.int32),
        "y_s": np.float32(0.05),
        "y_z": np.uint8(128),
    }
    codes = np.round(weights(4, 2, 3, 3) * 60).astype(np.int8)

    def used(nodes, **more):
        read = {name for _, inputs, *_ in nodes for name in inputs.split(",")}
        return {name: v for name, v in (quantized | more).items() if name in read}

    through = [
        ("QuantizeLinear", "x,x_s,x_z", "x_q"),
        ("DequantizeLinear", "x_q,x_s,x_z", "x_d"),
    ]
    ends = [("QuantizeLinear", "m,y_s,y_z", "y_q"), ("DequantizeLinear", "y_q,y_s,y_z", "y")]
    for axis in [0, -4]:
        nodes = [
            *through,
            ("DequantizeLinear", "w,w_s,w_z", "w_d", {"axis": axis}),
            ("Conv", "x_d,w_d", "m"),
            *ends,
        ]
        network(f"weights dequantized along {axis}", [1, 2, 5, 5], nodes, used(nodes, w=codes))
        nodes = [
            *through,
            ("QuantizeLinear", "v,w_s,w_z", "w", {"axis": axis}),
            *nodes[2:],
        ]
        real = weights(4, 2, 3, 3)
        network(f"weights quantized along {axis}", [1, 2, 5, 5], nodes, used(nodes, v=real))
    nodes = [
        *through,
        ("DequantizeLinear", "w,w_s,w_z", "w_d", {"axis": 0}),
        ("DequantizeLinear", "b_q,b_s,b_z", "b_d", {"axis": 0}),
        ("Conv", "x_d,w_d,b_d", "m"),
        *ends,
    ]
    network("a bias with a zero point", [1, 2, 5, 5], nodes, used(nodes, w=codes), apart=0.05)
    for behind in ["Relu", "MaxPool", "Softmax"]:
        attributes = {"MaxPool": {"kernel_shape": [2, 2]}, "Softmax": {"axis": 1}}.get(behind, {})
        nodes = [*through, (behind, "x_d", "m", attributes), *ends]
        negative = {"x_s": np.float32(-0.02)}
        network(f"a negative scale before {behind}", [1, 2, 4, 4], nodes, used(nodes) | negative)
    nodes = [*through, ("Conv", "x_d,w", "m"), ("Relu", "m", "r"), ("QuantizeLinear", "r,y_s,y_z", "y_q")]
    nodes.append(("DequantizeLinear", "y_q,y_s,y_z", "y"))
    negative = {"y_s": np.float32(-0.05), "w": weights(4, 2, 3, 3)}
    network("a negative scale behind Relu", [1, 2, 4, 4], nodes, used(nodes, w=0) | negative)
    blocks = {"s": np.abs(weights(2, 3)).astype(np.float32), "q": np.arange(-6, 6, dtype=np.int8).reshape(4, 3)}
    nodes = [("DequantizeLinear", "q,s", "w", {"axis": 0, "block_size": 2}), ("MatMul", "x,w", "y")]
    network("scales for blocks", [1, 4], nodes, blocks, opset=21)


def edges():
    """What an engine's analysis takes for granted."""
    ints = lambda *values: np.array(values, np.int64)
    ends = ("Mul", "s,two", "y")
    two = {"two": np.float32(2)}
    for axes in [(-1, -2), (3, 2), (2, -1), (0, 3, 2)]:
        network(f"Squeeze of {axes}", [1, 4, 1, 1], [("Squeeze", "x,a", "s"), ends], two | {"a": ints(*axes)})
    network("Squeeze of all", [1, 4, 1, 1], [("Squeeze", "x", "s"), ends], two)
    network("Squeeze to a scalar", [1, 1], [("Squeeze", "x", "s"), ends], two)
    network("Squeeze of opset 11", [1, 4, 1, 1], [("Squeeze", "x", "s", {"axes": [3, 2]}), ends], two, opset=11)
    for axes in [(3, 0), (-1, 0), (-1, -2)]:
        network(f"Unsqueeze of {axes}", [2, 4], [("Unsqueeze", "x,a", "s"), ends], two | {"a": ints(*axes)})
    shapes = [("Shape", "x", "n"), ("Unsqueeze", "n,up", "u"), ("Squeeze", "u,down", "d")]
    shapes += [("Reshape", "x,d", "s"), ends]
    network("axes of a shape", [2, 4], shapes, two | {"up": ints(2, 0), "down": ints(-1, 0)})
    for mode in ["constant", "edge", "reflect", "wrap"]:
        for pads in [(0, 0, -1, -2, 0, 0, -1, 0), (0, 0, 2, 1, 0, 0, 1, 3), (0, 0, -1, 2, 0, 0, 2, -1)]:
            if mode in ("reflect", "wrap") and min(pads) < 0:
                continue  # ONNX Runtime reads what lies outside.
            network(
                f"Pad {mode} by {pads}",
                [1, 2, 5, 4],
                [("Pad", "x,p", "s", {"mode": mode}), ends],
                two | {"p": ints(*pads)},
                opset=19,
            )
    network(
        "Pad of axes",
        [1, 2, 5, 4],
        [("Pad", "x,p,v,a", "s"), ends],
        two | {"p": ints(-1, 1, 2, 0), "v": np.float32(0.5), "a": ints(-1, 2)},
        opset=18,
    )

    def refuse(what, shape, nodes, constants, words, **more):
        network(what, shape, nodes, constants, refused=words, **more)

    gather = [("Gather", "x,i", "y", {"axis": 1})]
    for place in [4, -5]:
        refuse(f"Gather of {place}", [1, 4], gather, {"i": ints(0, place)}, f"{place} is not among 4")
    for what, length in [("too far", 3), ("within", 20)]:
        computed = [("Cast", "x", "i", {"to": 7}), ("Gather", "c,i", "y")]
        words = "is not among 3" if length == 3 else None
        refuse(f"Gather {what} of what is computed", [1, 8], computed, {"c": weights(length, 2)}, words, whole=True)
    refuse("GatherND outside", [2, 4], [("GatherND", "x,i", "y")], {"i": ints(1, 4)}, "4 is not among 4")
    refuse("Squeeze of an axis of four", [1, 4], [("Squeeze", "x,a", "y")], {"a": ints(1)}, "an axis of 4")
    refuse("Squeeze of an axis too far", [1, 4], [("Squeeze", "x,a", "y")], {"a": ints(2)}, "do not fit")
    refuse("Transpose of one axis twice", [1, 4], [("Transpose", "x", "y", {"perm": [0, 0]})], {}, "is no order")
    refuse("Pad of more than there is", [1, 4], [("Pad", "x,p", "y")], {"p": ints(0, -3, 0, -2)}, "do not fit")
    refuse("Expand to too much", [1, 4], [("Expand", "x,n", "y")], {"n": ints(1 << 20, 1 << 20, 4)}, "bytes")
    refuse("Tile to too much", [1, 4], [("Tile", "x,n", "y")], {"n": ints(1 << 30, 1 << 29)}, "bytes")
    zeros = [("ConstantOfShape", "n", "z"), ("Add", "x,z", "y")]
    refuse("zeros of too much", [1, 4], zeros, {"n": ints(1 << 31, 1, 4)}, "bytes")
    refuse("Softmax of an axis too far", [1, 4], [("Softmax", "x", "y", {"axis": 4})], {}, "axis")
    refuse("Split in other parts", [1, 4], [("Split", "x,n", "y,z", {"axis": 1})], {"n": ints(2, 3)}, "do not make 4")
    refuse("TopK of more than there is", [1, 4], [("TopK", "x,n", "y,i")], {"n": ints(5)}, "it takes 5 of 4")
    refuse("Slice by 0", [1, 4], [("Slice", "x,f,t,a,s", "y")], {k: ints(v) for k, v in zip("ftas", (0, 3, 1, 0))}, "steps by 0")


def drawn():
    """What `drawn.py` has found, made small."""
    ints = lambda *values: np.array(values, np.int64)
    for op in ["Conv", "ConvTranspose"]:
        nodes = [(op, "c,v", "t"), ("Conv", "t,w", "s"), ("Add", "x,s", "y")]
        constants = {"c": weights(1, 2, 4, 5), "w": weights(2, 3, 1, 1, seed=3)}
        constants["v"] = weights(3, 2, 1, 1, seed=2) if op == "Conv" else weights(2, 3, 1, 1, seed=2)
        network(f"{op} of what is constant", [1, 2, 4, 5], nodes, constants)
    scales = {"x_s": np.float32(0.02), "x_z": np.uint8(100), "w_s": np.float32(0.01), "w_z": np.int8(0)}
    scales |= {"y_s": np.float32(0.05), "y_z": np.uint8(128)}
    nodes = [("QuantizeLinear", "x,x_s,x_z", "x_q"), ("DequantizeLinear", "x_q,x_s,x_z", "x_d")]
    nodes += [("DequantizeLinear", "w,w_s,w_z", "w_d"), ("Conv", "x_d,w_d", "m")]
    nodes += [("QuantizeLinear", "m,y_s,y_z", "m_q"), ("DequantizeLinear", "m_q,y_s,y_z", "m_d")]
    nodes += [("DequantizeLinear", "c,x_s,x_z", "c_d"), ("Concat", "m_d,c_d", "j", {"axis": 1})]
    nodes += [("QuantizeLinear", "j,y_s,y_z", "j_q"), ("DequantizeLinear", "j_q,y_s,y_z", "y")]
    codes = {"w": np.round(weights(3, 2, 3, 3) * 60).astype(np.int8)}
    codes["c"] = (np.arange(2 * 3 * 3).reshape(1, 2, 3, 3) * 14).astype(np.uint8)
    network("a constant joined to channels of integers", [1, 2, 5, 5], nodes, scales | codes, apart=0.05)
    network("GlobalLpPool over three axes", [2, 2, 1, 3, 2], [("GlobalLpPool", "x", "y", {"p": 1})])
    far = {"k": np.float32(300)}
    for op in ["LogSoftmax", "ReduceLogSumExp"]:
        axis = {"axis": 1} if op == "LogSoftmax" else {"axes": [1]}
        network(f"{op} of large values", [2, 6, 3], [("Mul", "x,k", "m"), (op, "m", "y", axis)], far)
    for equation in ["...c,cz->...z", "...c,cz", "a...->...a"]:
        nodes = [("Einsum", "x,c" if "," in equation else "x", "y", {"equation": equation})]
        constants = {"c": weights(4, 3)} if "," in equation else {}
        network(f"Einsum {equation}", [2, 3, 4], nodes, constants)
    places = {"i": ints(-1, 0).reshape(2, 1), "j": np.array([[0, -1], [-2, 1]], np.int64)}
    for name in "ij":
        nodes = [("GatherND", f"x,{name}", "y")]
        network(f"GatherND from behind, {name}", [2, 3, 2], nodes, {name: places[name]})
        nodes = [("ScatterND", f"x,{name},u", "y")]
        updates = {"u": weights(2, 3, 2) if name == "i" else weights(2, 2)}
        network(f"ScatterND from behind, {name}", [2, 3, 2], nodes, {name: places[name]} | updates)
    for mode in ["nearest", "linear", "cubic"]:
        for plane, factors in [([7, 9], (0.5, 1.5)), ([5, 4], (0.7, 2.0))]:
            if mode == "cubic" and factors[0] == 0.5:
                continue
            how = {"mode": mode, "coordinate_transformation_mode": "align_corners"}
            resize = [("Resize", "x,,s", "y", how)]
            name = f"Resize {mode} by {factors}, corners aligned"
            network(name, [1, 2, *plane], resize, {"s": np.float32([1, 1, *factors])})
    constants = {"a": weights(1, 2, 3, 4), "b": weights(4)}
    network("Mean of several ranks", [1, 3, 4], [("Mean", "x,a,b", "y")], constants)
    # Nodes are called after their operators.
    conv = [("Conv", "x,w,Conv_0", "y")]
    names = {"w": weights(3, 2, 1, 2, 2), "Conv_0": weights(3)}
    network("a tensor called as its node", [1, 2, 3, 4, 4], conv, names)
    sample = [("GridSample", "x,g", "y", {"mode": "cubic", "padding_mode": "border"})]
    grid = {"g": weights(1, 2, 2, 2)}
    network("cubic samples beyond a border", [1, 1, 4, 4], sample, grid, opset=20, refused="beyond a border")
    for pad in ["SAME_UPPER", "SAME_LOWER"]:
        how = {"auto_pad": pad, "strides": [2, 3]}
        nodes = [("ConvTranspose", "x,w", "y", how)]
        network(f"ConvTranspose of long strides, {pad}", [1, 2, 4, 5], nodes, {"w": weights(2, 3, 1, 2)})


def store(name):
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(case)}" for name, case in CASES.items())
    (HERE / name).write_text("{\n" + text + "\n}\n")
    print(len(CASES), "networks, ONNX Runtime", ort.__version__)


if __name__ == "__main__":
    activations_behind_products()
    recurrent()
    pools()
    codings()
    edges()
    drawn()
    store("answers.json")
