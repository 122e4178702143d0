"""Drives the expert, keeps some of what it sees, and writes the archives of frames.

    python frames.py --processes 2 ../frames
"""

import argparse
import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy as np

import archive
from environment import BRAKE, CLASSES, GAS, Episode
from expert import Expert

# Now and then the driver does something random for a few decisions, so that the
# frames show recoveries; the label stays what the expert would have done. On the
# tracks driven for brake frames the disturbance is staying on the gas.
BURST_RATES = (0.015, 0.06)
BURST_DECISIONS = (1, 4)

KEEP_RATE = 0.25
CALIBRATION_FRAMES = 512
SHARD_FRAMES = 5000
SPLIT_SEED = 1


@dataclass(frozen=True)
class Split:
    """Braking is rare, so some further tracks are driven for their brake frames alone."""

    tracks: range
    brake_tracks: range
    driving_frames: int
    brake_frames: int


VALIDATION = Split(range(10_000, 10_032), range(11_000, 11_030), 1_920, 80)
TRAINING = Split(range(0, 215), range(1_000, 1_200), 14_400, 600)


def moments(track, only_braking):
    """Drives an episode; gives it, the expert and its decision wherever a frame may be kept."""
    random = np.random.default_rng([SPLIT_SEED, track])
    burst_rate = random.uniform(*BURST_RATES)
    burst_left = 0
    episode = Episode(track)
    expert = Expert(episode.env)
    while not episode.over:
        label = expert.decide()
        wanted = label == BRAKE if only_braking else random.random() < KEEP_RATE
        if wanted and not expert.is_lost():
            yield episode, expert, label

        if burst_left == 0 and random.random() < burst_rate:
            burst_left = random.integers(*BURST_DECISIONS, endpoint=True)
        if burst_left > 0:
            burst_left -= 1
            episode.decide(GAS if only_braking else int(random.integers(len(CLASSES))))
        else:
            episode.decide(label)


def drive(track, only_braking):
    """The frames kept of one episode."""
    return [
        archive.Frame(track, episode.steps, label, archive.encode(episode.observe()))
        for episode, _, label in moments(track, only_braking)
    ]


def collect(pool, split):
    driving = gather(pool, split.tracks, False, split.driving_frames)
    braking = gather(pool, split.brake_tracks, True, split.brake_frames)
    return driving + braking


def gather(pool, tracks, only_braking, count):
    """A random `count` of the frames from these tracks, none twice."""
    unique = {}
    for frames in pool.map(partial(drive, only_braking=only_braking), tracks, chunksize=4):
        for frame in frames:
            unique.setdefault(pixel_hash(frame), frame)
    frames = list(unique.values())
    print(f"{len(frames)} frames from {len(tracks)} tracks, {count} wanted", flush=True)
    if len(frames) < count:
        raise SystemExit("too few frames: drive more tracks")
    chosen = np.random.default_rng(SPLIT_SEED).permutation(len(frames))[:count]
    return [frames[index] for index in chosen]


def pixel_hash(frame):
    return hashlib.sha256(archive.decode(frame.image).tobytes()).digest()


def balanced(frames, count):
    """A random `count` of the frames with every class as often as the others.

    Each is the smaller file of two drawn, which keeps the archive under 1 MB.
    """
    random = np.random.default_rng(SPLIT_SEED)
    frames = sorted(frames, key=lambda frame: frame.entry)
    chosen = []
    for label in range(len(CLASSES)):
        share = count // len(CLASSES) + (label < count % len(CLASSES))
        of_class = [frame for frame in frames if frame.label == label]
        drawn = random.permutation(len(of_class))[: 2 * share].reshape(share, 2)
        pairs = ([of_class[index] for index in pair] for pair in drawn)
        chosen += [min(pair, key=lambda frame: len(frame.image)) for pair in pairs]
    return chosen


def describe(name, path, frames):
    balance = Counter(frame.label for frame in frames)
    counts = ", ".join(f"{CLASSES[label]} {balance[label]}" for label in range(len(CLASSES)))
    tracks = len({frame.track for frame in frames})
    print(f"{name}: {len(frames)} frames of {tracks} tracks, {path.stat().st_size} bytes: {counts}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("output", type=Path)
    arguments.add_argument("--processes", type=int, default=1)
    options = arguments.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)

    with Pool(options.processes) as pool:
        validation = collect(pool, VALIDATION)
        training = collect(pool, TRAINING)
    hashes = [pixel_hash(frame) for frame in validation + training]
    assert len(set(hashes)) == len(hashes), "a frame occurs twice"

    archives = {"validation": validation, "calibration": balanced(training, CALIBRATION_FRAMES)}
    shuffled = [training[i] for i in np.random.default_rng(SPLIT_SEED).permutation(len(training))]
    for shard, start in enumerate(range(0, len(shuffled), SHARD_FRAMES)):
        archives[f"training-{shard}"] = shuffled[start : start + SHARD_FRAMES]
    for name, frames in archives.items():
        path = options.output / f"{name}.zip"
        archive.write(path, frames)
        describe(name, path, frames)


if __name__ == "__main__":
    main()
