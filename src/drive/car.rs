//! The car: engine, brakes, steering, and the friction between its wheels and the ground.
//!
//! After Gymnasium's `car_dynamics.py`; its licence (MIT) stands in `NOTICE.md`. What that computes in
//! Python is f64 here, on the f32 that Box2D hands to it, and is rounded to f32 where it is handed back.
//! Marks of skidding and spent fuel are left out: nobody sees them.

use serde::{Deserialize, Serialize};

use super::body::{Body, Form};
use super::joint::Joint;
use super::shape::Polygon;
use super::solver::{BODIES, JOINTS, Step, solve};
use super::track::Waypoint;
use super::vector::{Rotation, Vec2};

/// Seconds that a step takes.
pub const DT: f64 = 1.0 / 50.0;
/// What the car's measures are in, in the world's units.
pub const SIZE: f64 = 0.02;
/// Half of a wheel as it is seen from above, along its y.
pub const WHEEL_RADIUS: f64 = 27.0;
/// The same along its x.
pub const WHEEL_WIDTH: f64 = 14.0;
/// In the hull's own coordinates, of which y looks ahead.
pub const HULL_POLYGONS: [&[[f64; 2]]; 4] = [
    &[[-60.0, 130.0], [60.0, 130.0], [60.0, 110.0], [-60.0, 110.0]],
    &[[-15.0, 120.0], [15.0, 120.0], [20.0, 20.0], [-20.0, 20.0]],
    &[
        [25.0, 20.0],
        [50.0, -10.0],
        [50.0, -40.0],
        [20.0, -90.0],
        [-20.0, -90.0],
        [-50.0, -40.0],
        [-50.0, -10.0],
        [-25.0, 20.0],
    ],
    &[[-50.0, -120.0], [50.0, -120.0], [50.0, -90.0], [-50.0, -90.0]],
];

const WHEEL_POLYGON: [[f64; 2]; 4] = [
    [-WHEEL_WIDTH, WHEEL_RADIUS],
    [WHEEL_WIDTH, WHEEL_RADIUS],
    [WHEEL_WIDTH, -WHEEL_RADIUS],
    [-WHEEL_WIDTH, -WHEEL_RADIUS],
];
/// Front left, front right, rear left, rear right.
const WHEEL_PLACES: [[f64; 2]; JOINTS] =
    [[-55.0, 80.0], [55.0, 80.0], [-55.0, -82.0], [55.0, -82.0]];
const HULL_DENSITY: f32 = 1.0;
const WHEEL_DENSITY: f32 = 0.1;
const ENGINE_POWER: f64 = 100_000_000.0 * SIZE * SIZE;
const WHEEL_MOMENT_OF_INERTIA: f64 = 4000.0 * SIZE * SIZE;
const FRICTION_LIMIT: f64 = 1_000_000.0 * SIZE * SIZE;
const GRASS: f64 = 0.6;
/// Force per difference of speed.
const SLIP: f64 = 205_000.0 * SIZE * SIZE;
/// By which a brake slows a wheel in a step, in radians a second.
const BRAKE_FORCE: f64 = 15.0;
/// A brake from here on blocks its wheel.
const BLOCKING: f64 = 0.9;
/// By which gas may rise in a step; it may fall at once.
const GAS_RISE: f64 = 0.1;

/// The car in the middle of a drive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Car {
    /// What the wheels hang on.
    pub hull: Body,
    /// Front left, front right, rear left, rear right.
    pub wheels: [Wheel; JOINTS],
}

/// A wheel, and the joint that holds it to the hull.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Wheel {
    /// Where it is, and how it moves.
    pub body: Body,
    /// What holds it to the hull and turns it.
    pub joint: Joint,
    /// Radians to the left.
    pub steer: f64,
    /// 0 to 1.
    pub gas: f64,
    /// 0 to 1.
    pub brake: f64,
    /// How far it has rolled, in radians.
    pub phase: f64,
    /// How fast it rolls, in radians a second.
    pub omega: f64,
    /// Whether it touched a tile when the last step began.
    pub on_road: bool,
}

/// What does not change of a car.
#[derive(Debug, Clone)]
pub struct Build {
    pub hull: Form,
    pub wheel: Form,
    /// The wheels' joints on the hull.
    anchors: [Vec2; JOINTS],
}

