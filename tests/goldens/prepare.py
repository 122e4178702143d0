"""Stores what OpenCV and numpy make of pictures, step by step and as whole chains that people use.

    pip install opencv-python-headless==5.0.0 numpy
    python tests/goldens/prepare.py

Writes `prepare.zip` beside this file: pictures as PNG, and `goldens.json` with the cases: which pictures, how they
enter (the JSON of `--preprocess`), and of what enters (frames, channels, height, width, one after another) the shape
and every so many-th number, in a file of its own. OpenCV 4.10.0 writes the same.

    python tests/goldens/prepare.py --many 2000

compares OpenCV with the same arithmetic in numpy, on so many random sizes, and stores nothing.
"""

import argparse
import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).parent
CONVERSIONS = {"bgr": cv2.COLOR_RGB2BGR, "gray": cv2.COLOR_RGB2GRAY, "yuv": cv2.COLOR_RGB2YUV}
random = np.random.default_rng(20)


def road(width, height, bend=0.0):
    """A picture with edges, slopes and saturated colours, which PNG keeps small."""
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    picture = np.stack([90 + 120 * across, 180 - 60 * down, 240 - 200 * down], axis=-1).astype(np.uint8)
    foot, top = int(0.9 * height), int(0.4 * height)
    points = [[0.1, foot], [0.45 + bend, top], [0.55 + bend, top], [0.95, foot]]
    points = np.array([[x * width, y] for x, y in points], np.int32)
    cv2.fillPoly(picture, [points], (96, 98, 104), cv2.LINE_AA)
    cv2.line(picture, *points[:2].tolist(), (255, 220, 0), 2, cv2.LINE_AA)
    cv2.line(picture, *points[2:].tolist(), (255, 255, 255), 2, cv2.LINE_AA)
    cv2.circle(picture, (int(0.8 * width), int(0.2 * height)), height // 9, (250, 10, 20), -1, cv2.LINE_AA)
    return picture


def noise(width, height):
    return random.integers(0, 256, (height, width, 3), dtype=np.uint8)


def prepared(picture, own):
    crop = own.get("crop", {})
    height, width = picture.shape[:2]
    picture = picture[crop.get("top", 0) : height - crop.get("bottom", 0)]
    picture = np.ascontiguousarray(picture[:, crop.get("left", 0) : width - crop.get("right", 0)])
    if "resize" in own:
        picture = cv2.resize(picture, own["resize"], interpolation=cv2.INTER_LINEAR)
    if own.get("color", "rgb") != "rgb":
        picture = cv2.cvtColor(picture, CONVERSIONS[own["color"]])
    return picture.reshape(*picture.shape[:2], -1)


def entering(pictures, own):
    frames = [prepared(picture, own).astype(np.float32) for picture in pictures]
    number = lambda key, default: np.array(own.get(key, [default]), np.float32)
    scaled = (np.stack(frames) - number("subtract", 0)) / np.float32(own.get("divide", 255))
    scaled = (scaled - number("mean", 0)) / number("std", 1)
    assert scaled.dtype == np.float32
    depth = own.get("stack", 1)
    stacked = [np.concatenate(scaled[i : i + depth], axis=-1) for i in range(len(frames) - depth + 1)]
    return np.stack(stacked).transpose(0, 3, 1, 2)


def cases():
    plain = {"divide": 1}
    camera, tub, small = [road(320, 160)], [road(80, 60, 0.04 * i - 0.1) for i in range(5)], [noise(29, 23)]
    yield "crop", small, {**plain, "crop": {"top": 3, "right": 5, "bottom": 1, "left": 7}}, 1
    yield "crop of one side", small, {**plain, "crop": {"left": 28}}, 1
    for width, height in ((17, 11), (43, 38), (40, 9), (29, 31), (1, 1), (3, 40)):
        yield f"resize to {width}x{height}", small, {**plain, "resize": [width, height]}, 1
    even = [noise(24, 18)]
    yield "resize to half", even, {**plain, "resize": [12, 9]}, 1
    yield "resize to half of the height", even, {**plain, "resize": [24, 9]}, 1
    yield "resize one pixel", [noise(1, 1)], {**plain, "resize": [3, 2]}, 1
    yield "resize a row", [noise(31, 1)], {**plain, "resize": [14, 3]}, 1
    yield "resize a column", [noise(1, 31)], {**plain, "resize": [2, 47]}, 1
    colors = [noise(41, 37)]
    for color in ("bgr", "gray", "yuv"):
        yield color, colors, {**plain, "color": color}, 1
    yield "scaled", small, {"subtract": [1.5, 0, 128], "divide": 63.75, "mean": [0.485, 0.456, 0.406],
                            "std": [0.229, 0.224, 0.225]}, 7
    udacity = {"crop": {"top": 60, "bottom": 25}, "resize": [200, 66], "color": "yuv"}
    yield "Udacity's pixels", camera, {**udacity, **plain}, 7
    yield "Udacity, -1 to 1", camera, {**udacity, "divide": 127.5, "mean": [1, 1, 1]}, 97
    yield "Donkeycar, grey and stacked", tub, {"crop": {"top": 22}, "color": "gray", "stack": 4}, 37
    yield "Caffe", camera, {"resize": [96, 48], "color": "bgr", "subtract": [104, 117, 123], "divide": 1}, 47
    yield "one mean", tub[:1], {"resize": [64, 64], "subtract": [127.5], "divide": 127.5}, 97


def store():
    goldens, files, names = [], {}, {}
    for name, pictures, own, every in cases():
        for picture in pictures:
            if id(picture) not in names:
                names[id(picture)] = (f"{len(names):02}.png", picture)
                files[names[id(picture)][0]] = cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
        enters = entering(pictures, own)
        whole = (enters == enters.astype(np.uint8)).all()
        numbers = enters.ravel()[::every].astype(np.uint8 if whole else np.float32)
        file = f"{name}.npy"
        with io.BytesIO() as buffer:
            np.save(buffer, numbers)
            files[file] = buffer.getvalue()
        goldens.append({"name": name, "images": [names[id(picture)][0] for picture in pictures],
                        "preprocessing": own, "shape": enters.shape, "every": every, "numbers": file})
    files["goldens.json"] = json.dumps(goldens, indent=1).encode()
    with zipfile.ZipFile(HERE / "prepare.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    print(f"{len(goldens)} cases, {(HERE / 'prepare.zip').stat().st_size:,} bytes, OpenCV {cv2.__version__}")


def by_hand(picture, width, height):
    """What `src/data/prepare/resize.rs` computes."""
    rows, columns = picture.shape[:2]
    picture = picture.astype(np.int64)
    if (columns, rows) == (2 * width, 2 * height):
        return (picture[::2, ::2] + picture[1::2, ::2] + picture[::2, 1::2] + picture[1::2, 1::2] + 2) >> 2

    def between(source, made):
        at = ((np.arange(made) + 0.5) * (1 / (made / source)) - 0.5).astype(np.float32)
        first = np.floor(at)
        weights = np.stack([1 - (at - first), at - first]) * np.float32(2048)
        places = np.stack([first, first + 1]).astype(int).clip(0, source - 1)
        return places, np.rint(weights).astype(np.int64)

    places, weights = between(columns, width)
    weights[:, places[0] == places[1]] = [[2048], [0]]
    wide = sum(picture[:, p] * w[:, None] for p, w in zip(places, weights))
    places, weights = between(rows, height)
    return (sum(((wide[p] >> 4) * w[:, None, None]) >> 16 for p, w in zip(places, weights)) + 2) >> 2


def many(count):
    pixels = others = furthest = 0
    for i in range(count):
        width, height, to_width, to_height = (int(n) for n in random.integers(1, 260, 4))
        if i % 8 == 0:
            width, height = 2 * to_width, 2 * to_height
        picture = noise(width, height)
        theirs = cv2.resize(picture, (to_width, to_height), interpolation=cv2.INTER_LINEAR)
        apart = np.abs(theirs.reshape(to_height, to_width, 3).astype(int) - by_hand(picture, to_width, to_height))
        pixels, others, furthest = pixels + apart.size, others + (apart > 0).sum(), max(furthest, apart.max())
    print(f"{count} sizes: {others} of {pixels:,} bytes differ, by {furthest} at most, OpenCV {cv2.__version__}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--many", type=int)
    arguments = parser.parse_args()
    many(arguments.many) if arguments.many else store()
