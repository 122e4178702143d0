//! A drive as somebody watches it: what a screen needs of a track and of every step.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Rows of what the camera sees, and pixels in each.
pub const SIDE: usize = 96;

/// Who drives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum By {
    /// The network of this id.
    Network(String),
    /// Somebody who keeps to steering (-1 full left, 1 full right), gas and brake (0 to 1).
    Hand([f32; 3]),
}

/// A track from above, in the world's units; y points up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ground {
    /// Of the track.
    pub seed: u64,
    /// The road, in driving order; the corners of each tile one after the other.
    pub tiles: Vec<[[f32; 2]; 4]>,
    /// Along its bends.
    pub kerbs: Vec<Kerb>,
    /// The middle of the road, in driving order.
    pub centre: Vec<[f32; 2]>,
    /// Half the side of the field, outside of which a drive ends.
    pub field: f32,
    /// What a car looks like.
    pub car: Shapes,
    /// A drive before its first step: only who made it reads it.
    pub start: ByteBuf,
}

/// A strip beside a bend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kerb {
    /// One after the other around it.
    pub corners: [[f32; 2]; 4],
    /// Else white.
    pub is_red: bool,
}

/// What a car looks like, about the places of its hull and wheels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shapes {
    /// Its polygons.
    pub hull: Vec<Vec<[f32; 2]>>,
    /// Its corners.
    pub wheel: Vec<[f32; 2]>,
}

/// Where a car is, and how it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pose {
    /// x, y, and the angle in radians against the clock; at 0 the car looks along y.
    pub hull: [f32; 3],
    /// Front left, front right, rear left, rear right.
    pub wheels: [[f32; 3]; 4],
    /// Units a second.
    pub speed: f32,
    /// The sum of the rewards so far.
    pub total: f64,
    /// Those that were visited so far.
    pub tiles: u32,
    /// Whether no wheel is on the road.
    pub off_road: bool,
}

/// What a driver did with a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Steps that had been made before.
    pub step: u32,
    /// All numbers of a network's outputs; empty for a hand.
    pub answer: Vec<f32>,
    /// Steering, gas, brake.
    pub controls: [f32; 3],
    /// What the camera saw: 96 rows of 96 pixels, red, green and blue.
    pub seen: ByteBuf,
}

/// How a drive ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The lap is finished.
    Finished,
    /// The car left the field.
    Outside,
    /// All steps are made.
    OutOfTime,
}

/// A piece of a drive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// After each of its steps.
    pub poses: Vec<Pose>,
    /// One for each picture that was looked at.
    pub decisions: Vec<Decision>,
    /// Where it goes on, as a [`Ground`]'s start.
    pub to: ByteBuf,
    /// `None` as long as it goes on.
    pub end: Option<End>,
}

/// A picture, and what was done with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Labelled {
    /// 96 rows of 96 pixels, red, green and blue.
    pub seen: ByteBuf,
    /// Steering, gas, brake.
    pub controls: [f32; 3],
}

/// The classes of the bundled frames, which are Gymnasium's discrete actions in their order.
pub const ACTIONS: [&str; 5] = ["nothing", "right", "left", "gas", "brake"];

/// At this angle, in radians, the front wheels stop, however far somebody steers.
pub const LOCK: f32 = 0.4;

/// Steering, gas and brake of each of [`ACTIONS`].
const CONTROLS: [[f32; 3]; ACTIONS.len()] =
    [[0.0, 0.0, 0.0], [0.6, 0.0, 0.0], [-0.6, 0.0, 0.0], [0.0, 0.2, 0.0], [0.0, 0.0, 0.8]];

impl Labelled {
    /// A picture for which one of [`ACTIONS`] is right; `None` where there is no such.
    pub fn as_class(seen: ByteBuf, class: usize) -> Option<Self> {
        Some(Self { seen, controls: *CONTROLS.get(class)? })
    }

    /// The discrete action that is nearest: braking counts before steering, and that before gas.
    pub fn class(&self) -> usize {
        match self.controls {
            [_, _, brake] if brake > 0.0 => 4,
            [steering, ..] if steering > 0.0 => 1,
            [steering, ..] if steering < 0.0 => 2,
            [_, gas, _] if gas > 0.0 => 3,
            _ => 0,
        }
    }
}

/// What labels are packed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Whole numbers: [`ACTIONS`].
    Classes,
    /// The same, as a zip of a folder of PNGs for each.
    Folders,
    /// Steering, gas and brake.
    Values,
}
