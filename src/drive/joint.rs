//! A wheel's joint: a point that hull and wheel share, a motor that steers, and a limit on both sides.
//! After `b2RevoluteJoint.cpp` of Box2D 2.3; here A is the hull and B the wheel.
//!
//! Copyright (c) 2006-2011 Erin Catto <http://www.box2d.org>. An altered version: not the original
//! software. Its licence (zlib) stands in `NOTICE.md`.

use serde::{Deserialize, Serialize};

use super::body::{Body, Form};
use super::vector::{Rotation, Vec2};
use crate::vocabulary::stage::LOCK;

/// 180 * 900 * SIZE * SIZE.
const MAX_MOTOR_TORQUE: f32 = (180.0 * 900.0 * 0.02 * 0.02) as f32;
pub const LINEAR_SLOP: f32 = 0.005;
pub const ANGULAR_SLOP: f32 = 2.0 / 180.0 * std::f32::consts::PI;
const MAX_ANGULAR_CORRECTION: f32 = 8.0 / 180.0 * std::f32::consts::PI;

/// Whether a wheel is turned as far as it goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limit {
    /// It is not.
    #[default]
    Inactive,
    /// At the smallest of its angles.
    AtLower,
    /// At the largest of its angles.
    AtUpper,
}

/// What a step hands to the next: where the iterations start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Joint {
    /// Of the shared point.
    pub impulse: Vec2,
    /// Of the end that it stands at.
    pub limit_impulse: f32,
    /// Of what turns the wheel.
    pub motor_impulse: f32,
    /// Whether it stands at an end.
    pub limit: Limit,
}

/// How a body moves while a step is solved.
#[derive(Clone, Copy)]
pub struct Velocity {
    pub linear: Vec2,
    pub angular: f32,
}

/// Where a body is while a step is solved: its centre of mass, and its angle.
#[derive(Clone, Copy)]
pub struct Position {
    pub centre: Vec2,
    pub angle: f32,
}

#[derive(Clone, Copy)]
struct Vec3 {
    x: f32,
    y: f32,
    z: f32,
}

impl Vec3 {
    fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    fn cross(self, other: Self) -> Self {
        Self {
            x: self.y * other.z - self.z * other.y,
            y: self.z * other.x - self.x * other.z,
            z: self.x * other.y - self.y * other.x,
        }
    }
}

/// A symmetric 2x2 matrix that is to be inverted.
#[derive(Clone, Copy)]
struct Matrix2 {
    xx: f32,
    xy: f32,
    yy: f32,
    inverse_determinant: f32,
}

impl Matrix2 {
    fn new(xx: f32, xy: f32, yy: f32) -> Self {
        Self { xx, xy, yy, inverse_determinant: inverse(xx * yy - xy * xy) }
    }

    fn solve(&self, b: Vec2) -> Vec2 {
        Vec2 {
            x: self.inverse_determinant * (self.yy * b.x - self.xy * b.y),
            y: self.inverse_determinant * (self.xx * b.y - self.xy * b.x),
        }
    }
}

/// The mass that the shared point and the angle meet together.
#[derive(Clone, Copy)]
struct Matrix3 {
    x: Vec3,
    y: Vec3,
    z: Vec3,
    y_cross_z: Vec3,
    inverse_determinant: f32,
}

impl Matrix3 {
    fn new(x: Vec3, y: Vec3, z: Vec3) -> Self {
        let y_cross_z = y.cross(z);
        Self { x, y, z, y_cross_z, inverse_determinant: inverse(x.dot(y_cross_z)) }
    }

    fn solve(&self, b: Vec3) -> Vec3 {
        Vec3 {
            x: self.inverse_determinant * b.dot(self.y_cross_z),
            y: self.inverse_determinant * self.x.dot(b.cross(self.z)),
            z: self.inverse_determinant * self.x.dot(self.y.cross(b)),
        }
    }
}

fn inverse(determinant: f32) -> f32 {
    if determinant == 0.0 { determinant } else { 1.0 / determinant }
}

/// As Box2D orders the comparisons, on which the signs of zeros depend.
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let below = if x < high { x } else { high };
    if low > below { low } else { below }
}