impl Build {
    pub fn new() -> Self {
        let shape = |corners: &[[f64; 2]]| {
            let corners: Vec<Vec2> =
                corners.iter().map(|corner| Vec2::nearest(corner.map(|x| x * SIZE))).collect();
            Polygon::around(&corners)
        };
        Self {
            hull: Form::new(HULL_POLYGONS.map(shape).to_vec(), HULL_DENSITY),
            wheel: Form::new(vec![shape(&WHEEL_POLYGON)], WHEEL_DENSITY),
            anchors: WHEEL_PLACES.map(|place| Vec2::nearest(place.map(|x| x * SIZE))),
        }
    }
}

impl Car {
    /// At `start`, looking along the road. The wheels' places are not turned with the hull: the joints
    /// pull them in.
    pub fn new(build: &Build, start: &Waypoint) -> Self {
        let body = |form: &Form, [dx, dy]: [f64; 2]| {
            let position = [start.x + dx * SIZE, start.y + dy * SIZE];
            Body::new(form, Vec2::nearest(position), start.beta as f32)
        };
        let wheel = |place| Wheel {
            body: body(&build.wheel, place),
            joint: Joint::default(),
            steer: 0.0,
            gas: 0.0,
            brake: 0.0,
            phase: 0.0,
            omega: 0.0,
            on_road: false,
        };
        Self { hull: body(&build.hull, [0.0, 0.0]), wheels: WHEEL_PLACES.map(wheel) }
    }

    /// Turns the front wheels to an angle in radians, positive to the left, as fast as they turn.
    pub fn steer(&mut self, angle: f64) {
        self.wheels[..2].iter_mut().for_each(|wheel| wheel.steer = angle);
    }

    /// The rear wheels' engine, from 0 to 1.
    pub fn gas(&mut self, gas: f64) {
        let gas = gas.clamp(0.0, 1.0);
        for wheel in &mut self.wheels[2..] {
            let rise = gas - wheel.gas;
            wheel.gas += if rise > GAS_RISE { GAS_RISE } else { rise };
        }
    }

    /// All wheels' brakes, from 0 to 1.
    pub fn brake(&mut self, brake: f64) {
        self.wheels.iter_mut().for_each(|wheel| wheel.brake = brake);
    }

    /// Rolls the wheels, by which they push the car.
    pub fn roll(&mut self, rotations: &[Rotation; BODIES]) -> Push {
        let mut push = Push { forces: [Vec2::default(); BODIES], motor_speeds: [0.0; JOINTS] };
        for (i, wheel) in self.wheels.iter_mut().enumerate() {
            push.motor_speeds[i] = wheel.motor_speed(self.hull.angle);
            push.forces[i + 1] = wheel.roll(rotations[i + 1]);
        }
        push
    }

    /// Moves hull and wheels by a step.
    pub fn advance(&mut self, build: &Build, rotations: [Rotation; BODIES], push: &Push) {
        let [a, b, c, d] = self.wheels;
        let mut bodies = [self.hull, a.body, b.body, c.body, d.body];
        let mut joints = self.wheels.map(|wheel| wheel.joint);
        let wheel = &build.wheel;
        let step = Step {
            forms: [&build.hull, wheel, wheel, wheel, wheel],
            anchors: &build.anchors,
            forces: push.forces,
            motor_speeds: push.motor_speeds,
            rotations,
            dt: DT as f32,
        };
        solve(&mut bodies, &mut joints, &step);
        self.hull = bodies[0];
        for (i, wheel) in self.wheels.iter_mut().enumerate() {
            wheel.body = bodies[i + 1];
            wheel.joint = joints[i];
        }
    }

    /// Whether all of it are numbers.
    pub fn is_finite(&self) -> bool {
        self.hull.is_finite() && self.wheels.iter().all(Wheel::is_finite)
    }
}

/// What the wheels do to the car in a step.
pub struct Push {
    forces: [Vec2; BODIES],
    motor_speeds: [f32; JOINTS],
}

impl Wheel {
    /// By how many radians it is turned against a hull at `hull_angle`.
    pub fn joint_angle(&self, hull_angle: f32) -> f32 {
        self.body.angle - hull_angle
    }

