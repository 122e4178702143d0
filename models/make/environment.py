"""CarRacing-v3 that is drawn only when somebody looks, mostly with the five discrete actions.

Drawing a frame takes far longer than simulating it, and most frames are never
used: a decision is made on every third one, and few of those are kept.
"""

import os

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

import numpy as np
from gymnasium.envs.box2d.car_racing import CarRacing

CLASSES = ["nothing", "right", "left", "gas", "brake"]
NOTHING, RIGHT, LEFT, GAS, BRAKE = range(5)
# What a continuous action has.
CONTROLS = ["steering", "gas", "brake"]

# The camera zooms in during the first second; nothing is recorded before that.
STEPS_BEFORE_START = 50
STEPS_PER_DECISION = 3
EPISODE_STEPS = 1000
# The dashboard (speed, wheels, steering, gyroscope) at the bottom of a frame.
DASHBOARD_ROWS = 12
# Its two needles that point to a side (steering and gyroscope), from column to column.
NEEDLES = [[36, 60], [60, 84]]


class LazyCarRacing(CarRacing):
    """`step` returns no picture; `observe` gives the one `step` would have returned."""

    def __init__(self, continuous=False, lap_complete_percent=0.95):
        super().__init__(continuous=continuous, lap_complete_percent=lap_complete_percent)

    def _render(self, mode):
        # `step` draws between counting tiles and charging the time penalty, and
        # the score is part of the picture.
        self._score_shown = self.reward
        return None

    def observe(self):
        score = self.reward
        self.reward = self._score_shown
        frame = super()._render("state_pixels")
        self.reward = score
        return frame


class Episode:
    """One drive on one track: waits out the zoom, then repeats each decision for three steps."""

    def __init__(self, track_seed, continuous=False):
        self.env = LazyCarRacing(continuous)
        self.env.reset(seed=track_seed)
        self.steps = 0
        self.total_reward = 0.0
        self.over = False
        self._repeat(np.zeros(3) if continuous else NOTHING, STEPS_BEFORE_START)

    def decide(self, action):
        self._repeat(action, STEPS_PER_DECISION)

    def observe(self):
        return self.env.observe()

    def _repeat(self, action, times):
        for _ in range(times):
            _, reward, terminated, _, _ = self.env.step(action)
            self.steps += 1
            self.total_reward += reward
            self.over = terminated or self.steps >= EPISODE_STEPS
            if self.over:
                return
