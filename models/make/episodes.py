"""Records what Gymnasium's CarRacing-v3 does, for `tests/core/drive.rs`: episodes and tracks.

    python episodes.py

writes tests/goldens/drive.zip: the actions of each episode, and digests of where the car
is after every step, of rewards and contacts, and of some frames without their score.
"""

import hashlib
import json
import math
import zipfile
from pathlib import Path

import numpy as np

from archive import FIXED_DATE
from environment import BRAKE, EPISODE_STEPS, GAS, LEFT, NOTHING, RIGHT, LazyCarRacing
from expert import Expert

GOLDEN = Path(__file__).parents[2] / "tests/goldens/drive.zip"
# States are digested in blocks, so that a test can say where an episode leaves.
BLOCK = 50
STEPS_PER_FRAME = 100
# The camera zooms in during the first 50.
ZOOMING = (10, 25, 40)
# Where the score stands in a frame.
SCORE = np.s_[87:93, 0:12]
# Continuous actions are whole numbers of these, so that JSON holds them exactly.
GRAIN = 1024

TRACKS = [0, 1, 2**32 - 1, *map(int, np.random.default_rng(0).integers(0, 2**32, 97))]
TRACKS_BEYOND = [2**32, 2**53 + 1, 2**64 - 1]


def held(random, draw, least, most):
    """A driver that draws an action and holds it for some steps."""

    def driver(_):
        while True:
            action = draw(random)
            for _ in range(random.integers(least, most)):
                yield action

    return driver


def any_discrete(random):
    return int(random.integers(5))


def any_continuous(random):
    steering, gas, brake = random.uniform(-1, 1), random.uniform(0, 1), random.uniform(-2, 1)
    return steering, gas, max(brake, 0)


def beyond_range(random):
    return tuple(random.uniform(-2, 2, 3))


def phases(*phases):
    """A driver that goes through pairs of an action and its steps, and ends with them."""

    def driver(_):
        for action, steps in phases:
            yield from [action] * steps

    return driver


def expert(noise, random):
    """The expert after a second, a share of whose decisions is drawn at random."""

    def driver(env):
        decide = Expert(env).decide
        yield from [NOTHING] * 50
        while True:
            action = any_discrete(random) if random.random() < noise else decide()
            yield from [action] * 3

    return driver


def smooth_expert(env):
    """Steers in proportion, with gas and brake towards a speed."""
    driver = Expert(env)
    hull = env.car.hull
    while True:
        position = np.array(hull.position)
        speed = hull.linearVelocity.length
        arc, _ = driver.centreline.nearest(position)
        aim = driver.centreline.point(arc + 10 + 0.2 * speed)
        left = driver._angle_to_the_left(aim - position) - 0.1 * hull.angularVelocity
        missing = 55 - speed
        yield -np.clip(1.5 * left, -1, 1), np.clip(missing / 20, 0, 1), np.clip(-missing / 20, 0, 1)


def seeded(seed):
    return np.random.default_rng(seed)


# Name, seed, driver; continuous are those that say so.
EPISODES = [
    ("expert, a lap", 30_003, expert(0.0, seeded(1))),
    ("expert, another lap", 30_000, expert(0.0, seeded(2))),
    ("expert, some noise", 30_002, expert(0.1, seeded(3))),
    ("expert, much noise", 2**31 + 3, expert(0.3, seeded(4))),
    ("expert, noise all over", 2**32 - 1, expert(0.6, seeded(5))),
    ("random", 30_005, held(seeded(6), any_discrete, 1, 20)),
    ("random, of the first seed", 0, held(seeded(7), any_discrete, 5, 60)),
    ("random, quick", 2**40 + 7, held(seeded(8), any_discrete, 1, 3)),
    ("asleep from the start", 30_008, phases((NOTHING, 400), (GAS, 100), (LEFT, 100))),
    (
        "gas, brake, asleep, again",
        30_009,
        phases((GAS, 150), (BRAKE, 250), (RIGHT, 80), (GAS, 120), (LEFT, 30), (BRAKE, 300)),
    ),
    ("straight out of the field", 30_010, phases((GAS, 900))),
    ("continuous, a lap", 30_011, smooth_expert),
    ("continuous, another", 30_012, smooth_expert),
    ("continuous, random", 30_013, held(seeded(9), any_continuous, 1, 30)),
    ("continuous, random and long", 3_000_000_019, held(seeded(10), any_continuous, 20, 100)),
    ("continuous, beyond the range", 30_015, held(seeded(11), beyond_range, 1, 30)),
    ("continuous, spinning", 30_016, phases(((1, 1, 0), 1000))),
    (
        "continuous, blocked wheels",
        30_017,
        phases(
            ((0, 0.5, 0), 120),
            ((0.3, 0, 921 / GRAIN), 60),
            ((0, 1, 0), 120),
            ((-0.4, 0, 922 / GRAIN), 60),
            ((0.1, 1, 0), 150),
            ((1, 0.5, 1), 100),
            ((0, 0, 0), 100),
        ),
    ),
    ("continuous, out of the field", 30_018, phases(((0, 0.3, 0), 900))),
    ("continuous, out and on", 30_019, phases(((0, 0.25, 0), 420))),
]
# Tile 0 is among the first that are touched, so small shares end the first step.
LAP_COMPLETE = [(30_020, percent) for percent in (0.0, 0.002, 0.005, 0.01)]


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def frame_digest(env):
    frame = np.array(env.observe())
    frame[SCORE] = 0
    return digest(frame.tobytes())


