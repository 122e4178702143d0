//! One step of hull, wheels and joints. After `b2Island.cpp` of Box2D 2.3; the car is the one island
//! that moves.
//!
//! Copyright (c) 2006-2011 Erin Catto <http://www.box2d.org>. An altered version: not the original
//! software. Its licence (zlib) stands in `NOTICE.md`.

use super::body::{Body, Form};
use super::joint::{ANGULAR_SLOP, Constraint, Joint, Position, Velocity};
use super::vector::{Rotation, Vec2};

const VELOCITY_ITERATIONS: usize = 6 * 30;
const POSITION_ITERATIONS: usize = 2 * 30;
/// Of a step.
const MAX_TRANSLATION: f32 = 2.0;
const MAX_ROTATION: f32 = 0.5 * std::f32::consts::PI;
/// A body that moves no faster than this for so long falls asleep.
const SLEEP_VELOCITY: f32 = 0.01;
const SLEEP_ANGULAR_VELOCITY: f32 = ANGULAR_SLOP;
const TIME_TO_SLEEP: f32 = 0.5;

/// The hull stands first, then the wheels.
pub const BODIES: usize = 5;
/// The joint of wheel i is joint i.
pub const JOINTS: usize = BODIES - 1;

/// What a step takes besides the bodies.
pub struct Step<'a> {
    pub forms: [&'a Form; BODIES],
    /// The joints' places on the hull.
    pub anchors: &'a [Vec2; JOINTS],
    /// At the bodies' centres.
    pub forces: [Vec2; BODIES],
    /// Of the joints.
    pub motor_speeds: [f32; JOINTS],
    /// The bodies', as the step begins.
    pub rotations: [Rotation; BODIES],
    /// Seconds.
    pub dt: f32,
}

/// The joints are solved from the last to the first, as Box2D's lists have them.
pub fn solve(bodies: &mut [Body; BODIES], joints: &mut [Joint; JOINTS], step: &Step<'_>) {
    let dt = step.dt;
    let mut velocities: [Velocity; BODIES] = std::array::from_fn(|i| Velocity {
        // Sums with zero, for there is neither gravity nor torque: they decide the signs of zeros.
        linear: bodies[i].velocity
            + dt * (Vec2::default() + step.forms[i].inverse_mass * step.forces[i]),
        angular: bodies[i].angular_velocity + 0.0,
    });
    let mut constraints: [Constraint; JOINTS] = std::array::from_fn(|i| {
        let wheel = i + 1;
        Constraint::new(
            joints[i],
            step.anchors[i],
            [step.forms[0], step.forms[wheel]],
            [&bodies[0], &bodies[wheel]],
            [step.rotations[0], step.rotations[wheel]],
            step.motor_speeds[i],
            dt,
        )
    });
    let [hull, wheels @ ..] = &mut velocities;
    for (constraint, wheel) in constraints.iter().zip(&mut *wheels).rev() {
        constraint.warm_start(hull, wheel);
    }
    for _ in 0..VELOCITY_ITERATIONS {
        for (constraint, wheel) in constraints.iter_mut().zip(&mut *wheels).rev() {
            constraint.solve_velocity(hull, wheel);
        }
    }
    *joints = std::array::from_fn(|i| constraints[i].joint());

    let mut positions: [Position; BODIES] =
        std::array::from_fn(|i| moved(&bodies[i], &mut velocities[i], dt));
    let [hull, wheels @ ..] = &mut positions;
    let solved = (0..POSITION_ITERATIONS).any(|_| {
        let each = constraints.iter().zip(&mut *wheels).rev();
        each.fold(true, |near, (constraint, wheel)| constraint.solve_position(hull, wheel) && near)
    });

    for (i, body) in bodies.iter_mut().enumerate() {
        let Position { centre, angle } = positions[i];
        *body = Body {
            position: centre - Rotation::by(angle).apply(step.forms[i].centre),
            centre,
            angle,
            velocity: velocities[i].linear,
            angular_velocity: velocities[i].angular,
            ..*body
        };
    }
    rest(bodies, solved, dt);
}

/// Where `body` comes to, at most so far; it is slowed down to that.
fn moved(body: &Body, velocity: &mut Velocity, dt: f32) -> Position {
    let translation = dt * velocity.linear;
    if translation.length_squared() > MAX_TRANSLATION * MAX_TRANSLATION {
        velocity.linear = (MAX_TRANSLATION / translation.length()) * velocity.linear;
    }
    let rotation = dt * velocity.angular;
    if rotation * rotation > MAX_ROTATION * MAX_ROTATION {
        velocity.angular *= MAX_ROTATION / rotation.abs();
    }
    Position {
        centre: body.centre + dt * velocity.linear,
        angle: body.angle + dt * velocity.angular,
    }
}

/// Puts all bodies to sleep, which ends their motion, when none has moved for long enough. Every step
/// of the car wakes them.
fn rest(bodies: &mut [Body; BODIES], solved: bool, dt: f32) {
    for body in &mut *bodies {
        let turning = body.angular_velocity * body.angular_velocity;
        let moves = turning > SLEEP_ANGULAR_VELOCITY * SLEEP_ANGULAR_VELOCITY
            || body.velocity.length_squared() > SLEEP_VELOCITY * SLEEP_VELOCITY;
        body.at_rest = if moves { 0.0 } else { body.at_rest + dt };
    }
    if solved && bodies.iter().all(|body| body.at_rest >= TIME_TO_SLEEP) {
        for body in bodies {
            body.velocity = Vec2::default();
            body.angular_velocity = 0.0;
            body.at_rest = 0.0;
        }
    }
}
