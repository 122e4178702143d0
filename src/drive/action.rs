//! What a driver does in one step.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// An action of either of Gymnasium's two kinds. An episode takes both, also in turn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// One of the five.
    Discrete(Discrete),
    /// `steering` from -1, all to the left, to 1; `gas` and `brake` from 0 to 1. Gas alone is held to
    /// its range; a brake from 0.9 on blocks the wheels.
    Continuous {
        /// -1 is full left, 1 full right.
        steering: f64,
        /// 0 to 1.
        gas: f64,
        /// 0 to 1; from 0.9 the wheels are blocked.
        brake: f64,
    },
}

/// In Gymnasium's order, which is the order of a network's classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Discrete {
    /// Roll.
    Nothing,
    /// Steer to the right.
    Right,
    /// Steer to the left.
    Left,
    /// Give gas.
    Gas,
    /// Brake.
    Brake,
}

impl Discrete {
    /// In the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Nothing, Self::Right, Self::Left, Self::Gas, Self::Brake];
}

impl Action {
    /// The discrete action of this number, 0 to 4.
    pub fn discrete(index: usize) -> Result<Self> {
        let none = || Error::new(format!("there is no action {index}, only 0 to 4"));
        Discrete::ALL.get(index).copied().map(Self::Discrete).ok_or_else(none)
    }

    /// Numbers that are none are refused: the car would never be anywhere again.
    pub fn continuous([steering, gas, brake]: [f64; 3]) -> Result<Self> {
        if [steering, gas, brake].iter().all(|x| x.is_finite()) {
            return Ok(Self::Continuous { steering, gas, brake });
        }
        Err(Error::new(format!("steering {steering}, gas {gas}, brake {brake} is no action")))
    }

    /// Steering as Gymnasium's continuous actions have it, gas and brake.
    pub fn steering_gas_brake(self) -> [f32; 3] {
        let [angle, gas, brake] = self.controls().map(|control| control as f32);
        [0.0 - angle, gas, brake]
    }

    /// The angle to which the front wheels turn, positive to the left; gas; brake.
    pub(super) fn controls(self) -> [f64; 3] {
        match self {
            Self::Discrete(Discrete::Nothing) => [0.0, 0.0, 0.0],
            Self::Discrete(Discrete::Right) => [-0.6, 0.0, 0.0],
            Self::Discrete(Discrete::Left) => [0.6, 0.0, 0.0],
            Self::Discrete(Discrete::Gas) => [0.0, 0.2, 0.0],
            Self::Discrete(Discrete::Brake) => [0.0, 0.0, 0.8],
            Self::Continuous { steering, gas, brake } => [-steering, gas, brake],
        }
    }
}
