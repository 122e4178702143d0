//! How a network is let drive: what its numbers set, and how pictures enter.

use super::State;
use super::networks::{Network, Origin};
use crate::lab::protocol::{Inspection, TensorShape};
use crate::vocabulary::driving::{Control, Outputs, RoadTest, Sets};
use crate::vocabulary::preprocessing::Preprocessing;
use crate::vocabulary::stage::{ACTIONS, SIDE};

/// Of the camera's pictures.
const CHANNELS: usize = 3;

/// A network with more numbers is made for something else than driving.
const MOST_NUMBERS: usize = 12;

/// What somebody says of the numbers of a network of values. It holds for opened networks with so many
/// numbers; the bundled ones drive as they were trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Wheel {
    /// What each number sets; none while nothing is said.
    columns: Vec<Option<Sets>>,
    /// In units a second.
    pub target_speed: f64,
}

impl Default for Wheel {
    fn default() -> Self {
        Self { columns: Vec::new(), target_speed: RoadTest::default().target_speed }
    }
}

impl Wheel {
    pub(super) fn of(outputs: Option<Outputs>, speed: Option<f64>) -> Self {
        let columns = outputs.map_or_else(Vec::new, |outputs| outputs.columns().to_vec());
        Self { columns, target_speed: speed.unwrap_or(Self::default().target_speed) }
    }

    /// Once something steers.
    pub fn outputs(&self) -> Option<Outputs> {
        Outputs::new(self.columns.clone()).ok()
    }

    /// Where it is not the usual one, and kept.
    pub(super) fn speed(&self) -> Option<f64> {
        let keeps = self.outputs().is_some_and(|outputs| !outputs.have(Control::Gas));
        (keeps && self.target_speed != Self::default().target_speed).then_some(self.target_speed)
    }

    /// What one of so many numbers sets.
    pub fn column(&self, at: usize, of: usize) -> Option<Sets> {
        self.columns.get(at).filter(|_| self.columns.len() == of).copied().flatten()
    }

    /// Has one of so many numbers set something, which no other sets then.
    pub fn set(&mut self, at: usize, of: usize, sets: Option<Sets>) {
        if self.columns.len() != of {
            self.columns = vec![None; of];
        }
        for column in &mut self.columns {
            column.take_if(|other| sets.is_some_and(|sets| sets.control == other.control));
        }
        if let Some(column) = self.columns.get_mut(at) {
            *column = sets;
        }
    }
}

/// A network on the stage of whose numbers it can be said what they set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steered {
    pub title: String,
    /// Of each number.
    pub names: Vec<String>,
    /// Whether it could drive by scores of classes, too.
    pub may_be_classes: bool,
}

impl State {
    pub(super) fn road_test(&self, id: &str) -> RoadTest {
        let Some((_, inspection)) = self.opened(id) else { return RoadTest::default() };
        let numbers = names(inspection).len();
        let outputs = self.wheel.outputs().filter(|own| own.columns().len() == numbers);
        let said = self.preprocessing.parse(Some(inspection)).ok().flatten();
        let depth = depth(inspection).filter(|depth| *depth > 1);
        let stack = said.as_ref().and_then(|said| said.stack).or(depth);
        let preprocessing = match (said, stack) {
            (None, None) => None,
            (said, stack) => Some(Preprocessing { stack, ..said.unwrap_or_default() }),
        };
        RoadTest {
            outputs,
            target_speed: self.wheel.target_speed,
            preprocessing,
            ..RoadTest::default()
        }
    }

    /// The first network on the stage that was opened here and takes the camera's pictures.
    pub fn steered(&self) -> Option<Steered> {
        let mut drivers = self.stage.cars.iter().filter_map(|car| car.driver.network());
        drivers.find_map(|id| {
            let (network, inspection) = self.opened(id)?;
            let names = names(inspection);
            let takes = depth(inspection).is_some() && (1..=MOST_NUMBERS).contains(&names.len());
            let may_be_classes = names.len() == ACTIONS.len();
            takes.then(|| Steered { title: network.title.clone(), names, may_be_classes })
        })
    }

    /// The network from a person's disk that this one is or was made of.
    fn opened(&self, id: &str) -> Option<(&Network, &Inspection)> {
        let base = self.made_here(id).map_or(id, |(base, _)| base);
        let network = self.network(base).filter(|network| network.origin == Origin::Opened)?;
        Some((network, network.inspection()?))
    }
}

/// Of each number that the outputs give for a frame.
fn names(inspection: &Inspection) -> Vec<String> {
    let of = |output: &TensorShape| {
        let sizes = output.shape.iter().skip(1).map(|size| size.unwrap_or(1));
        let name = output.name.clone();
        match sizes.fold(1, usize::saturating_mul) {
            1 => vec![name],
            // More are not looked at.
            count => (0..count.min(MOST_NUMBERS + 1)).map(|i| format!("{name}[{i}]")).collect(),
        }
    };
    inspection.outputs.iter().flat_map(of).collect()
}

/// How many of the camera's pictures a frame is made of; `None` if it takes others.
fn depth(inspection: &Inspection) -> Option<usize> {
    let [input] = &inspection.inputs[..] else { return None };
    let is_side = |size: Option<usize>| size.is_none_or(|size| size == SIDE);
    let channels = match input.shape[..] {
        [_, channels, height, width] if is_side(height) && is_side(width) => channels,
        [_, height, width, channels] if is_side(height) && is_side(width) => channels,
        _ => return None,
    };
    let channels = channels.unwrap_or(CHANNELS);
    (channels > 0 && channels % CHANNELS == 0).then_some(channels / CHANNELS)
}
