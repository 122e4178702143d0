//! The smoothed outline of a polygon: each edge by Wu's line ("An efficient antialiasing
//! technique", 1991), first cut to the canvas by Cohen and Sutherland's rule.

use super::canvas::{Canvas, Colour, HEIGHT, WIDTH};

const RIGHT: i16 = WIDTH as i16 - 1;
const BOTTOM: i16 = HEIGHT as i16 - 1;

/// Each end is cut at most twice, and they are exchanged between; where a cut runs over i16, it could go
/// on for ever.
const MOST_CUTS: usize = 16;

pub(super) type Vertex = [i16; 2];

/// Draws every edge from a vertex to the next, and from the last to the first.
pub(super) fn draw(canvas: &mut Canvas, vertices: &[Vertex], colour: Colour) {
    let next = vertices.iter().cycle().skip(1);
    for (&from, &to) in vertices.iter().zip(next) {
        if let Some((from, to)) = clip(from, to) {
            line(canvas, from.map(i32::from), to.map(i32::from), colour);
        }
    }
}

/// The part of an edge that is on the canvas, perhaps with its ends exchanged. What an end moves by
/// is computed in f32 and truncated.
fn clip(mut from: Vertex, mut to: Vertex) -> Option<(Vertex, Vertex)> {
    for _ in 0..MOST_CUTS {
        let (outside, other) = (Sides::of(from), Sides::of(to));
        if outside.is_none() && other.is_none() {
            return Some((from, to));
        }
        if outside.share(other) {
            return None;
        }
        if outside.is_none() {
            (from, to) = (to, from);
            continue;
        }
        let [dx, dy] = [0, 1].map(|axis| f32::from(to[axis]) - f32::from(from[axis]));
        let slope = if dx == 0.0 { 1.0 } else { dy / dx };
        if outside.left || outside.right {
            let x = if outside.left { 0 } else { RIGHT };
            let shift = (f32::from(x) - f32::from(from[0])) * slope;
            from = [x, from[1].wrapping_add(shift as i16)];
        } else {
            let y = if outside.below { BOTTOM } else { 0 };
            if dx != 0.0 {
                let shift = (f32::from(y) - f32::from(from[1])) / slope;
                from[0] = from[0].wrapping_add(shift as i16);
            }
            from[1] = y;
        }
    }
    None
}

/// On which sides of the canvas a point lies.
#[derive(Clone, Copy)]
struct Sides {
    left: bool,
    right: bool,
    below: bool,
    above: bool,
}

impl Sides {
    fn of([x, y]: Vertex) -> Self {
        Self { left: x < 0, right: x > RIGHT, below: y > BOTTOM, above: y < 0 }
    }

    fn is_none(self) -> bool {
        !(self.left || self.right || self.below || self.above)
    }

    fn share(self, other: Self) -> bool {
        self.left && other.left
            || self.right && other.right
            || self.below && other.below
            || self.above && other.above
    }
}

/// A line whose first end is solid and whose other end is not drawn; between them each step along the longer axis
/// colours two pixels of the shorter, by how near the line is to each. Along an axis it is solid.
fn line(canvas: &mut Canvas, from: [i32; 2], to: [i32; 2], colour: Colour) {
    let (top, end) = if from[1] <= to[1] { (from, to) } else { (to, from) };
    let (width, height) = (end[0] - top[0], end[1] - top[1]);
    if width == 0 || height == 0 {
        let (left, right) = (top[0].min(end[0]), top[0].max(end[0]));
        for y in canvas.visible(top[1], end[1]) {
            canvas.fill(y, left, right, colour);
        }
        return;
    }
    canvas.fill(from[1], from[0], from[0], colour);
    let aside = width.signum();
    let steep = height > width.abs();
    let (minor, major) =
        if steep { (width.unsigned_abs(), height) } else { (height as u32, width.abs()) };
    // In 2^-32 of a pixel, where a diagonal's 1 is 0.
    let slope = ((minor << 16) / major as u32) << 16;
    let [mut x, mut y] = top;
    let mut error = 0_u32;
    for _ in 1..major {
        let before = error;
        error = error.wrapping_add(slope);
        let wraps = error <= before;
        let weight = error >> 24;
        let (near, far) = ((255 * (255 - weight)) >> 8, (255 * weight) >> 8);
        if steep {
            y += 1;
            x += if wraps { aside } else { 0 };
            canvas.blend(x, y, colour, near);
            canvas.blend(x + aside, y, colour, far);
        } else {
            x += aside;
            y += i32::from(wraps);
            canvas.blend(x, y, colour, near);
            canvas.blend(x, y + 1, colour, far);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Colour = Colour::new([255; 3]);

    #[test]
    fn an_outline_is_the_one_that_was_measured() {
        let mut canvas = Canvas::new();
        draw(&mut canvas, &[[20, 20], [26, 26], [40, 20]], WHITE);
        let row = |y: usize| -> Vec<u32> {
            canvas.row(y)[20..41].iter().map(|colour| colour.channels()[0]).collect()
        };
        assert_eq!(row(20), [255; 21]);
        let inner = [
            [0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 71, 180, 217, 107, 0],
            [0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 107, 217, 180, 71, 0, 0, 0],
            [0, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 34, 144, 253, 144, 34, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 253, 0, 0, 0, 0, 71, 180, 217, 107, 0, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 253, 0, 107, 217, 180, 71, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 255, 144, 34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ];
        for (y, values) in inner.iter().enumerate() {
            assert_eq!(row(21 + y), values, "row {y}");
        }
        assert_eq!(row(27), [0; 21]);
    }

    #[test]
    fn edges_are_cut_at_the_canvas_and_shifts_are_truncated() {
        assert_eq!(clip([3, 4], [5, 6]), Some(([3, 4], [5, 6])));
        assert_eq!(clip([-10, 5], [20, 35]), Some(([0, 15], [20, 35])));
        // By 0.86 of a row.
        assert_eq!(clip([-3, 0], [4, 2]), Some(([0, 0], [4, 2])));
        // The end outside comes first.
        assert_eq!(clip([990, 700], [1010, 700]), Some(([999, 700], [990, 700])));
        assert_eq!(clip([7, -9], [7, 900]), Some(([7, 799], [7, 0])));
        assert_eq!(clip([-5, 3], [-1, 900]), None);
        assert_eq!(clip([-100, 50], [50, -101]), None);
    }

    #[test]
    fn cutting_ends_for_every_edge() {
        let far = [i16::MIN, -20_000, -1, 0, 500, 999, 1000, 20_000, i16::MAX];
        let points = || far.iter().flat_map(|&x| far.iter().map(move |&y| [x, y]));
        for (from, to) in points().flat_map(|from| points().map(move |to| (from, to))) {
            if let Some(ends) = clip(from, to) {
                assert!(Sides::of(ends.0).is_none() && Sides::of(ends.1).is_none());
            }
        }
    }
}
