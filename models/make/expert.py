"""The scripted driver whose decisions are the labels: classes, and values for the same moments.

It has no memory: the decision follows from the car's state and the road ahead,
nearly all of which can be seen in the frame. It knows the track's centreline
instead of looking at pixels.
"""

import math

import numpy as np

from environment import BRAKE, GAS, LEFT, NOTHING, RIGHT

# Steering: aim at a centreline point this far ahead, damp by the yaw rate.
AIM_DISTANCE = 8.7
AIM_DISTANCE_PER_SPEED = 0.25
YAW_DAMPING = 0.09
STEER_THRESHOLD = 0.15

# Speed: from the curvature of the road that the camera shows.
VISIBLE_DISTANCE = 36.0
SLOWEST, FASTEST = 43.0, 85.0
SPEED_LOST_PER_CURVATURE = 400.0
CURVATURE_SPAN = 20.0
BRAKE_ABOVE_TARGET = 1.2

# As values: so many units/s below the target are the most gas, so many above what is tolerated the most brake.
# More gas than this in a curve, and the rear wheels slide.
MOST_GAS, MOST_GAS_BELOW = 0.35, 25.0
MOST_BRAKE, MOST_BRAKE_ABOVE = 0.8, 15.0

# Beyond this no road may be in view, and the label cannot be seen.
LOST_DISTANCE = 13.0


class Centreline:
    """The closed polyline through the middle of the track, by arc length."""

    def __init__(self, track):
        points = np.array([(x, y) for _, _, x, y in track])
        self.points = np.vstack([points, points[:1]])
        segments = np.diff(self.points, axis=0)
        self.lengths = np.hypot(segments[:, 0], segments[:, 1])
        self.directions = segments / self.lengths[:, None]
        self.starts = np.concatenate([[0.0], np.cumsum(self.lengths)])
        headings = np.unwrap(np.arctan2(segments[:, 1], segments[:, 0]))
        turn_of_lap = 2 * math.pi * round((headings[-1] - headings[0]) / (2 * math.pi))
        middles = self.starts[:-1] + self.lengths / 2
        # Two laps, so that looking ahead never wraps.
        self.heading_at = np.concatenate([middles, middles + self.length])
        self.headings = np.concatenate([headings, headings + turn_of_lap])

    @property
    def length(self):
        return self.starts[-1]

    def nearest(self, position):
        """Arc length of the nearest point, and the distance to it."""
        offsets = position - self.points[:-1]
        along = np.clip((offsets * self.directions).sum(axis=1), 0.0, self.lengths)
        feet = self.points[:-1] + along[:, None] * self.directions
        distances = np.hypot(*(position - feet).T)
        index = int(np.argmin(distances))
        return self.starts[index] + along[index], distances[index]

    def point(self, arc):
        arc %= self.length
        return np.array([np.interp(arc, self.starts, self.points[:, axis]) for axis in (0, 1)])

    def sharpest_curvature(self, arc, distance):
        """The largest mean curvature of any stretch of the road ahead."""
        ends = np.arange(arc, arc + distance - CURVATURE_SPAN + 1e-9, 2.0)
        turns = np.interp(ends + CURVATURE_SPAN, self.heading_at, self.headings) - np.interp(
            ends, self.heading_at, self.headings
        )
        return np.abs(turns).max() / CURVATURE_SPAN


class Expert:
    def __init__(self, env):
        self.car = env.car
        self.centreline = Centreline(env.track)

    def decide(self):
        """One of the discrete actions."""
        angle, speed, target = self._moment()
        if angle > STEER_THRESHOLD:
            return LEFT
        if angle < -STEER_THRESHOLD:
            return RIGHT
        if speed > BRAKE_ABOVE_TARGET * target:
            return BRAKE
        return GAS if speed < target else NOTHING

    def control(self):
        """A continuous action: steering (-1 all to the left, 1 to the right), gas and brake (0 to 1)."""
        angle, speed, target = self._moment()
        too_fast = speed - BRAKE_ABOVE_TARGET * target
        gas = MOST_GAS * np.clip((target - speed) / MOST_GAS_BELOW, 0.0, 1.0)
        brake = MOST_BRAKE * np.clip(too_fast / MOST_BRAKE_ABOVE, 0.0, 1.0)
        return np.array([np.clip(-angle, -1.0, 1.0), gas, brake])

    def _moment(self):
        """The angle to steer by, to the left, the speed and the speed to have."""
        hull = self.car.hull
        position = np.array(hull.position)
        speed = hull.linearVelocity.length
        arc, _ = self.centreline.nearest(position)

        aim = self.centreline.point(arc + AIM_DISTANCE + AIM_DISTANCE_PER_SPEED * speed)
        angle = self._angle_to_the_left(aim - position) - YAW_DAMPING * hull.angularVelocity
        curvature = self.centreline.sharpest_curvature(arc, VISIBLE_DISTANCE)
        target = np.clip(FASTEST - SPEED_LOST_PER_CURVATURE * curvature, SLOWEST, FASTEST)
        return angle, speed, target

    def is_lost(self):
        return self.centreline.nearest(np.array(self.car.hull.position))[1] > LOST_DISTANCE

    def _angle_to_the_left(self, offset):
        forward = self.car.hull.GetWorldVector((0, 1))
        right = self.car.hull.GetWorldVector((1, 0))
        return math.atan2(
            -(offset[0] * right[0] + offset[1] * right[1]),
            offset[0] * forward[0] + offset[1] * forward[1],
        )
