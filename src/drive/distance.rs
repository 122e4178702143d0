//! Whether two convex shapes touch: the algorithm of Gilbert, Johnson and Keerthi (1988) as Box2D 2.3
//! has it (`b2Distance.cpp`, `b2TestOverlap`), because on the edge between touching and not its
//! rounding decides.
//!
//! Copyright (c) 2007-2009 Erin Catto <http://www.box2d.org>. An altered version: not the original
//! software. Its licence (zlib) stands in `NOTICE.md`.

use super::shape::Polygon;
use super::vector::{Transform, Vec2};

/// Twice the skin of a polygon.
const SKINS: f32 = 2.0 * 0.005 + 2.0 * 0.005;
/// Beyond the skins: ten times the f32 above 1, less 1.
const TOLERANCE: f32 = 10.0 * f32::EPSILON;
const MAX_ITERATIONS: usize = 20;

/// From shapes further apart than this [`touch`] need not be asked.
pub const REACH: f32 = 0.05;

/// A point of the difference of the shapes, of which the origin's distance is wanted.
#[derive(Clone, Copy, Default)]
struct Vertex {
    /// In the one shape and in the other.
    points: [Vec2; 2],
    corners: [usize; 2],
    difference: Vec2,
    /// How much of the nearest point it is.
    weight: f32,
}

/// Whether `a`, which lies in the world as it is, and `b` at `place` touch: their skins overlap.
pub fn touch(a: &Polygon, b: &Polygon, place: &Transform) -> bool {
    let vertex = |corners: [usize; 2]| {
        let points = [a.corners()[corners[0]], place.apply(b.corners()[corners[1]])];
        Vertex { points, corners, difference: points[1] - points[0], weight: 1.0 }
    };
    let mut simplex = Simplex { vertices: [vertex([0, 0]); 3], count: 1 };
    for _ in 0..MAX_ITERATIONS {
        let (before, count) = (simplex.vertices, simplex.count);
        simplex.solve();
        if simplex.count == 3 {
            break;
        }
        let direction = simplex.search_direction();
        if direction.length_squared() < f32::EPSILON * f32::EPSILON {
            break;
        }
        let corners = [a.support(-direction), b.support(place.rotation.undo(direction))];
        if before[..count].iter().any(|vertex| vertex.corners == corners) {
            break;
        }
        simplex.vertices[simplex.count] = vertex(corners);
        simplex.count += 1;
    }
    simplex.distance() - SKINS < TOLERANCE
}

struct Simplex {
    vertices: [Vertex; 3],
    count: usize,
}

impl Simplex {
    /// Keeps the vertices that the point nearest to the origin is made of, and weighs them.
    fn solve(&mut self) {
        match self.count {
            2 => self.solve_edge(),
            3 => self.solve_triangle(),
            _ => {}
        }
    }

    fn keep<const N: usize>(&mut self, vertices: [usize; N], weights: [f32; N]) {
        let all = self.vertices;
        for (i, (vertex, weight)) in vertices.into_iter().zip(weights).enumerate() {
            self.vertices[i] = Vertex { weight, ..all[vertex] };
        }
        self.count = N;
    }

    /// How far along the edge from `i` to `j` the origin's foot is: towards `i`, and towards `j`.
    fn along(&self, i: usize, j: usize) -> [f32; 2] {
        let (from, to) = (self.vertices[i].difference, self.vertices[j].difference);
        let edge = to - from;
        [to.dot(edge), -from.dot(edge)]
    }

    fn keep_edge(&mut self, i: usize, j: usize, along: [f32; 2]) {
        let scale = 1.0 / (along[0] + along[1]);
        self.keep([i, j], along.map(|part| part * scale));
    }

    fn solve_edge(&mut self) {
        let along = self.along(0, 1);
        if along[1] <= 0.0 {
            self.keep([0], [1.0]);
        } else if along[0] <= 0.0 {
            self.keep([1], [1.0]);
        } else {
            self.keep_edge(0, 1, along);
        }
    }

    fn solve_triangle(&mut self) {
        let [w1, w2, w3] = self.vertices.map(|vertex| vertex.difference);
        let (e12, e13, e23) = (self.along(0, 1), self.along(0, 2), self.along(1, 2));
        let area = (w2 - w1).cross(w3 - w1);
        let parts = [area * w2.cross(w3), area * w3.cross(w1), area * w1.cross(w2)];
        let inside = |along: [f32; 2]| along[0] > 0.0 && along[1] > 0.0;
        if e12[1] <= 0.0 && e13[1] <= 0.0 {
            self.keep([0], [1.0]);
        } else if inside(e12) && parts[2] <= 0.0 {
            self.keep_edge(0, 1, e12);
        } else if inside(e13) && parts[1] <= 0.0 {
            self.keep_edge(0, 2, e13);
        } else if e12[0] <= 0.0 && e23[1] <= 0.0 {
            self.keep([1], [1.0]);
        } else if e13[0] <= 0.0 && e23[0] <= 0.0 {
            self.keep([2], [1.0]);
        } else if inside(e23) && parts[0] <= 0.0 {
            // In this order: Box2D puts the third in the first's place.
            self.keep_edge(2, 1, [e23[1], e23[0]]);
        } else {
            let scale = 1.0 / (parts[0] + parts[1] + parts[2]);
            self.keep([0, 1, 2], parts.map(|part| part * scale));
        }
    }

    fn search_direction(&self) -> Vec2 {
        let first = self.vertices[0].difference;
        if self.count == 1 {
            return -first;
        }
        let edge = self.vertices[1].difference - first;
        // Towards the origin, at a right angle to the edge.
        if edge.cross(-first) > 0.0 { edge.turned(1.0) } else { Vec2::new(edge.y, -edge.x) }
    }

    /// Between the nearest points.
    fn distance(&self) -> f32 {
        let [one, two, _] = self.vertices;
        let points: [Vec2; 2] = match self.count {
            1 => one.points,
            2 => [0, 1].map(|i| one.weight * one.points[i] + two.weight * two.points[i]),
            _ => return 0.0,
        };
        (points[0] - points[1]).length()
    }
}

#[cfg(test)]
mod tests {
    use super::super::vector::Rotation;
    use super::*;

    fn square(x: f32) -> Polygon {
        let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
        Polygon::around(&corners.map(|(dx, y)| Vec2::new(x + dx, y)))
    }

    #[test]
    fn shapes_touch_up_to_the_thickness_of_their_skins() {
        for (distance, expected) in [(0.0, true), (0.0199, true), (0.0201, false), (-0.5, true)] {
            let touching = touch(&square(0.0), &square(1.0 + distance), &Transform::NONE);
            assert_eq!(touching, expected, "{distance}");
        }
    }

    #[test]
    fn a_corner_touches_an_edge_wherever_the_shape_is_put() {
        let unit = square(0.0);
        for (gap, expected) in [(0.015, true), (0.025, false)] {
            // A quarter of pi turns the square so that its left corner, now the origin, looks at the edge.
            let place = Transform {
                position: Vec2::new(1.0 + gap, 0.5),
                rotation: Rotation::by(-std::f32::consts::FRAC_PI_4),
            };
            assert_eq!(touch(&unit, &unit, &place), expected, "{gap}");
        }
    }
}