    fn motor_speed(&self, hull_angle: f32) -> f32 {
        let missing = self.steer - f64::from(self.joint_angle(hull_angle));
        (sign(missing) * (50.0 * missing.abs()).min(3.0)) as f32
    }

    /// Rolls for a step, and gives the force that acts at its centre.
    fn roll(&mut self, rotation: Rotation) -> Vec2 {
        let friction_limit = if self.on_road { FRICTION_LIMIT } else { FRICTION_LIMIT * GRASS };
        let wide = |v: Vec2| [f64::from(v.x), f64::from(v.y)];
        let forward = wide(rotation.apply(Vec2::new(0.0, 1.0)));
        let side = wide(rotation.apply(Vec2::new(1.0, 0.0)));
        let velocity = wide(self.body.velocity);
        let along = |direction: [f64; 2]| direction[0] * velocity[0] + direction[1] * velocity[1];

        // Power is energy a second; the 5 keeps a standing wheel from a division by zero.
        self.omega +=
            DT * ENGINE_POWER * self.gas / WHEEL_MOMENT_OF_INERTIA / (self.omega.abs() + 5.0);
        if self.brake >= BLOCKING {
            self.omega = 0.0;
        } else if self.brake > 0.0 {
            let slower = (BRAKE_FORCE * self.brake).min(self.omega.abs());
            self.omega += -sign(self.omega) * slower;
        }
        self.phase += self.omega * DT;

        let radius = WHEEL_RADIUS * SIZE;
        let mut forward_force = (-along(forward) + self.omega * radius) * SLIP;
        let mut side_force = -along(side) * SLIP;
        let force = (forward_force * forward_force + side_force * side_force).sqrt();
        if force > friction_limit {
            forward_force = forward_force / force * friction_limit;
            side_force = side_force / force * friction_limit;
        }
        self.omega -= DT * forward_force * radius / WHEEL_MOMENT_OF_INERTIA;
        Vec2::nearest([0, 1].map(|i| side_force * side[i] + forward_force * forward[i]))
    }

    fn is_finite(&self) -> bool {
        let Joint { impulse, limit_impulse, motor_impulse, .. } = self.joint;
        self.body.is_finite()
            && impulse.is_finite()
            && limit_impulse.is_finite()
            && motor_impulse.is_finite()
            && [self.steer, self.gas, self.brake, self.phase, self.omega]
                .iter()
                .all(|x| x.is_finite())
    }
}

/// As NumPy has it: without one for zero.
fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn car() -> Car {
        Car::new(&Build::new(), &Waypoint { alpha: 0.0, beta: 0.0, x: 0.0, y: 0.0 })
    }

    #[test]
    fn gas_rises_slowly_falls_at_once_and_drives_the_rear_wheels() {
        let mut car = car();
        let mut gas = |gas| {
            car.gas(gas);
            car.wheels.map(|wheel| wheel.gas)
        };
        assert_eq!(gas(5.0), [0.0, 0.0, 0.1, 0.1]);
        assert_eq!(gas(0.15), [0.0, 0.0, 0.15, 0.15]);
        assert_eq!(gas(-1.0), [0.0; 4]);
    }

    #[test]
    fn a_brake_slows_a_wheel_and_blocks_it_from_nine_tenths_on() {
        let rolled = |brake: f64| {
            let mut car = car();
            car.brake(brake);
            let wheel = &mut car.wheels[0];
            // As fast as the car moves: nothing but the brake changes it.
            wheel.omega = 20.0;
            wheel.body.velocity.y = (20.0 * WHEEL_RADIUS * SIZE) as f32;
            let force = wheel.roll(Rotation::NONE);
            (wheel.phase, force)
        };
        assert_eq!(rolled(0.0).0, 20.0 * DT);
        assert_eq!(rolled(0.4).0, (20.0 - 6.0) * DT);
        assert_eq!(rolled(0.9).0, 0.0);
        assert!(rolled(0.0).1.length() < 1e-3);
        // On grass, and no more than its friction.
        assert_eq!(rolled(0.9).1, Vec2::new(0.0, -240.0));
    }
}
