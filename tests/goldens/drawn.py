"""Draws networks, runs them in ONNX Runtime and in Steer8, and reduces those that differ.

    pip install -r requirements.txt
    cargo test --no-run --test native     # says the program's name
    python tests/goldens/drawn.py --steer8 target/debug/deps/native-… [--seed N] [--first N] [--count N]
    python tests/goldens/drawn.py --sqnr --steer8 …
    python tests/goldens/drawn.py --golden --steer8 …

A network (`drawing.py`) is right where all its outputs are ONNX Runtime's within 1e-4 of the largest value, on
both of our float paths, and where its int8 files, in both formats, give here what they give there: within the
difference between ONNX Runtime's own two runs (optimizations off, and on in the precise mode that `make.py`
explains) and a hundredth of the largest value. Networks that jump, in which a change of the last bits of the
input moves the outputs, are left out, so nothing is wrong by chance.

Prints what is wrong, crashed or refused, each kind once with its smallest network, and how many networks had
each operator. With `--faults FOLDER` the smallest ones are stored there: `net.onnx`, `frames.npz`,
`expected.npy`, `case.json`.

`--sqnr` measures int8 beside `quantize_static` (after its `quant_pre_process`) instead. `--golden` writes
`drawn.zip` beside this file for the Rust test: networks, frames, ONNX Runtime's answers to them and to our int8
files.
"""

import argparse
import io
import json
import re
import select
import subprocess
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from drawing import JUMPS, drawn, session
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
TOLERANCE, INT8_TOLERANCE = 1e-4, 1e-2
# What is float16 is float32 here.
HALF_TOLERANCE = 5e-3
SECONDS = 20
# How many are stored.
NETWORKS = 60


class Crash(Exception):
    pass


class Refusal(Exception):
    pass


class Steer8:
    """The test program that answers line by line; started again when a network ends it."""

    def __init__(self, program):
        self.program, self.process = program, None
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))

    def ask(self, what, model, frames):
        """All outputs of each run as one array an output, or a model."""
        paths = [self.folder / name for name in ("net.onnx", "frames.npz", "out")]
        paths[0].write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        np.savez(paths[1], x=frames)
        if self.process is None or self.process.poll() is not None:
            command = [self.program]
            if "native" in Path(self.program).name:
                command += ["--ignored", "--exact", "drawn::answers", "--nocapture"]
            errors = open(self.folder / "errors", "w")
            pipe = subprocess.PIPE
            # Without a buffer of ours, a line that came with another is still there to be waited for.
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, bufsize=0)
        self.process.stdin.write("\t".join([what, *map(str, paths)]).encode() + b"\n")
        said = self.line()
        if said.startswith("refused "):
            raise Refusal(said[8:])
        if what in ("qdq", "qoperator"):
            return paths[2].read_bytes()
        counts = json.loads(said[5:])
        return np.split(np.fromfile(paths[2]), np.cumsum(counts)[:-1])

    def line(self):
        end = time.time() + SECONDS
        while time.time() < end:
            if not select.select([self.process.stdout], [], [], end - time.time())[0]:
                break
            said = self.process.stdout.readline().decode()
            if not said:
                self.process.wait()
                words = (self.folder / "errors").read_text()
                self.process = None
                found = re.findall(r"panicked at (\S+)\n(.*)", words)
                raise Crash(" ".join(found[-1]) if found else words[-200:] or "it ends without a word")
            if said.startswith(("done ", "refused ")):
                return said.strip()
        self.process.kill()
        self.process.wait()
        self.process = None
        raise Crash(f"no answer in {SECONDS} seconds")


def runs_in(model, frames, batch, **how):
    """One array an output, its runs one after the other, and the outputs' names."""
    s = session(model, **how)
    name = s.get_inputs()[0].name
    parts = [s.run(None, {name: frames[i : i + batch]}) for i in range(0, len(frames), batch)]
    return [np.concatenate([np.ravel(part[i]) for part in parts]).astype(np.float64) for i in range(len(parts[0]))]


def off(a, b):
    if a.shape != b.shape:
        return np.inf
    if not a.size:
        return 0.0
    far = np.abs(a - b).max() / max(np.abs(b).max(), 1e-3)
    return np.inf if np.isnan(far) else far


def furthest(a, b):
    return max(map(off, a, b)) if len(a) == len(b) else np.inf


class Unsteady(Exception):
    pass


