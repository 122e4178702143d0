//! The track of a seed: a closed road of tiles, with borders on the inside of hard turns.
//!
//! After `_create_track` of Gymnasium's `car_racing.py`; its licence (MIT) stands in `NOTICE.md`.

use std::f64::consts::PI;

use super::random::Pcg64;

const SCALE: f64 = 6.0;
const RADIUS: f64 = 900.0 / SCALE;
/// The field reaches so far from its middle, in x and in y.
pub const PLAYFIELD: f64 = 2000.0 / SCALE;
const DETAIL_STEP: f64 = 21.0 / SCALE;
const TURN_RATE: f64 = 0.31;
/// Of one half of the road.
const WIDTH: f64 = 40.0 / SCALE;
const BORDER: f64 = 8.0 / SCALE;
const BORDER_MIN_COUNT: usize = 4;
const CHECKPOINTS: usize = 12;
const START_ALPHA: f64 = 2.0 * PI * -0.5 / CHECKPOINTS as f64;

/// A closed road, in the world's units.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Along the middle of the road; the car starts at the first.
    pub centre_line: Vec<Waypoint>,
    /// Tile i lies between waypoint i and the one before.
    pub tiles: Vec<Tile>,
}

/// A place on the middle of the road.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waypoint {
    /// The angle under which it is seen from the field's middle, in radians.
    pub alpha: f64,
    /// The angle of the road's right-hand normal, in radians: a car that stands so looks along the road.
    pub beta: f64,
    /// World's units.
    pub x: f64,
    /// World's units.
    pub y: f64,
}

/// Four corners, in order around it.
pub type Quadrangle = [[f64; 2]; 4];

/// A piece of the road, which pays when a wheel touches it for the first time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tile {
    /// One after the other around it.
    pub corners: Quadrangle,
    /// In a hard turn, on its inside: white beside even tiles, red beside odd ones.
    pub border: Option<Quadrangle>,
}

impl Track {
    /// The track that Gymnasium makes of a seed; tries that fail go on in the same random numbers.
    pub fn new(seed: u64) -> Self {
        let mut random = Pcg64::new(seed);
        loop {
            if let Some(centre_line) = closed_line(&checkpoints(&mut random)) {
                let tiles = tiles(&centre_line);
                return Self { centre_line, tiles };
            }
        }
    }
}

/// A point that the road passes near.
struct Checkpoint {
    alpha: f64,
    x: f64,
    y: f64,
}

fn checkpoints(random: &mut Pcg64) -> [Checkpoint; CHECKPOINTS] {
    std::array::from_fn(|i| {
        let even = 2.0 * PI * i as f64 / CHECKPOINTS as f64;
        let noise = random.uniform(0.0, 2.0 * PI / CHECKPOINTS as f64);
        let radius = random.uniform(RADIUS / 3.0, RADIUS);
        let (alpha, radius) = match i {
            0 => (0.0, 1.5 * RADIUS),
            _ if i == CHECKPOINTS - 1 => (even, 1.5 * RADIUS),
            _ => (even + noise, radius),
        };
        Checkpoint { alpha, x: radius * libm::cos(alpha), y: radius * libm::sin(alpha) }
    })
}

/// One lap of the road that steers from one checkpoint to the next; none if its ends do not meet.
fn closed_line(checkpoints: &[Checkpoint; CHECKPOINTS]) -> Option<Vec<Waypoint>> {
    let road = laps(checkpoints);
    // The first lap is only for getting onto the road.
    let passes_start =
        |i: &usize| road[*i].alpha > START_ALPHA && road[*i - 1].alpha <= START_ALPHA;
    let mut starts = (1..road.len()).rev().filter(passes_start);
    let (end, start) = (starts.next()?, starts.next()?);
    let line = road.get(start..end - 1)?;
    let (first, last) = (line.first()?, line.last()?);
    let across = libm::cos(first.beta) * (first.x - last.x);
    let along = libm::sin(first.beta) * (first.y - last.y);
    let gap = (across * across + along * along).sqrt();
    // Borders look back over some tiles; no lap is so short.
    (gap <= DETAIL_STEP && line.len() > BORDER_MIN_COUNT).then(|| line.to_vec())
}

