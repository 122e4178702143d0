"""Drives the tracks of the bundled frames again and writes what the expert's values were.

    python values.py --processes 2 ../frames

writes ../frames/values.csv: for every frame of the archives its path, steering, gas and brake.
Each frame is drawn again and must be the very one, pixel by pixel.
"""

import argparse
import csv
import zipfile
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy as np

import archive
import frames
from environment import CONTROLS


def bundled(folder):
    """By path, the frames in all archives: a frame that is in two of them is the same in both."""
    images = {}
    for path in sorted(folder.glob("*.zip")):
        with zipfile.ZipFile(path) as opened:
            for entry in opened.namelist():
                image = opened.read(entry)
                assert images.setdefault(entry, image) == image, f"two frames are {entry}"
    return images


def label(task, images):
    """Values by path of one track's frames."""
    track, only_braking = task
    values = {}
    for episode, expert, decision in frames.moments(track, only_braking):
        entry = archive.Frame(track, episode.steps, decision, b"").entry
        if entry in images:
            drawn = np.array_equal(episode.observe(), archive.decode(images[entry]))
            assert drawn, f"{entry} is another frame now"
            values[entry] = expert.control()
    return values


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("frames", type=Path)
    arguments.add_argument("--processes", type=int, default=1)
    options = arguments.parse_args()

    images = bundled(options.frames)
    splits = [frames.VALIDATION, frames.TRAINING]
    tasks = [(track, False) for split in splits for track in split.tracks]
    tasks += [(track, True) for split in splits for track in split.brake_tracks]
    values = {}
    with Pool(options.processes) as pool:
        for of_track in pool.imap_unordered(partial(label, images=images), tasks):
            values |= of_track
    missing = images.keys() - values.keys()
    assert not missing, f"{len(missing)} frames were not met again"

    with open(options.frames / "values.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["image", *CONTROLS])
        for entry in sorted(values):
            # Without the minus of a zero.
            table.writerow([entry, *(f"{round(value, 4) + 0.0:g}" for value in values[entry])])
    columns = np.array(list(values.values()))
    for name, mean, deviation in zip(CONTROLS, columns.mean(0), columns.std(0)):
        print(f"{name}: mean {mean:.4f}, standard deviation {deviation:.4f}")


if __name__ == "__main__":
    main()