def expected(model, frames, batch):
    """ONNX Runtime's answers, where they say anything."""
    answers = runs_in(model, frames, batch)
    for other in [
        runs_in(model, frames, batch, optimized=True),
        runs_in(model, (frames * np.float32(1 + 3e-7)).astype(np.float32), batch),
        runs_in(model, (frames * np.float32(1 - 3e-7)).astype(np.float32), batch),
    ]:
        if not furthest(other, answers) <= TOLERANCE / 4:
            raise Unsteady
    return answers


def verdict(steer8, model, frames, batch, int8=True):
    """None, or a kind of fault and what is said about it."""
    answers = expected(model, frames, batch)
    for path in ("fast", "deterministic"):
        try:
            ours = steer8.ask(path, model, frames)
        except Refusal as why:
            return "refused", str(why)
        except Crash as why:
            return "crashed", str(why)
        far = furthest(ours, answers)
        half = any(a.i == TensorProto.FLOAT16 for n in model.graph.node if n.op_type == "Cast" for a in n.attribute)
        if not far <= (HALF_TOLERANCE if half else TOLERANCE):
            if jumped(steer8, model, frames, batch):
                raise Unsteady
            return "wrong", f"{path}: off by {far:.2g}"
    return quantized(steer8, model, frames, batch) if int8 else None


def jumped(steer8, model, frames, batch):
    """Whether all that operators read which jump is right, but not to the last bit, or no number: then they
    may."""
    nodes, constants = parts(model)
    read, moved = [], set()
    for node in nodes:
        if moved & set(node.input):
            moved |= set(node.output)
        elif node.op_type in JUMPS:
            read += [n for n in node.input if n and n not in constants]
            moved |= set(node.output)
    made = {n for node in nodes for n in node.output}
    known = values_of(model, frames[:batch])
    read = [n for n in dict.fromkeys(read) if n in made and known[n].dtype == np.float32]
    if not read:
        return False
    given = next(v for v in model.graph.input if v.name not in constants)
    shape = [batch, *frames.shape[1:]]
    before = network(model, nodes, constants, given.name, shape, [(n, TensorProto.FLOAT) for n in read])
    theirs = runs_in(before, frames, batch)
    if not all(np.isfinite(values).all() for values in theirs):
        return True
    try:
        far = furthest(steer8.ask("fast", before, frames), theirs)
    except (Refusal, Crash):
        return False
    return 0 < far <= TOLERANCE


def quantized(steer8, model, frames, batch):
    if any(node.op_type in ("QuantizeLinear", "DynamicQuantizeLinear") for node in model.graph.node):
        return None
    jumps = any(node.op_type in JUMPS for node in model.graph.node)
    for form in ("qdq", "qoperator"):
        try:
            made = steer8.ask(form, model, frames)
        except Refusal as why:
            if "no layer that can be quantized" in str(why):
                return None
            return f"{form} refused", str(why)
        except Crash as why:
            return f"{form} crashed", str(why)
        try:
            plain = runs_in(made, frames, batch)
            on = optimized(made, frames, batch)
        except Exception as why:
            return f"{form} does not load", str(why)
        try:
            ours = steer8.ask("fast", made, frames)
        except Refusal as why:
            return f"{form} file refused", str(why)
        except Crash as why:
            return f"{form} file crashed", str(why)
        if jumps:
            continue
        most = INT8_TOLERANCE + 2 * furthest(plain, on)
        far = min(furthest(ours, on), furthest(ours, plain))
        if not far <= most:
            return f"{form} wrong", f"off by {far:.2g}, ONNX Runtime's runs by {furthest(plain, on):.2g}"
    return None


def optimized(made, frames, batch):
    """In the precise mode, which does not load two layers that share their weights."""
    try:
        return runs_in(made, frames, batch, optimized=True, precise=True)
    except Exception as why:
        if "replace the existing tensor" not in str(why):
            raise
        return runs_in(made, frames, batch, optimized=True)


# Making a network smaller.


def parts(model):
    g = model.graph
    constants = {t.name: t for t in g.initializer}
    for node in g.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = node.attribute[0].t
            constants[node.output[0]].name = node.output[0]
    return [n for n in g.node if n.op_type != "Constant"], constants


