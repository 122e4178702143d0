//! A network that drives: from a picture to what is done.

use super::{Action, Discrete, SIDE};
use crate::data::{Dataset, Preparer};
use crate::error::{Error, Result};
use crate::graph::{Graph, Value};
use crate::runtime::{Arithmetic, Session, input_shape};
use crate::score::classes::top1;
use crate::vocabulary::driving::{Control, Outputs, RoadTest, Sets};

/// The gas that keeps a speed, which a driver has for whom no output says it: that of the discrete action
/// at most, and less from so far below the speed on.
const CRUISING_GAS: f64 = 0.2;
const EASED_FROM: f64 = 10.0;
/// It brakes above this share of the speed, if no output says when; so hard.
const BRAKED_ABOVE: f64 = 1.2;
const CRUISING_BRAKE: f64 = 0.2;

/// Width and height of a picture.
const CAMERA: [usize; 2] = [SIDE, SIDE];

/// A network, float or quantized, that looks at the road and decides. It computes on the deterministic
/// path, so that it drives alike on every machine.
#[derive(Debug)]
pub struct Driver {
    session: Session,
    preparer: Preparer,
    /// One frame of what the camera shows, as the network takes it.
    seen: Dataset,
    input: Vec<f32>,
    /// The numbers of all outputs for that frame, side by side; how many of them are the first's.
    answer: Vec<f32>,
    scores: usize,
    /// Of each output whether it is but an input.
    echoes: Vec<bool>,
    outputs: Option<Outputs>,
    target_speed: f64,
}

impl Driver {
    /// # Errors
    /// A network that takes no pictures of the camera, that cannot be run, or whose outputs say something
    /// else than `test` has it.
    pub fn new(graph: &Graph, test: &RoadTest) -> Result<Self> {
        if !graph.packed.is_empty() {
            return Err(Error::new("it has several inputs, and a driver sees pictures alone")
                .way_out("Export the network with the picture as its only input."));
        }
        let preprocessing = test.preprocessing.as_ref();
        let preparer = Preparer::new(preprocessing)?;
        let pictures = Dataset::to_be_shown(preparer.shape(CAMERA)?, preprocessing)?;
        let seen = pictures.taken_by(graph)?.into_owned();
        let shape = Some(seen.frame_shape());
        input_shape(graph, shape).map_err(|error| {
            let way_out = format!(
                "The camera gives {SIDE}x{SIDE} pixels of three channels; --resize makes them as large as the \
                 network takes them, --color gray has one channel, and --stack N makes one frame of several \
                 pictures."
            );
            Error { way_out: Some(way_out), ..error }
        })?;
        let session = Session::new(graph, shape, Arithmetic::Deterministic)?;
        let echoes = graph.outputs.iter().map(|output| graph.is_echo(&output.name)).collect();
        let mut driver = Self {
            input: vec![0.0; session.batch() * session.frame_len()],
            session,
            preparer,
            seen,
            answer: Vec::new(),
            scores: 0,
            echoes,
            outputs: test.outputs.clone(),
            target_speed: test.target_speed,
        };
        // Black, to know what it says before it is on the road.
        driver.look()?;
        if driver.outputs.is_none() {
            driver.outputs = named(graph, driver.answer.len());
        }
        driver.check_outputs()?;
        Ok(driver)
    }

    fn check_outputs(&self) -> Result<()> {
        match &self.outputs {
            None if self.scores != Discrete::ALL.len() => Err(Error::new(format!(
                "its first output is {} numbers for a frame, not a score for each of 5 actions (nothing, \
                 right, left, gas, brake)",
                self.scores
            ))
            .way_out("Of a network of values say what they are: --outputs steering,gas,brake.")),
            Some(outputs) if outputs.columns().len() != self.answer.len() => {
                Err(Error::new(format!(
                    "its outputs are {} numbers for a frame, --outputs names {}",
                    self.answer.len(),
                    outputs.columns().len()
                ))
                .way_out("Name each, and `_` one that is not used."))
            }
            _ => Ok(()),
        }
    }

    /// What to do, seeing the picture of the road (height x width x channels), the first of a drive or not,
    /// at this speed.
    ///
    /// # Errors
    /// An answer that is not a number, and what goes wrong inside the network.
    pub fn decide(&mut self, picture: &[u8], is_first: bool, speed: f64) -> Result<Action> {
        self.remember(picture, is_first)?;
        self.look()?;
        if self.answer.iter().any(|number| number.is_nan()) {
            return Err(Error::new("the network's answer is not a number")
                .way_out("Look for weights that are not finite."));
        }
        Ok(match &self.outputs {
            None => Action::Discrete(Discrete::ALL[top1(&self.answer[..self.scores])]),
            Some(outputs) => values(outputs, &self.answer, speed, self.target_speed),
        })
    }

