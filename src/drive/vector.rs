//! Vectors, rotations and transforms of the plane, in f32, each operation in the order in which
//! `b2Math.h` of Box2D 2.3 has it.
//!
//! Copyright (c) 2006-2009 Erin Catto <http://www.box2d.org>. An altered version: not the original
//! software. Its licence (zlib) stands in `NOTICE.md`.

use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

use super::trigonometry::sine_cosine;

/// A place or a direction, in the world's units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Vec2 {
    /// To the right on a map.
    pub x: f32,
    /// Upwards on a map.
    pub y: f32,
}

impl Vec2 {
    /// From its parts.
    pub fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// The nearest in f32.
    pub fn nearest([x, y]: [f64; 2]) -> Self {
        Self { x: x as f32, y: y as f32 }
    }

    /// The inner product.
    pub fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }

    /// The outer product: the area that both span, its sign the way round.
    pub fn cross(self, other: Self) -> f32 {
        self.x * other.y - self.y * other.x
    }

    /// A quarter turn to the left, `times` as long: what a point at `self` moves by when it turns so fast.
    pub fn turned(self, times: f32) -> Self {
        Self { x: -times * self.y, y: times * self.x }
    }

    /// In square units.
    pub fn length_squared(self) -> f32 {
        self.dot(self)
    }

    /// In units.
    pub fn length(self) -> f32 {
        self.length_squared().sqrt()
    }

    /// Whether both parts are numbers.
    pub fn is_finite(self) -> bool {
        self.x.is_finite() && self.y.is_finite()
    }
}

impl Add for Vec2 {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { x: self.x + other.x, y: self.y + other.y }
    }
}

impl Sub for Vec2 {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { x: self.x - other.x, y: self.y - other.y }
    }
}

impl Neg for Vec2 {
    type Output = Self;

    fn neg(self) -> Self {
        Self { x: -self.x, y: -self.y }
    }
}

impl Mul<Vec2> for f32 {
    type Output = Vec2;

    fn mul(self, vector: Vec2) -> Vec2 {
        Vec2 { x: self * vector.x, y: self * vector.y }
    }
}

impl AddAssign for Vec2 {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Vec2 {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Rotation {
    pub sine: f32,
    pub cosine: f32,
}

impl Rotation {
    pub const NONE: Self = Self { sine: 0.0, cosine: 1.0 };

    pub fn by(angle: f32) -> Self {
        let (sine, cosine) = sine_cosine(angle);
        Self { sine, cosine }
    }

    pub fn apply(self, v: Vec2) -> Vec2 {
        Vec2 { x: self.cosine * v.x - self.sine * v.y, y: self.sine * v.x + self.cosine * v.y }
    }

    pub fn undo(self, v: Vec2) -> Vec2 {
        Vec2 { x: self.cosine * v.x + self.sine * v.y, y: -self.sine * v.x + self.cosine * v.y }
    }
}

/// Where a body's own coordinates lie in the world.
#[derive(Debug, Clone, Copy)]
pub struct Transform {
    pub position: Vec2,
    pub rotation: Rotation,
}

impl Transform {
    pub const NONE: Self = Self { position: Vec2 { x: 0.0, y: 0.0 }, rotation: Rotation::NONE };

    pub fn apply(&self, v: Vec2) -> Vec2 {
        self.rotation.apply(v) + self.position
    }
}