def network(like, nodes, constants, given, shape, outputs):
    """What of `nodes` makes the outputs, from the tensor `given` and constants."""
    wanted, kept = {name for name, _ in outputs}, []
    for node in reversed(nodes):
        if wanted & set(node.output):
            kept.insert(0, node)
            wanted |= set(node.input)
    if given not in {name for node in kept for name in node.input}:
        return None
    used = [constants[n] for n in sorted(wanted) if n in constants]
    graph = helper.make_graph(
        kept,
        "smaller",
        [helper.make_tensor_value_info(given, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(n, kind, None) for n, kind in outputs],
        used,
    )
    return helper.make_model(graph, opset_imports=like.opset_import, ir_version=like.ir_version)


def values_of(model, frames):
    """Every tensor of the first run."""
    nodes, constants = parts(model)
    named = [n for node in nodes for n in node.output if n]
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    del whole.graph.output[:]
    whole.graph.output.extend(onnx.ValueInfoProto(name=n) for n in named)
    s = session(whole)
    return dict(zip(named, s.run(named, {s.get_inputs()[0].name: frames})))


def smaller(steer8, model, frames, batch, fault):
    """The smallest network that has the same kind of fault."""

    def fails(candidate, frames, batch):
        if candidate is None:
            return False
        try:
            found = verdict(steer8, candidate, frames, batch, int8="wrong" != fault[0])
        except Exception:
            return False
        return found is not None and found[0] == fault[0] and kind(found) == kind(fault)

    def typed(value):
        return helper.np_dtype_to_tensor_dtype(value.dtype)

    given = model.graph.input[0].name
    nodes, constants = parts(model)
    given = next(v.name for v in model.graph.input if v.name not in constants)
    shape = [batch, *frames.shape[1:]]
    known = values_of(model, frames[:batch])
    # One inner tensor as the output, the first that shows it.
    for node in nodes:
        names = [n for n in node.output if n in known]
        floats = [n for n in names if known[n].dtype == np.float32]
        for out in floats or []:
            candidate = network(model, nodes, constants, given, shape, [(out, TensorProto.FLOAT)])
            if fails(candidate, frames, batch):
                model = candidate
                break
            kinds = [(n, typed(known[n])) for n in [out, *[m for m in names if m != out]]]
            candidate = network(model, nodes, constants, given, shape, kinds)
            if len(kinds) > 1 and fails(candidate, frames, batch):
                model = candidate
                break
        else:
            continue
        break
    # A later tensor as the input, what else is read as constants.
    outputs = [(o.name, o.type.tensor_type.elem_type) for o in model.graph.output]
    nodes, constants = parts(model)
    for at in range(len(nodes) - 1, -1, -1):
        for start in nodes[at].input:
            value = known.get(start)
            if value is None or value.dtype != np.float32 or not value.ndim:
                continue
            rest = nodes[at:] if at else nodes
            frozen = dict(constants)
            made = {n for node in nodes[:at] for n in node.output} | {given}
            for n in made - {start}:
                if n in known:
                    frozen[n] = numpy_helper.from_array(known[n], n)
                elif n == given:
                    frozen[n] = numpy_helper.from_array(frames[:batch], n)
            candidate = network(model, rest, frozen, start, list(value.shape), outputs)
            if fails(candidate, value, value.shape[0]):
                return dropped(fails, candidate, value, value.shape[0])
    return dropped(fails, model, frames, batch)


def dropped(fails, model, frames, batch):
    """Without the nodes that it does not take."""
    again = True
    while again:
        again = False
        nodes, constants = parts(model)
        given = model.graph.input[0]
        shape = [batch, *frames.shape[1:]]
        outputs = [(o.name, o.type.tensor_type.elem_type) for o in model.graph.output]
        for at, node in enumerate(nodes):
            for replacement in [n for n in node.input if n and n not in constants]:
                rest = [onnx.NodeProto.FromString(n.SerializeToString()) for i, n in enumerate(nodes) if i != at]
                for n in rest:
                    for i, name in enumerate(n.input):
                        if name == node.output[0]:
                            n.input[i] = replacement
                candidate = network(model, rest, constants, given.name, shape, outputs)
                if fails(candidate, frames, batch):
                    model, again = candidate, True
                    break
            if again:
                break
    return model, frames, batch


def kind(fault):
    """What two faults of one kind share."""
    words = re.sub(r"`[^`]*`|\[[^\]]*\]|-?\d+(\.\d+)?(e-?\d+)?|node \S+|inf", "#", fault[1].split(" Export ")[0])
    if fault[0].endswith("wrong"):
        words = ""
    return f"{fault[0]}: {words[:110]}"


def described(model):
    lines = []
    nodes, constants = parts(model)
    for node in nodes:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        shapes = {n: list(constants[n].dims) for n in node.input if n in constants}
        for n, t in ((n, constants[n]) for n in shapes):
            if t.data_type != TensorProto.FLOAT and np.prod(t.dims) < 9:
                shapes[n] = numpy_helper.to_array(t).tolist()
        lines.append(f"{node.op_type}({', '.join(node.input)}) -> {', '.join(node.output)} {attributes} {shapes}")
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    opset = [o.version for o in model.opset_import if not o.domain]
    return f"opset {opset[0]}, input {model.graph.input[0].name} {shape}\n    " + "\n    ".join(lines)


def store(folder, name, model, frames, batch, why):
    folder = Path(folder) / name
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "net.onnx")
    np.savez(folder / "frames.npz", x=frames)
    try:
        first = runs_in(model, frames, batch)[0]
        np.save(folder / "expected.npy", first.reshape(len(frames), -1).astype(np.float32))
    except Exception:
        pass
    case = {"why": why, "tolerance": TOLERANCE, "exact": False}
    (folder / "case.json").write_text(json.dumps(case, indent=1))