    /// A picture that was decided on before, in this drive.
    ///
    /// # Errors
    /// Nothing is left of it.
    pub fn remember(&mut self, picture: &[u8], is_first: bool) -> Result<()> {
        self.seen.show(self.preparer.prepare(picture, CAMERA)?, is_first);
        Ok(())
    }

    /// All numbers that the last decision was made on.
    pub fn answer(&self) -> &[f32] {
        &self.answer
    }

    /// Runs the network on what is seen.
    fn look(&mut self) -> Result<()> {
        let Self { session, seen, input, answer, scores, echoes, .. } = self;
        let batch = session.batch();
        for frame in input.chunks_exact_mut(session.frame_len().max(1)) {
            seen.input(0, frame);
        }
        answer.clear();
        session.run(input, |output, values| {
            if output == 0 || !echoes[output] {
                answer.extend_from_slice(&values[..values.len() / batch]);
            }
            if output == 0 {
                *scores = answer.len();
            }
        })
    }
}

/// What outputs say that are called as what they set, if all of `count` numbers are and one steers.
fn named(graph: &Graph, count: usize) -> Option<Outputs> {
    let sets = |output: &Value| {
        let control = Control::ALL.into_iter().find(|control| control.name() == output.name)?;
        Some(Some(Sets { control, factor: 1.0 }))
    };
    let columns: Vec<Option<Sets>> = graph.outputs.iter().map(sets).collect::<Option<_>>()?;
    Outputs::new(columns).ok().filter(|outputs| outputs.columns().len() == count)
}

/// What the numbers say, within what a car takes.
fn values(outputs: &Outputs, answer: &[f32], speed: f64, target_speed: f64) -> Action {
    let said = |control| {
        let mut columns = outputs.columns().iter().zip(answer);
        columns.find_map(|(sets, &number)| {
            let sets = sets.filter(|sets| sets.control == control)?;
            Some(sets.factor * f64::from(number))
        })
    };
    let steering = said(Control::Steering).unwrap_or(0.0).clamp(-1.0, 1.0);
    let brake = said(Control::Brake).map(|brake| brake.clamp(0.0, 1.0));
    if let Some(gas) = said(Control::Gas) {
        return Action::Continuous {
            steering,
            gas: gas.clamp(0.0, 1.0),
            brake: brake.unwrap_or(0.0),
        };
    }
    let eased = ((target_speed - speed) / EASED_FROM).clamp(0.0, 1.0);
    let is_fast = speed > BRAKED_ABOVE * target_speed;
    Action::Continuous {
        steering,
        gas: CRUISING_GAS * eased,
        brake: brake.unwrap_or(if is_fast { CRUISING_BRAKE } else { 0.0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_they_are_named() {
        let outputs: Outputs = "_,-steering*0.5,brake".parse().unwrap();
        let said = |answer: &[f32], speed| values(&outputs, answer, speed, 40.0);
        let action = |[steering, gas, brake]: [f64; 3]| Action::Continuous { steering, gas, brake };
        assert_eq!(said(&[9.0, 0.5, 0.25], 0.0), action([-0.25, 0.2, 0.25]));
        assert_eq!(said(&[9.0, -4.0, 1.5], 40.0), action([1.0, 0.0, 1.0]));
        assert_eq!(said(&[9.0, 0.0, -1.0], 35.0), action([0.0, 0.1, 0.0]));
    }

    #[test]
    fn a_speed_is_kept_where_nothing_says_the_gas() {
        let outputs: Outputs = "steering".parse().unwrap();
        let pedals = |speed| match values(&outputs, &[0.0], speed, 40.0) {
            Action::Continuous { gas, brake, .. } => [gas, brake],
            Action::Discrete(_) => unreachable!("values are said"),
        };
        assert_eq!([pedals(0.0), pedals(45.0), pedals(49.0)], [[0.2, 0.0], [0.0, 0.0], [0.0, 0.2]]);
        let said: Outputs = "steering,gas".parse().unwrap();
        let fast = Action::Continuous { steering: 0.0, gas: 0.5, brake: 0.0 };
        assert_eq!(values(&said, &[0.0, 0.5], 90.0, 40.0), fast);
    }
}
