//! A rigid body: what changes of it, and what does not. After `b2Body.cpp` of Box2D 2.3.
//!
//! Copyright (c) 2006-2011 Erin Catto <http://www.box2d.org>. An altered version: not the original
//! software. Its licence (zlib) stands in `NOTICE.md`.

use serde::{Deserialize, Serialize};

use super::shape::Polygon;
use super::vector::{Rotation, Transform, Vec2};

/// Where a body is and how it moves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// Of its own coordinates' origin.
    pub position: Vec2,
    /// Of its centre of mass.
    pub centre: Vec2,
    /// Radians against the clock.
    pub angle: f32,
    /// Of its centre of mass, units a second.
    pub velocity: Vec2,
    /// Radians a second.
    pub angular_velocity: f32,
    /// Seconds for which it has hardly moved.
    pub at_rest: f32,
}

/// Shapes, and what follows from their mass.
#[derive(Debug, Clone)]
pub struct Form {
    pub shapes: Vec<Polygon>,
    pub inverse_mass: f32,
    pub inverse_inertia: f32,
    /// The centre of mass in the body's own coordinates.
    pub centre: Vec2,
}

impl Form {
    /// The shapes' masses are summed from the last to the first.
    pub fn new(shapes: Vec<Polygon>, density: f32) -> Self {
        let (mut mass, mut centre, mut inertia) = (0.0, Vec2::default(), 0.0);
        for part in shapes.iter().rev().map(|shape| shape.mass(density)) {
            mass += part.mass;
            centre += part.mass * part.centre;
            inertia += part.inertia;
        }
        let inverse_mass = 1.0 / mass;
        let centre = inverse_mass * centre;
        let inverse_inertia = 1.0 / (inertia - mass * centre.length_squared());
        Self { shapes, inverse_mass, inverse_inertia, centre }
    }
}

impl Body {
    /// At rest.
    pub fn new(form: &Form, position: Vec2, angle: f32) -> Self {
        let place = Transform { position, rotation: Rotation::by(angle) };
        Self {
            position,
            centre: place.apply(form.centre),
            angle,
            velocity: Vec2::default(),
            angular_velocity: 0.0,
            at_rest: 0.0,
        }
    }

    /// Where its origin is, and how it is turned.
    pub fn place(&self) -> Transform {
        Transform { position: self.position, rotation: Rotation::by(self.angle) }
    }

    /// Whether all of it are numbers.
    pub fn is_finite(&self) -> bool {
        let vectors = [self.position, self.centre, self.velocity];
        let numbers = [self.angle, self.angular_velocity, self.at_rest];
        vectors.iter().all(|vector| vector.is_finite()) && numbers.iter().all(|x| x.is_finite())
    }
}