/// A joint within one step.
pub struct Constraint {
    joint: Joint,
    hull: Side,
    wheel: Side,
    point_mass: Matrix2,
    mass: Matrix3,
    motor_mass: f32,
    motor_speed: f32,
    max_motor_impulse: f32,
}

/// One of the two bodies.
struct Side {
    inverse_mass: f32,
    inverse_inertia: f32,
    /// From the centre of mass, in the body's own coordinates and as it stands when the step begins.
    anchor: Vec2,
    arm: Vec2,
}

impl Side {
    fn new(form: &Form, anchor: Vec2, rotation: Rotation) -> Self {
        let anchor = anchor - form.centre;
        Self {
            inverse_mass: form.inverse_mass,
            inverse_inertia: form.inverse_inertia,
            anchor,
            arm: rotation.apply(anchor),
        }
    }
}

impl Constraint {
    /// `anchor` is the joint's place on the hull; `rotations` are the bodies'.
    pub fn new(
        joint: Joint,
        anchor: Vec2,
        forms: [&Form; 2],
        bodies: [&Body; 2],
        rotations: [Rotation; 2],
        motor_speed: f32,
        dt: f32,
    ) -> Self {
        let hull = Side::new(forms[0], anchor, rotations[0]);
        let wheel = Side::new(forms[1], Vec2::default(), rotations[1]);
        let masses = hull.inverse_mass + wheel.inverse_mass;
        let ([i_a, i_b], [a, b]) =
            ([hull.inverse_inertia, wheel.inverse_inertia], [hull.arm, wheel.arm]);
        let xx = masses + a.y * a.y * i_a + b.y * b.y * i_b;
        let xy = -a.y * a.x * i_a - b.y * b.x * i_b;
        let yy = masses + a.x * a.x * i_a + b.x * b.x * i_b;
        let xz = -a.y * i_a - b.y * i_b;
        let yz = a.x * i_a + b.x * i_b;
        let zz = i_a + i_b;
        let angle = bodies[1].angle - bodies[0].angle;
        let limit = if angle <= -LOCK {
            Limit::AtLower
        } else if angle >= LOCK {
            Limit::AtUpper
        } else {
            Limit::Inactive
        };
        let kept = limit == joint.limit && limit != Limit::Inactive;
        let limit_impulse = if kept { joint.limit_impulse } else { 0.0 };
        Self {
            joint: Joint { limit, limit_impulse, ..joint },
            hull,
            wheel,
            point_mass: Matrix2::new(xx, xy, yy),
            mass: Matrix3::new(
                Vec3 { x: xx, y: xy, z: xz },
                Vec3 { x: xy, y: yy, z: yz },
                Vec3 { x: xz, y: yz, z: zz },
            ),
            motor_mass: 1.0 / zz,
            motor_speed,
            max_motor_impulse: dt * MAX_MOTOR_TORQUE,
        }
    }

    /// What the next step starts with.
    pub fn joint(&self) -> Joint {
        self.joint
    }

    /// Applies the impulses of the step before. (Steps are equally long, which spares their ratio.)
    pub fn warm_start(&self, hull: &mut Velocity, wheel: &mut Velocity) {
        let Joint { impulse, limit_impulse, motor_impulse, .. } = self.joint;
        let turn = |arm: Vec2| arm.cross(impulse) + motor_impulse + limit_impulse;
        self.push(hull, wheel, impulse, turn(self.hull.arm), turn(self.wheel.arm));
    }

    fn push(
        &self,
        hull: &mut Velocity,
        wheel: &mut Velocity,
        impulse: Vec2,
        hull_turn: f32,
        wheel_turn: f32,
    ) {
        hull.linear -= self.hull.inverse_mass * impulse;
        hull.angular -= self.hull.inverse_inertia * hull_turn;
        wheel.linear += self.wheel.inverse_mass * impulse;
        wheel.angular += self.wheel.inverse_inertia * wheel_turn;
    }