def in_grains(action):
    return [round(float(part) * GRAIN) for part in action]


def record(name, seed, driver, lap_complete_percent=0.95):
    continuous = name.startswith("continuous")
    env = LazyCarRacing(continuous, lap_complete_percent)
    env.reset(seed=seed)
    actions, states, frames = [], [], [(0, frame_digest(env))]
    ends = {}
    for action in driver(env):
        if continuous:
            action = in_grains(action)
            step = env.step(np.array(action, dtype=np.float32) / np.float32(GRAIN))
        else:
            step = env.step(action)
        _, reward, terminated, _, info = step
        hull, wheels = env.car.hull, env.car.wheels
        off_road = sum(not wheel.tiles for wheel in wheels)
        row = [*hull.position, hull.angle, reward, env.tile_visited_count, off_road]
        states.append([float(x) for x in row])
        if actions and actions[-1][1] == action:
            actions[-1][0] += 1
        else:
            actions.append([1, action])
        if len(states) % STEPS_PER_FRAME == 0 or len(states) in ZOOMING:
            frames.append((len(states), frame_digest(env)))
        if terminated and not ends:
            finished = info["lap_finished"]
            ends = {"terminated_at": len(states), "lap_finished": finished}
        # "out and on" goes on after its end, as one may.
        if len(states) == EPISODE_STEPS or (terminated and not name.endswith("and on")):
            break
    blocks = [np.array(states[i : i + BLOCK]) for i in range(0, len(states), BLOCK)]
    assert all(np.isfinite(block).all() for block in blocks)
    last = states[-1]
    tiles = f"{int(last[4])} of {len(env.track)} tiles"
    print(f"{name}: {len(states)} steps, {tiles}, angle {last[2]:.1f}, {ends}")
    return {
        "name": name,
        "seed": seed,
        "lap_complete_percent": lap_complete_percent,
        "actions": actions,
        "states": [digest(block.tobytes()) for block in blocks],
        "frames": frames,
        "terminated_at": None,
        "lap_finished": False,
        **ends,
    }


def track(seed):
    """Sums over a track's points, and the same with points weighing more and more."""
    env = LazyCarRacing()
    env.reset(seed=seed)
    points = [tuple(map(float, point)) for point in env.track]
    n = len(points)
    weighted = [[x * ((i + 1) / n) for x in point] for i, point in enumerate(points)]
    borders = len(env.road_poly) - n
    sums = [sum(column) for rows in (points, weighted) for column in zip(*rows)]
    assert all(map(math.isfinite, sums))
    return {"seed": seed, "tiles": n, "borders": borders, "sums": sums}


def main():
    drives = [record(*episode) for episode in EPISODES]
    for seed, percent in LAP_COMPLETE:
        name = f"complete at {percent}"
        drives.append(record(name, seed, phases((GAS, 3)), percent))
    golden = {
        "block": BLOCK,
        "grain": GRAIN,
        "episodes": drives,
        "tracks": [track(seed) for seed in TRACKS + TRACKS_BEYOND],
    }
    with zipfile.ZipFile(GOLDEN, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("drive.json", FIXED_DATE)
        archive.writestr(entry, json.dumps(golden), zipfile.ZIP_DEFLATED)
    print(f"{GOLDEN.stat().st_size} bytes")


if __name__ == "__main__":
    main()
