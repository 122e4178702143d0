"""Driving networks on frames as they lie on the disk: Steer8 beside ONNX Runtime on what OpenCV and numpy prepare.

    pip install opencv-python-headless numpy onnx onnxruntime
    cargo build --release
    python tests/goldens/driving_frames.py STEER8 CASES

CASES is a folder with the networks and folders that `CASES` below names; the network of x and y is made here. For each, Steer8 writes its predictions,
and ONNX Runtime answers on frames that OpenCV decodes and prepares. Prints the largest difference of any output, in
its own unit: on the pictures as OpenCV has decoded them, saved as PNG, and on the files as they are, for decoders of JPEG
are not all to the same bytes (5 of 255 apart at most here, 0.13 on average). Ends with status 1 where the former is above
1e-4 of the largest answer.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def scaled(picture):
    return picture / np.float32(255)


def resized(width, height):
    return lambda picture: cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)


def normalized(picture):
    """As torchvision does it for networks that begin as ImageNet's."""
    mean, std = (np.float32(figures) for figures in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    return (picture - mean) / std


def yuv(picture):
    return cv2.cvtColor(picture, cv2.COLOR_RGB2YUV)


def road_following():
    """A small network as JetRacer's and JetBot's notebooks train them: x and y of where to drive."""
    random = np.random.default_rng(0)
    shapes = [("a", (8, 3, 5, 5)), ("b", (16, 8, 3, 3)), ("c", (2, 16)), ("d", (2,))]
    tensors = [numpy_helper.from_array((random.normal(size=shape) / 4).astype(np.float32), name)
               for name, shape in shapes]
    nodes = [
        helper.make_node("Conv", ["x", "a"], ["1"], strides=[4, 4], pads=[2, 2, 2, 2]),
        helper.make_node("Relu", ["1"], ["2"]),
        helper.make_node("Conv", ["2", "b"], ["3"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["3"], ["4"]),
        helper.make_node("GlobalAveragePool", ["4"], ["5"]),
        helper.make_node("Flatten", ["5"], ["6"]),
        helper.make_node("Gemm", ["6", "c", "d"], ["xy"], transB=1),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
              for name, shape in (("x", ["n", 3, 224, 224]), ("xy", ["n", 2]))]
    graph = helper.make_graph(nodes, "road_following", values[:1], values[1:], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


# Network, folder of images, options, and what becomes of a picture as OpenCV decodes it.
CASES = [
    ("donkey_linear", "tub/images", "", [scaled]),
    ("carla_light", "csv", "--resize", [resized(64, 64), scaled]),
    ("carla_light", "angle_in_name", "--resize", [resized(64, 64), scaled]),
    ("carla_light", "tub/images", "--resize", [resized(64, 64), scaled]),
    ("lane_navigation", "angle_in_name", "", [scaled]),
    ("lane_navigation", "csv", "--crop 20,0,0,0 --resize", [lambda picture: picture[20:], resized(200, 66), scaled]),
    ("lane_navigation", "angle_in_name", "--resize 200x66 --color yuv", [resized(200, 66), yuv, scaled]),
    ("udacity_pilotnet", "udacity/IMG", "--crop 30,0,12,0 --resize --color yuv --divide 1",
     [lambda picture: picture[30:-12], resized(200, 66), yuv, np.float32]),
    ("road_following", "xy", "--resize --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225",
     [resized(224, 224), scaled, normalized]),
]


def answers(network, frames):
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    only = session.get_inputs()[0]
    if only.shape[1] == frames.shape[-1]:
        frames = np.ascontiguousarray(frames.transpose(0, 3, 1, 2))
    rows = []
    for frame in frames:
        rows.append(np.concatenate([out.ravel() for out in session.run(None, {only.name: frame[None]})]))
    return np.stack(rows)


def predicted(steer8, network, options, pictures, scratch):
    """Steer8's answers to pictures, which are files by their names."""
    data = scratch / "frames"
    data.mkdir()
    for name, content in pictures.items():
        (data / name).write_bytes(content)
    command = [steer8, "evaluate", network, "--data", data, "--task", "none", "--quiet",
               "--predictions", scratch / "answers.npy", *options.split()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return np.load(scratch / "answers.npy")


def main(steer8, cases):
    failed = False
    made = Path(tempfile.mkdtemp()) / "road_following.onnx"
    made.write_bytes(road_following().SerializeToString())
    for name, folder, options, steps in CASES:
        network = made if name == made.stem else cases / f"{name}.onnx"
        files = sorted(file for file in (cases / folder).rglob("*") if file.suffix in (".png", ".jpg"))
        decoded = [cv2.imread(str(file)) for file in files]
        frames = []
        for picture in decoded:
            picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
            for step in steps:
                picture = step(picture)
            frames.append(picture.astype(np.float32))
        theirs = answers(network, np.stack(frames))
        largest = np.abs(theirs).max()
        line = []
        kinds = {
            "as PNG": {f"{at:05}.png": cv2.imencode(".png", picture)[1].tobytes() for at, picture in enumerate(decoded)},
            "as they are": {f"{at:05}{file.suffix}": file.read_bytes() for at, file in enumerate(files)},
        }
        for kind, pictures in kinds.items():
            with tempfile.TemporaryDirectory() as scratch:
                ours = predicted(steer8, network, options, pictures, Path(scratch))
            apart = np.abs(ours - theirs).max()
            failed |= kind == "as PNG" and apart > 1e-4 * largest
            line.append(f"{kind} {apart:.2g}")
        print(f"{name}, {len(files)} of {folder}, {options or 'no option'}: answers up to {largest:.4g}, apart by at "
              f"most: {', '.join(line)}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