    /// One iteration: the motor, then limit and point together, or the point alone.
    pub fn solve_velocity(&mut self, hull: &mut Velocity, wheel: &mut Velocity) {
        let too_fast = wheel.angular - hull.angular - self.motor_speed;
        let before = self.joint.motor_impulse;
        let wanted = before + -self.motor_mass * too_fast;
        self.joint.motor_impulse = clamp(wanted, -self.max_motor_impulse, self.max_motor_impulse);
        let motor = self.joint.motor_impulse - before;
        hull.angular -= self.hull.inverse_inertia * motor;
        wheel.angular += self.wheel.inverse_inertia * motor;

        let apart = wheel.linear + self.wheel.arm.turned(wheel.angular)
            - hull.linear
            - self.hull.arm.turned(hull.angular);
        if self.joint.limit == Limit::Inactive {
            let impulse = self.point_mass.solve(-apart);
            self.joint.impulse += impulse;
            let turn = |arm: Vec2| arm.cross(impulse);
            self.push(hull, wheel, impulse, turn(self.hull.arm), turn(self.wheel.arm));
        } else {
            let (impulse, limit) = self.limited(apart, wheel.angular - hull.angular);
            let turn = |arm: Vec2| arm.cross(impulse) + limit;
            self.push(hull, wheel, impulse, turn(self.hull.arm), turn(self.wheel.arm));
        }
    }

    /// The impulses of point and limit. A limit that would pull is let go, and the point solved alone.
    fn limited(&mut self, apart: Vec2, turning: f32) -> (Vec2, f32) {
        let solved = self.mass.solve(Vec3 { x: apart.x, y: apart.y, z: turning });
        let (mut impulse, mut limit) = (Vec2::new(-solved.x, -solved.y), -solved.z);
        let sum = self.joint.limit_impulse + limit;
        let pulls = if self.joint.limit == Limit::AtLower { sum < 0.0 } else { sum > 0.0 };
        if pulls {
            let held = self.joint.limit_impulse * Vec2::new(self.mass.z.x, self.mass.z.y);
            impulse = self.point_mass.solve(-apart + held);
            limit = -self.joint.limit_impulse;
            self.joint.limit_impulse = 0.0;
        } else {
            self.joint.limit_impulse = sum;
        }
        self.joint.impulse += impulse;
        (impulse, limit)
    }

    /// One iteration: the limit, then the point. Says whether both were near enough before.
    pub fn solve_position(&self, hull: &mut Position, wheel: &mut Position) -> bool {
        let ([i_a, i_b], masses) = (
            [self.hull.inverse_inertia, self.wheel.inverse_inertia],
            self.hull.inverse_mass + self.wheel.inverse_mass,
        );
        let angle = wheel.angle - hull.angle;
        let (angular_error, correction) = match self.joint.limit {
            Limit::Inactive => (0.0, None),
            Limit::AtLower => {
                let beyond = angle + LOCK;
                let correction = clamp(beyond + ANGULAR_SLOP, -MAX_ANGULAR_CORRECTION, 0.0);
                (-beyond, Some(correction))
            }
            Limit::AtUpper => {
                let beyond = angle - LOCK;
                let correction = clamp(beyond - ANGULAR_SLOP, 0.0, MAX_ANGULAR_CORRECTION);
                (beyond, Some(correction))
            }
        };
        if let Some(correction) = correction {
            let impulse = -self.motor_mass * correction;
            hull.angle -= i_a * impulse;
            wheel.angle += i_b * impulse;
        }

        let a = Rotation::by(hull.angle).apply(self.hull.anchor);
        let b = Rotation::by(wheel.angle).apply(self.wheel.anchor);
        let apart = wheel.centre + b - hull.centre - a;
        let mass = Matrix2::new(
            masses + i_a * a.y * a.y + i_b * b.y * b.y,
            -i_a * a.x * a.y - i_b * b.x * b.y,
            masses + i_a * a.x * a.x + i_b * b.x * b.x,
        );
        let impulse = -mass.solve(apart);
        hull.centre -= self.hull.inverse_mass * impulse;
        hull.angle -= i_a * a.cross(impulse);
        wheel.centre += self.wheel.inverse_mass * impulse;
        wheel.angle += i_b * b.cross(impulse);
        apart.length() <= LINEAR_SLOP && angular_error <= ANGULAR_SLOP
    }
}