def search(options):
    steer8 = Steer8(options.steer8)
    counts, operators, kinds, start = Counter(), Counter(), {}, time.time()
    for number in range(options.first, options.first + options.count):
        if options.minutes and time.time() - start > 60 * options.minutes:
            break
        made = drawn(options.seed, number, options.without)
        if made is None:
            counts["not drawn"] += 1
            continue
        model, frames, batch = made
        ops = {node.op_type for node in model.graph.node} - {"Constant"}
        try:
            fault = verdict(steer8, model, frames, batch, not options.float)
        except Unsteady:
            counts["unsteady"] += 1
            continue
        except Exception as why:
            counts["not run by ONNX Runtime"] += 1
            if options.verbose:
                print(number, "ONNX Runtime:", str(why)[:200])
            continue
        counts["networks"] += 1
        counts["of 8 nodes or more"] += sum(n.op_type != "Constant" for n in model.graph.node) >= 8
        operators.update(ops)
        if fault is None:
            counts["right"] += 1
            continue
        counts[fault[0]] += 1
        least = smaller(steer8, model, frames, batch, fault)
        found = "+".join(n.op_type for n in parts(least[0])[0])
        which = kind(fault) + " | " + (found if len(found) < 60 else found[:60])
        kinds.setdefault(which, []).append(number)
        if len(kinds[which]) == 1:
            print(f"{number}: {fault[0]}: {fault[1]}\n    {described(least[0])}", flush=True)
            if options.faults:
                name = re.sub(r"[^a-z0-9]+", "_", f"{fault[0]} {found}_{number}".lower())[:80]
                store(options.faults, name, *least, f"{fault[0]}: {fault[1]}")
    print(f"\nseed {options.seed}, {time.time() - start:.0f} s: {dict(counts)}")
    for which, numbers in sorted(kinds.items(), key=lambda item: -len(item[1])):
        print(f"{len(numbers):5} {which} (as in {numbers[0]})")
    print(f"{len(operators)} operators:", " ".join(f"{op} {n}" for op, n in operators.most_common()))


class Frames:
    """What `quantize_static` reads."""

    def __init__(self, name, frames):
        self.parts = iter([{name: frame[None]} for frame in frames])

    def get_next(self):
        return next(self.parts, None)


