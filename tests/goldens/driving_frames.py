"""Driving networks on frames as they lie on the disk: Steer8 beside ONNX Runtime on what OpenCV and numpy prepare.

    pip install opencv-python-headless numpy onnxruntime
    cargo build --release
    python tests/goldens/driving_frames.py STEER8 CASES

CASES is a folder with the networks and folders that `CASES` below names. For each, Steer8 writes its predictions,
and ONNX Runtime answers on frames that OpenCV decodes and prepares. Prints the largest difference of any output, in
its own unit and as a share of the largest answer. Ends with status 1 where that share is above 1e-4, or above 1e-2 for
JPEG, which decoders need not decode to the same bytes.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import onnxruntime



def scaled(picture):
    return picture / np.float32(255)


def resized(width, height):
    return lambda picture: cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)


def yuv(picture):
    return cv2.cvtColor(picture, cv2.COLOR_RGB2YUV)


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


def main(steer8, cases):
    failed = False
    for name, folder, options, steps in CASES:
        network = cases / f"{name}.onnx"
        files = [file for file in (cases / folder).rglob("*") if file.suffix in (".png", ".jpg")]
        files.sort()
        frames = []
        for file in files:
            picture = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
            for step in steps:
                picture = step(picture)
            frames.append(picture.astype(np.float32))
        with tempfile.TemporaryDirectory() as scratch:
            scratch = Path(scratch)
            data = scratch / "frames"
            data.mkdir()
            for at, file in enumerate(files):
                (data / f"{at:05}{file.suffix}").symlink_to(file.resolve())
            command = [steer8, "evaluate", network, "--data", data, "--task", "none", "--quiet",
                       "--predictions", scratch / "ours.npy", *options.split()]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            ours = np.load(scratch / "ours.npy")
        theirs = answers(network, np.stack(frames))
        apart = np.abs(ours - theirs).max()
        share = apart / np.abs(theirs).max()
        kinds = sorted({file.suffix[1:] for file in files})
        failed |= share > (1e-2 if "jpg" in kinds else 1e-4)
        print(f"{name}, {len(files)} {'/'.join(kinds)}, {options or 'no option'}: {apart:.3g}, {share:.2g} of "
              f"{np.abs(theirs).max():.4g}")
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
