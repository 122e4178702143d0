//! Convex polygons: the shapes of tiles, hull and wheels. After `b2PolygonShape.cpp` of Box2D 2.3.
//!
//! Copyright (c) 2006-2009 Erin Catto <http://www.box2d.org>. An altered version: not the original
//! software. Its licence (zlib) stands in `NOTICE.md`.

use super::vector::{Transform, Vec2};

/// Corners against the clock, the rightmost first.
#[derive(Debug, Clone)]
pub struct Polygon(Vec<Vec2>);

/// What a shape weighs, where its centre is, and its moment of inertia about the body's origin.
#[derive(Debug, Clone, Copy)]
pub struct Mass {
    pub mass: f32,
    pub centre: Vec2,
    pub inertia: f32,
}

impl Polygon {
    /// The hull of `points`, by gift wrapping: it decides which corner is the first, and so the order
    /// of the sums.
    pub fn around(points: &[Vec2]) -> Self {
        let right = |a: Vec2, b: Vec2| a.x > b.x || (a.x == b.x && a.y < b.y);
        let beyond =
            |best: usize, at: usize| if right(points[at], points[best]) { at } else { best };
        let first = (1..points.len()).fold(0, beyond);
        let mut corners = Vec::with_capacity(points.len());
        let mut corner = first;
        while corners.len() < points.len() {
            corners.push(points[corner]);
            let mut next = 0;
            for at in 1..points.len() {
                if next == corner {
                    next = at;
                    continue;
                }
                let (edge, other) = (points[next] - points[corner], points[at] - points[corner]);
                let side = edge.cross(other);
                let farther = other.length_squared() > edge.length_squared();
                if side < 0.0 || (side == 0.0 && farther) {
                    next = at;
                }
            }
            corner = next;
            if corner == first {
                break;
            }
        }
        Self(corners)
    }

    pub fn corners(&self) -> &[Vec2] {
        &self.0
    }

    /// Summed over the triangles between the edges and the mean of the corners.
    pub fn mass(&self, density: f32) -> Mass {
        const THIRD: f32 = 1.0 / 3.0;
        let corners = &self.0;
        let sum = corners.iter().fold(Vec2::default(), |sum, corner| sum + *corner);
        let middle = (1.0 / corners.len() as f32) * sum;
        let (mut area, mut centre, mut inertia) = (0.0, Vec2::default(), 0.0);
        for (i, corner) in corners.iter().enumerate() {
            let e1 = *corner - middle;
            let e2 = corners[(i + 1) % corners.len()] - middle;
            let twice = e1.cross(e2);
            let triangle = 0.5 * twice;
            area += triangle;
            centre += (triangle * THIRD) * (e1 + e2);
            let x2 = e1.x * e1.x + e2.x * e1.x + e2.x * e2.x;
            let y2 = e1.y * e1.y + e2.y * e1.y + e2.y * e2.y;
            inertia += (0.25 * THIRD * twice) * (x2 + y2);
        }
        let mass = density * area;
        let from_middle = (1.0 / area) * centre;
        let centre = from_middle + middle;
        let shift = centre.length_squared() - from_middle.length_squared();
        Mass { mass, centre, inertia: density * inertia + mass * shift }
    }

    /// The corner that lies furthest in `direction`.
    pub fn support(&self, direction: Vec2) -> usize {
        let mut best = 0;
        let mut furthest = self.0[0].dot(direction);
        for (i, corner) in self.0.iter().enumerate().skip(1) {
            let distance = corner.dot(direction);
            if distance > furthest {
                (best, furthest) = (i, distance);
            }
        }
        best
    }

    pub fn bounds(&self, place: &Transform) -> Bounds {
        let mut bounds = Bounds::NONE;
        self.0.iter().for_each(|corner| bounds.take_in(place.apply(*corner)));
        bounds
    }
}

/// A box along the axes.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    lower: Vec2,
    upper: Vec2,
}

impl Bounds {
    pub const NONE: Self = Self {
        lower: Vec2 { x: f32::INFINITY, y: f32::INFINITY },
        upper: Vec2 { x: f32::NEG_INFINITY, y: f32::NEG_INFINITY },
    };

    fn take_in(&mut self, point: Vec2) {
        self.lower = Vec2::new(self.lower.x.min(point.x), self.lower.y.min(point.y));
        self.upper = Vec2::new(self.upper.x.max(point.x), self.upper.y.max(point.y));
    }

    pub fn and(mut self, other: &Self) -> Self {
        self.take_in(other.lower);
        self.take_in(other.upper);
        self
    }

    /// Whether what is in both may be nearer than `distance`.
    pub fn is_near(&self, other: &Self, distance: f32) -> bool {
        self.lower.x - other.upper.x < distance
            && other.lower.x - self.upper.x < distance
            && self.lower.y - other.upper.y < distance
            && other.lower.y - self.upper.y < distance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_weighs_what_it_should_wherever_the_origin_is() {
        let corners = [(3.0, 5.0), (1.0, 5.0), (1.0, 4.0), (3.0, 4.0)];
        let polygon = Polygon::around(&corners.map(|(x, y)| Vec2::new(x, y)));
        assert_eq!(polygon.corners()[0], Vec2::new(3.0, 4.0));
        assert_eq!(polygon.corners()[1], Vec2::new(3.0, 5.0));
        let Mass { mass, centre, inertia } = polygon.mass(3.0);
        assert!((mass - 6.0).abs() < 1e-5);
        assert!((centre - Vec2::new(2.0, 4.5)).length() < 1e-5);
        let expected = 6.0 * (4.0 + 1.0) / 12.0 + 6.0 * (4.0 + 20.25);
        assert!((inertia / expected - 1.0).abs() < 1e-5, "{inertia} is not {expected}");
    }
}