def by_onnxruntime(model, frames):
    """As `quantize_static` makes it: per channel, u8, min-max, QDQ."""
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        before, after = f"{folder}/before.onnx", f"{folder}/after.onnx"
        given = f"{folder}/given.onnx"
        onnx.save(model, given)
        try:
            quant_pre_process(given, before)
        except Exception:
            quant_pre_process(given, before, skip_symbolic_shape=True)
        name = session(before).get_inputs()[0].name
        quantize_static(
            before,
            after,
            Frames(name, frames),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return Path(after).read_bytes()


def sqnr(made, truth):
    noise = np.square(np.subtract(made, truth)).sum()
    return 10 * np.log10(np.square(truth).sum() / max(noise, 1e-20))


def beside(options):
    """Int8 beside `quantize_static`, in ONNX Runtime, on other frames than those of the calibration."""
    import logging

    logging.disable(logging.CRITICAL)
    steer8, counts, rows, start = Steer8(options.steer8), Counter(), [], time.time()
    for number in range(options.first, options.first + options.count):
        if options.minutes and time.time() - start > 60 * options.minutes:
            break
        made = drawn(options.seed, number, options.without)
        if made is None or made[2] != 1:
            continue
        model, frames, _ = made
        ops = {node.op_type for node in model.graph.node}
        if ops & JUMPS or not ops & {"Conv", "Gemm", "MatMul"} or "QuantizeLinear" in ops or "MatMulInteger" in ops:
            continue
        del model.graph.output[1:]
        used, constants = parts(model)
        given = next(v for v in model.graph.input if v.name not in constants)
        out = model.graph.output[0]
        shape = [d.dim_value or d.dim_param for d in given.type.tensor_type.shape.dim]
        model = network(model, used, constants, given.name, shape, [(out.name, TensorProto.FLOAT)])
        if model is None or not {n.op_type for n in model.graph.node} & {"Conv", "Gemm", "MatMul"}:
            continue
        random = np.random.default_rng(number)
        more = random.uniform(frames.min(), frames.max(), (40, *frames.shape[1:])).astype(np.float32)
        frames, others = more[:24], more[24:]
        try:
            truth = runs_in(model, others, 1)[0]
            ours = runs_in(steer8.ask("qdq", model, frames), others, 1)[0]
        except (Refusal, Crash):
            counts["not quantized by Steer8"] += 1
            continue
        except Exception:
            continue
        try:
            other = runs_in(by_onnxruntime(model, frames), others, 1)[0]
        except Exception as why:
            counts["not quantized by ONNX Runtime"] += 1
            if options.verbose:
                print(number, str(why)[:150])
            continue
        rows.append((sqnr(ours, truth), sqnr(other, truth), number, model))
    differences = np.array([np.clip(a, -50, 90) - np.clip(b, -50, 90) for a, b, *_ in rows])
    print(f"{len(rows)} networks, {dict(counts)}, {time.time() - start:.0f} s")
    print("our median %.2f dB, theirs %.2f dB" % tuple(np.median([r[:2] for r in rows], axis=0)))
    print("the median of the differences %.2f dB" % np.median(differences))
    print(f"more than 3 dB below: {(differences < -3).sum()}, above: {(differences > 3).sum()}")
    for at in np.argsort(differences)[: options.worst]:
        a, b, number, model = rows[at]
        print(f"{number}: {a:.1f} dB, theirs {b:.1f} dB\n    {described(model)}")


def golden(options):
    """Stores networks of a seed that are right, with ONNX Runtime's answers."""
    steer8, goldens, parts_of = Steer8(options.steer8), [], {}
    for number in range(options.first, options.first + options.count):
        made = drawn(options.seed, number, options.without)
        if made is None or len(goldens) == NETWORKS:
            continue
        model, frames, batch = made
        frames = frames[: 2 * batch]
        # Floats are compared, and each network is to be small.
        floats = [o for o in model.graph.output if o.type.tensor_type.elem_type == TensorProto.FLOAT]
        del model.graph.output[:]
        model.graph.output.extend(floats)
        try:
            if model.ByteSize() > 6000 or verdict(steer8, model, frames, batch) is not None:
                continue
        except Exception:
            continue
        case = {"name": str(number), "answers": shortly(runs_in(model, frames, batch))}
        jumps = any(n.op_type in JUMPS | {"QuantizeLinear", "DynamicQuantizeLinear"} for n in model.graph.node)
        for form in ("qdq", "qoperator"):
            case[form] = None if jumps else int8_golden(steer8, form, model, frames, batch)
        goldens.append(case)
        parts_of[f"{number}.onnx"] = model.SerializeToString()
        array = io.BytesIO()
        np.savez(array, x=frames)
        parts_of[f"{number}.npz"] = array.getvalue()
    with zipfile.ZipFile(HERE / "drawn.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as pack:
        for name, data in {**parts_of, "goldens.json": json.dumps(goldens)}.items():
            pack.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)
    print(len(goldens), "networks")


def int8_golden(steer8, form, model, frames, batch):
    try:
        made = steer8.ask(form, model, frames)
    except Refusal:
        return None
    on, plain = optimized(made, frames, batch), runs_in(made, frames, batch)
    return {"answers": shortly(on), "apart": furthest(plain, on)}


def shortly(outputs):
    return [[float(f"{x:.6g}") for x in values] for values in outputs]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steer8", help="the test program `native`")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--without", nargs="*", default=[], help="operators")
    parser.add_argument("--float", action="store_true", help="without int8")
    parser.add_argument("--faults", help="where to store the smallest networks")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--sqnr", action="store_true", help="beside quantize_static instead")
    parser.add_argument("--golden", action="store_true", help="store networks of the seed instead")
    parser.add_argument("--worst", type=int, default=10, help="of those, how many are described")
    options = parser.parse_args()
    (golden if options.golden else beside if options.sqnr else search)(options)


if __name__ == "__main__":
    main()