fn laps(checkpoints: &[Checkpoint; CHECKPOINTS]) -> Vec<Waypoint> {
    const LAPS: usize = 5;
    const MAX_WAYPOINTS: usize = 2500;
    let (mut x, mut y, mut beta) = (1.5 * RADIUS, 0.0, 0.0_f64);
    let mut destination = 0;
    let mut laps = 0;
    let mut visited_other_side = false;
    let mut road = Vec::new();
    while laps < LAPS && road.len() < MAX_WAYPOINTS {
        let mut alpha = libm::atan2(y, x);
        if visited_other_side && alpha > 0.0 {
            laps += 1;
            visited_other_side = false;
        }
        if alpha < 0.0 {
            visited_other_side = true;
            alpha += 2.0 * PI;
        }
        while alpha > checkpoints[destination].alpha {
            destination += 1;
            if destination == CHECKPOINTS {
                destination = 0;
                alpha -= 2.0 * PI;
            }
        }
        let (right_x, right_y) = (libm::cos(beta), libm::sin(beta));
        let (ahead_x, ahead_y) = (-right_y, right_x);
        let (to_x, to_y) = (checkpoints[destination].x - x, checkpoints[destination].y - y);
        let to_the_right = (right_x * to_x + right_y * to_y) * SCALE;
        while beta - alpha > 1.5 * PI {
            beta -= 2.0 * PI;
        }
        while beta - alpha < -1.5 * PI {
            beta += 2.0 * PI;
        }
        let before = beta;
        let turn = TURN_RATE.min((0.001 * to_the_right).abs());
        if to_the_right > 0.3 {
            beta -= turn;
        }
        if to_the_right < -0.3 {
            beta += turn;
        }
        x += ahead_x * DETAIL_STEP;
        y += ahead_y * DETAIL_STEP;
        road.push(Waypoint { alpha, beta: before * 0.5 + beta * 0.5, x, y });
    }
    road
}

fn tiles(line: &[Waypoint]) -> Vec<Tile> {
    let borders = borders(line);
    let tile = |i: usize| {
        let (here, before) = (&line[i], &line[back(line.len(), i, 1)]);
        let corners = [
            beside(here, -WIDTH),
            beside(here, WIDTH),
            beside(before, WIDTH),
            beside(before, -WIDTH),
        ];
        let border = borders[i].then(|| {
            let side = sign(before.beta - here.beta);
            let (inner, outer) = (side * WIDTH, side * (WIDTH + BORDER));
            [beside(here, inner), beside(here, outer), beside(before, outer), beside(before, inner)]
        });
        Tile { corners, border }
    };
    (0..line.len()).map(tile).collect()
}

/// The point so far to the right of `at`.
fn beside(at: &Waypoint, distance: f64) -> [f64; 2] {
    [at.x + distance * libm::cos(at.beta), at.y + distance * libm::sin(at.beta)]
}

/// Which tiles have a border: those of a hard turn to one side, and some before each.
fn borders(line: &[Waypoint]) -> Vec<bool> {
    let turn = |i: usize| line[i].beta - line[back(line.len(), i, 1)].beta;
    let is_hard = |i: usize| {
        let turns = (0..BORDER_MIN_COUNT).map(|steps| turn(back(line.len(), i, steps)));
        let sides: f64 = turns.clone().map(sign).sum();
        turns.clone().all(|turn| turn.abs() > TURN_RATE * 0.2)
            && sides.abs() == BORDER_MIN_COUNT as f64
    };
    let mut borders: Vec<bool> = (0..line.len()).map(is_hard).collect();
    // In place: a border that the last tiles get from the first spreads from them again.
    for i in 0..line.len() {
        for steps in 0..BORDER_MIN_COUNT {
            borders[back(line.len(), i, steps)] |= borders[i];
        }
    }
    borders
}

/// `steps` before `i`, around a line of `len`.
fn back(len: usize, i: usize, steps: usize) -> usize {
    (i + len - steps) % len
}

/// Without one for zero.
fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_is_closed_and_its_borders_lie_beside_the_road() {
        let track = Track::new(20_005);
        let n = track.tiles.len();
        for (i, tile) in track.tiles.iter().enumerate() {
            let before = &track.tiles[back(n, i, 1)];
            assert_eq!(tile.corners[2..], [before.corners[1], before.corners[0]]);
            let Some(border) = tile.border else { continue };
            let length = |[ax, ay]: [f64; 2], [bx, by]: [f64; 2]| (ax - bx).hypot(ay - by);
            let inner = [0, 1].map(|corner| length(border[0], tile.corners[corner]));
            assert!(inner[0].min(inner[1]) < 1e-9, "it begins where the tile ends");
            assert!((length(border[0], border[1]) - BORDER).abs() < 1e-9);
        }
    }

    #[test]
    fn a_bend_has_borders_and_so_have_the_tiles_before_it() {
        let point = |i: usize| {
            let turns = i.clamp(10, 16) - 10;
            Waypoint { alpha: 0.0, beta: 0.1 * turns as f64, x: 0.0, y: i as f64 }
        };
        let line: Vec<_> = (0..30).map(point).collect();
        let bordered: Vec<usize> = (0..30).filter(|&i| borders(&line)[i]).collect();
        // Four turns in a row make a bend: those that end at 14 to 16, and three before each.
        assert_eq!(bordered, [11, 12, 13, 14, 15, 16]);
    }
}
