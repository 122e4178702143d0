"""Runs our int8 files in ONNX Runtime, compares with our own answers, and stores a part of its
answers as goldens.

    pip install -r requirements.txt
    cargo build --release
    python tests/goldens/make.py

Prints, for each bundled network, on how many of the 2,000 validation frames the top-1 class is the
same, and how far the logits are apart in quanta of the output, with ONNX Runtime's graph
optimizations off, on, and on in its precise mode. The precise mode (`session.x64quantprecision`)
changes nothing on a processor with VNNI; without VNNI, ONNX Runtime's own kernels saturate the sum
of two u8 x i8 products at 16 bits, and this mode tells it not to.

Writes `NETWORK.json` beside this file: the SHA-256 of the int8 file that was run, every 20th frame's
index, and ONNX Runtime's answers for it in quanta of the output (optimizations off, and on in the
precise mode).
"""

import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from PIL import Image

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
NETWORKS = ("assignment", "pilotnet", "mobilenet", "pilotnet-steering")
EVERY = 20


def frames_of(split):
    """Frames in the order in which Steer8 reads them: by name."""
    with zipfile.ZipFile(ROOT / f"models/frames/{split}.zip") as pack:
        names = sorted(pack.namelist())
        images = [np.asarray(Image.open(io.BytesIO(pack.read(name)))) for name in names]
    return np.stack(images).astype(np.float32)


def entering(path, pixels):
    """Pixels as they enter a network: what takes its channels last scales them itself."""
    if onnx.load(path).graph.input[0].type.tensor_type.shape.dim[-1].dim_value == 3:
        return pixels
    return pixels.transpose(0, 3, 1, 2) / np.float32(255)


def run(path, frames, optimized, precise=False, batch=1):
    options = ort.SessionOptions()
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimized else level.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.x64quantprecision", "1" if precise else "0")
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    image = session.get_inputs()[0]
    batches = (frames[i : i + batch] for i in range(0, len(frames), batch))
    answers = (session.run(None, {image.name: batch}) for batch in batches)
    return np.concatenate([np.concatenate(outputs, axis=1) for outputs in answers])


def output_scales(path):
    """Of each output the scale of the QuantizeLinear whose result the last DequantizeLinear gives out."""
    graph = onnx.load(path).graph
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    last = {name: node for node in graph.node for name in node.output}
    scales = (initializers[last[output.name].input[1]] for output in graph.output)
    return [float(onnx.numpy_helper.to_array(scale)) for scale in scales]


def quanta(answers, scales):
    return np.rint(answers / np.array(scales)).astype(int).tolist()


def report(name, ours, theirs, scales):
    same = int((ours.argmax(1) == theirs.argmax(1)).sum())
    apart = np.abs(np.subtract(quanta(ours, scales), quanta(theirs, scales)))
    counts = ", ".join(f"{q} off: {n}" for q, n in enumerate(np.bincount(apart.ravel())) if n)
    print(f"{name}: same top-1 on {same} of {len(ours)} frames; logits {counts}", flush=True)


def main():
    steer8 = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "target/release/steer8")
    frames = frames_of("validation")
    print(f"onnxruntime {ort.__version__}, {len(frames)} frames")
    for network in sys.argv[2:] or NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            int8, answers = f"{folder}/int8.onnx", f"{folder}/answers.npy"
            float32 = str(ROOT / f"models/networks/{network}.onnx")
            subprocess.run(
                [steer8, "quantize", float32, "-o", int8, "--quiet"],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            subprocess.run(
                [steer8, "evaluate", int8, "--predictions", answers, "--quiet"],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            ours, scales = np.load(answers), output_scales(int8)
            given = entering(int8, frames)
            off = run(int8, given, optimized=False)
            fast = run(int8, given, optimized=True)
            on = run(int8, given, optimized=True, precise=True)
            report(f"{network}, optimizations off", ours, off, scales)
            report(f"{network}, optimizations on", ours, fast, scales)
            report(f"{network}, optimizations on, precise", ours, on, scales)
            golden = {
                "sha256": hashlib.sha256(Path(int8).read_bytes()).hexdigest(),
                "onnxruntime": ort.__version__,
                "scales": scales,
                "frames": list(range(0, len(frames), EVERY)),
                "off": quanta(off[::EVERY], scales),
                "on": quanta(on[::EVERY], scales),
            }
            (HERE / f"{network}.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
