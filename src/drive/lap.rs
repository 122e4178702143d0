//! Where a car is along the lap, and how far beside the centre line.

use super::Waypoint;
use crate::score::driving::PLACES;

/// Segments of the centre line behind and ahead of the car's last one among which it is looked for: sections
/// of the track that only come near do not count.
const BEHIND: usize = 5;
const AHEAD: usize = 20;

/// A car's way along the closed centre line.
#[derive(Debug)]
pub(super) struct Lap {
    points: Vec<[f64; 2]>,
    /// The arc length at each point, and of the whole.
    starts: Vec<f64>,
    /// The segment where the car is, and how many laps it has done, less than none behind the start.
    segment: usize,
    laps: i32,
    /// How far it is along the lap, and how far beside; the last that was seen.
    last: [f64; 2],
    offsets: Vec<Option<f32>>,
    /// The next place to come by.
    next: usize,
}

impl Lap {
    /// From the first point on.
    pub(super) fn new(centre_line: &[Waypoint]) -> Self {
        let points: Vec<[f64; 2]> = centre_line.iter().map(|point| [point.x, point.y]).collect();
        let mut starts = vec![0.0];
        for (at, from) in points.iter().enumerate() {
            let to = points[(at + 1) % points.len()];
            starts.push(starts[at] + length([to[0] - from[0], to[1] - from[1]]));
        }
        Self {
            points,
            starts,
            segment: 0,
            laps: 0,
            last: [0.0; 2],
            offsets: vec![None; PLACES],
            next: 0,
        }
    }

    /// The car is here now.
    pub(super) fn at(&mut self, position: [f64; 2]) {
        let count = self.points.len();
        let near = (0..BEHIND + AHEAD).map(|i| (self.segment + count + i - BEHIND) % count);
        let nearest = near
            .map(|segment| (segment, self.foot(segment, position)))
            .min_by(|(_, a), (_, b)| a[1].abs().total_cmp(&b[1].abs()));
        let Some((segment, [along, beside])) = nearest else { return };
        let moved = segment as i64 - self.segment as i64;
        // More than half a lap at once is a step over the start.
        self.laps += i32::from(moved * 2 < -(count as i64)) - i32::from(moved * 2 > count as i64);
        self.segment = segment;
        let now = [along + f64::from(self.laps) * self.starts[count], beside];
        self.come_by(now);
        self.last = now;
    }

    /// Notes the places between where it was and where it is.
    fn come_by(&mut self, [along, beside]: [f64; 2]) {
        while self.next < PLACES {
            let place = self.starts[self.points.len()] * self.next as f64 / PLACES as f64;
            if place > along {
                return;
            }
            let way = along - self.last[0];
            let part = if way > 0.0 { ((place - self.last[0]) / way).clamp(0.0, 1.0) } else { 1.0 };
            let offset = self.last[1] + part * (beside - self.last[1]);
            self.offsets[self.next] = Some(offset as f32);
            self.next += 1;
        }
    }

    /// How far along the lap a segment's nearest point is, and how far to the left of it the position.
    fn foot(&self, segment: usize, position: [f64; 2]) -> [f64; 2] {
        let from = self.points[segment];
        let to = self.points[(segment + 1) % self.points.len()];
        let [way, offset] = [to, position].map(|point| [point[0] - from[0], point[1] - from[1]]);
        let whole = self.starts[segment + 1] - self.starts[segment];
        if whole == 0.0 {
            return [self.starts[segment], length(offset)];
        }
        let along = (offset[0] * way[0] + offset[1] * way[1]) / whole;
        let left = way[0] * offset[1] - way[1] * offset[0];
        let along = along.clamp(0.0, whole);
        let [x, y] = [0, 1].map(|axis| offset[axis] - way[axis] * along / whole);
        [self.starts[segment] + along, length([x, y]).copysign(left)]
    }

    /// As [`Drive`](crate::score::driving::Drive) has them.
    pub(super) fn offsets(self) -> Vec<Option<f32>> {
        self.offsets
    }
}

/// The same on every machine, which `hypot` is not.
fn length([x, y]: [f64; 2]) -> f64 {
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Around a circle of radius 100, counterclockwise, and once around it at 98 from a little behind the
    /// start.
    #[test]
    fn a_way_is_told_by_its_places() {
        let point = |radius: f64, turn: f64| {
            let angle = std::f64::consts::TAU * turn;
            [radius * angle.cos(), radius * angle.sin()]
        };
        let waypoint = |i| {
            let [x, y] = point(100.0, f64::from(i) / 300.0);
            Waypoint { alpha: 0.0, beta: 0.0, x, y }
        };
        let mut lap = Lap::new(&(0..300).map(waypoint).collect::<Vec<_>>());
        for step in 0..200 {
            lap.at(point(98.0, f64::from(step) / 250.0 - 0.01));
        }
        let offsets = lap.offsets();
        let came = offsets.iter().take_while(|offset| offset.is_some()).count();
        assert_eq!((came, offsets.iter().flatten().count()), (79, 79));
        assert!(offsets.iter().skip(1).flatten().all(|left| (left - 2.0).abs() < 0.01));
    }
}
