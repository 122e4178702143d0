//! The cars on the stage: what they have driven so far, and what their worker is asked.

mod looked;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_bytes::ByteBuf;

pub use looked::{Answer, Looked, PATCHES};

use super::queue::TaskId;
use super::{Effect, State, Step};
use crate::error::Error;
use crate::lab::protocol::{Event, ModelId, Request};
use crate::vocabulary::driving::RoadTest;
use crate::vocabulary::stage::{ACTIONS, By, Decision, End, Ground, Kind, Leg, Pose};

/// The track that the page opens with.
pub const TRACK: u64 = 20_001;

/// Steps a second: the world's own pace.
pub const STEPS_PER_SECOND: f64 = 50.0;

/// How many times its own pace the world can be shown at.
pub const PACES: [u32; 4] = [1, 2, 4, 8];

/// How far ahead of what is shown cars drive, in seconds as they are shown: longer than a worker takes
/// for a piece, so that they never wait.
const AHEAD_SECONDS: f64 = 1.2;

/// How long a piece is.
const LEG_SECONDS: f64 = 0.4;

/// What a hand does to the controls: of the wheel as much as the discrete actions do.
const STEERED: f32 = 0.6;
const GAS: f32 = 0.3;
const BRAKE: f32 = 0.8;

/// A hand is felt at once.
const HAND_STEPS: usize = 6;

#[derive(Debug, Clone)]
pub struct Stage {
    pub track: u64,
    pub ground: Option<Rc<Ground>>,
    /// The chosen network's, then the one beside it.
    pub cars: Vec<Car>,
    /// Whether somebody wants them to drive.
    pub playing: bool,
    /// Whether anybody sees it.
    pub in_sight: bool,
    pub pace: u32,
    /// Steps that were shown.
    pub shown: usize,
    /// The network beside the chosen one, if it is not the one made of it.
    pub beside: Option<ModelId>,
    /// Whether somebody drives against the chosen network.
    pub by_hand: bool,
    /// The picture that somebody looks at.
    pub looked: Option<Looked>,
    /// What the hand holds down.
    pub held: BTreeSet<Held>,
    tasks: BTreeMap<TaskId, Asked>,
    tasks_so_far: TaskId,
    /// Its worker does not come to life.
    is_broken: bool,
    /// Networks that the worker holds, by the file that each came in.
    loaded: BTreeMap<ModelId, Rc<Request>>,
}

impl Default for Stage {
    fn default() -> Self {
        Self {
            track: TRACK,
            ground: None,
            cars: Vec::new(),
            playing: true,
            in_sight: false,
            pace: 1,
            shown: 0,
            beside: None,
            by_hand: false,
            looked: None,
            held: BTreeSet::new(),
            tasks: BTreeMap::new(),
            tasks_so_far: 0,
            is_broken: false,
            loaded: BTreeMap::new(),
        }
    }
}

/// Why the cars' worker was asked.
#[derive(Debug, Clone, PartialEq)]
enum Asked {
    Ground(u64),
    Load(Driver),
    Leg(Driver),
    See(ModelId),
    /// With a patch of the picture covered.
    SeeCovered(ModelId, usize),
    Pack(Packing),
}

/// What becomes of the frames that are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    Save(Kind),
    Train,
}

/// Who sits in a car.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Driver {
    Network(ModelId),
    Hand,
}

impl Driver {
    pub fn network(&self) -> Option<&ModelId> {
        match self {
            Self::Network(id) => Some(id),
            Self::Hand => None,
        }
    }
}

/// What a hand can hold down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    Left,
    Right,
    Gas,
    Brake,
}

impl Held {
    pub const ALL: [Self; 4] = [Self::Left, Self::Right, Self::Gas, Self::Brake];

    /// By the name of a key.
    pub fn of(key: &str) -> Option<Self> {
        match key {
            "ArrowLeft" => Some(Self::Left),
            "ArrowRight" => Some(Self::Right),
            "ArrowUp" => Some(Self::Gas),
            "ArrowDown" => Some(Self::Brake),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Car {
    pub driver: Driver,
    /// How it is let drive.
    pub test: Rc<RoadTest>,
    pub drive: Rc<Drive>,
    /// Why it can't drive.
    pub fault: Option<Error>,
}

/// What a car has driven so far.
#[derive(Debug, Clone, Default)]
pub struct Drive {
    /// After each step.
    pub poses: Vec<Pose>,
    pub decisions: Vec<Rc<Decision>>,
    pub end: Option<End>,
    /// Where it goes on; empty at the start.
    pub state: ByteBuf,
}

impl Drive {
    /// The last decision before so many steps.
    pub fn decision(&self, steps: usize) -> Option<&Rc<Decision>> {
        let before = self.decisions.partition_point(|decision| decision.step as usize <= steps);
        self.decisions.get(before.checked_sub(1)?)
    }
}

impl Car {
    fn new(driver: Driver, test: Rc<RoadTest>) -> Self {
        Self { driver, test, drive: Rc::default(), fault: None }
    }

    /// Forgets what it has driven.
    fn start_again(&mut self) {
        *self = Self::new(self.driver.clone(), self.test.clone());
    }

    /// Of an answer, if its numbers are scores of the discrete actions.
    pub fn scores<'a>(&self, answer: &'a [f32]) -> Option<&'a [f32]> {
        (self.test.outputs.is_none() && answer.len() == ACTIONS.len()).then_some(answer)
    }

    /// Whether it goes no farther.
    pub fn is_done(&self) -> bool {
        self.fault.is_some() || self.drive.end.is_some()
    }
}

impl Stage {
    /// Steps that can be shown: all that every car has made, or that it ended before.
    pub fn ready(&self) -> usize {
        let made = |car: &Car| (car.drive.poses.len(), car.is_done());
        let going =
            self.cars.iter().map(made).filter(|(_, is_done)| !is_done).map(|(n, _)| n).min();
        let longest = self.cars.iter().map(|car| car.drive.poses.len()).max();
        going.or(longest).unwrap_or(0)
    }

    /// The step before which the networks first decided otherwise, as far as they have driven.
    pub fn first_difference(&self) -> Option<usize> {
        let [a, b] = &self.cars[..] else { return None };
        let mut both = a.drive.decisions.iter().zip(&b.drive.decisions);
        both.find(|(a, b)| a.controls != b.controls).map(|(a, _)| a.step as usize)
    }

    /// Steering, gas and brake of the hand.
    fn hand(&self) -> [f32; 3] {
        let is = |held| f32::from(u8::from(self.held.contains(&held)));
        let steering = STEERED * (is(Held::Right) - is(Held::Left));
        [steering, GAS * is(Held::Gas), BRAKE * is(Held::Brake)]
    }

    pub(super) fn hold(&mut self, held: Held, down: bool) {
        match down {
            true => self.held.insert(held),
            false => self.held.remove(&held),
        };
    }

    /// Shows the next decision, and stands.
    pub(super) fn step(&mut self) {
        self.playing = false;
        self.shown = (self.shown + RoadTest::default().frame_skip).min(self.ready());
    }

    fn start_again(&mut self) {
        self.shown = 0;
        self.cars.iter_mut().for_each(Car::start_again);
        // What is under way belongs to another drive.
        self.tasks.retain(|_, asked| matches!(asked, Asked::Pack(_)));
        self.looked = None;
    }

    fn ask(&mut self, asked: Asked, request: Rc<Request>, effects: &mut Vec<Effect>) {
        self.tasks_so_far += 1;
        self.tasks.insert(self.tasks_so_far, asked);
        effects.push(Effect::SendToCars { task: self.tasks_so_far, request });
    }

    pub(super) fn ask_to_pack(
        &mut self,
        packing: Packing,
        request: Request,
        effects: &mut Vec<Effect>,
    ) {
        self.ask(Asked::Pack(packing), Rc::new(request), effects);
    }

    fn is_asked(&self, driver: &Driver) -> bool {
        self.tasks.values().any(|asked| match asked {
            Asked::Ground(_) | Asked::See(_) | Asked::SeeCovered(..) | Asked::Pack(_) => false,
            Asked::Load(own) | Asked::Leg(own) => own == driver,
        })
    }
}

impl State {
    /// Whether nothing speaks against the cars of the stage driving.
    pub fn drives_here(&self) -> bool {
        self.stage.cars.iter().all(|car| car.fault.is_none())
    }

    /// Whether cars stand because a latency is being measured, which they would disturb.
    pub fn cars_wait(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.step == Step::Compare)
    }

    /// Takes the seats that the page's choices ask for, and asks for what the cars drive next.
    pub(super) fn drive_on(&mut self, effects: &mut Vec<Effect>) {
        self.seat();
        let stage = &self.stage;
        if !stage.in_sight || stage.is_broken || stage.cars.is_empty() {
            return;
        }
        let seed = self.stage.track;
        let known = |ground: &Rc<Ground>| ground.seed == seed;
        if !self.stage.ground.as_ref().is_some_and(known) {
            let asked = Asked::Ground(seed);
            if !self.stage.tasks.values().any(|other| *other == asked) {
                self.stage.ask(asked, Rc::new(Request::Ground { seed }), effects);
            }
            return;
        }
        for at in 0..self.stage.cars.len() {
            self.drive_car_on(at, effects);
        }
    }

    fn drive_car_on(&mut self, at: usize, effects: &mut Vec<Effect>) {
        let stage = &self.stage;
        let car = &stage.cars[at];
        if car.is_done() || stage.is_asked(&car.driver) {
            return;
        }
        let (driver, test) = (car.driver.clone(), RoadTest::clone(&car.test));
        let (ahead, leg) = match stage.by_hand {
            true => (HAND_STEPS, test.frame_skip),
            false => {
                let per_second = f64::from(stage.pace) * STEPS_PER_SECOND;
                ((AHEAD_SECONDS * per_second) as usize, (LEG_SECONDS * per_second) as usize)
            }
        };
        // A picture to look at is there even where nothing drives, and the next one.
        let made = car.drive.poses.len();
        let ahead = if stage.playing { ahead } else { 2 * test.frame_skip };
        if made > 0 && (self.cars_wait() || made >= stage.shown + ahead) {
            return;
        }
        let by = match &driver {
            Driver::Hand => By::Hand(stage.hand()),
            Driver::Network(model) => {
                let Some((file, beside)) = self.queue.files(model) else { return };
                let (file, beside) = (file.clone(), beside.to_vec());
                let load = Request::LoadModel { model: model.clone(), file, beside };
                if self.stage.loaded.get(model).is_none_or(|loaded| **loaded != load) {
                    let load = Rc::new(load);
                    self.stage.loaded.insert(model.clone(), load.clone());
                    self.stage.ask(Asked::Load(driver), load, effects);
                    return;
                }
                By::Network(model.clone())
            }
        };
        // The first piece is the wait of every drive, and soon there.
        let decisions = if made == 0 { 1 } else { (leg / test.frame_skip).max(1) };
        let from = match &self.stage.ground {
            Some(ground) if made == 0 => ground.start.clone(),
            _ => self.stage.cars[at].drive.state.clone(),
        };
        let request = Request::DriveOn { by, from, decisions, test };
        self.stage.ask(Asked::Leg(driver), Rc::new(request), effects);
    }

    /// Who sits in the cars: the chosen network, and beside it another one, the one made of it, or a hand.
    fn seat(&mut self) {
        let ready = |id: &ModelId| self.inspection(id).is_some();
        let first = self.selected.clone().filter(ready);
        let made = first.as_ref().and_then(|id| self.qat.get(id).or_else(|| self.made.get(id)));
        let reference = self.selected().and_then(|network| network.reference.clone());
        let beside = self.stage.beside.clone().or_else(|| made.map(|made| made.id.clone()));
        let beside = beside.or(reference).filter(|id| ready(id) && first.as_ref() != Some(id));
        let second = match self.stage.by_hand {
            true => Some(Driver::Hand),
            false => beside.map(Driver::Network),
        };
        let drivers = first.map(Driver::Network).into_iter().chain(second);
        let wanted: Vec<(Driver, RoadTest)> = drivers
            .map(|driver| match &driver {
                Driver::Network(id) => (driver.clone(), self.road_test(id)),
                Driver::Hand => (driver, RoadTest::default()),
            })
            .collect();
        let seated = self.stage.cars.iter().map(|car| (&car.driver, &*car.test));
        if seated.eq(wanted.iter().map(|(driver, test)| (driver, test))) {
            return;
        }
        // Who stays keeps what it has driven: it is shown again.
        let mut old = std::mem::take(&mut self.stage.cars);
        old.retain(|car| {
            let stays =
                |(driver, test): &(Driver, RoadTest)| (driver, test) == (&car.driver, &*car.test);
            car.driver != Driver::Hand && wanted.iter().any(stays)
        });
        // A piece under way belongs to a drive that is no more.
        self.stage.tasks.retain(|_, asked| match asked {
            Asked::Leg(driver) => old.iter().any(|car| car.driver == *driver),
            _ => true,
        });
        let car = |(driver, test): (Driver, RoadTest)| {
            let kept = old.iter().find(|car| car.driver == driver);
            kept.cloned().unwrap_or_else(|| Car::new(driver, Rc::new(test)))
        };
        self.stage.cars = wanted.into_iter().map(car).collect();
        self.stage.shown = 0;
        self.stage.looked = None;
    }

    /// A network was made anew: what its last version drove is no drive of it.
    pub(super) fn forget_drive(&mut self, id: &str) {
        let is_its = |driver: &Driver| matches!(driver, Driver::Network(own) if own == id);
        for car in self.stage.cars.iter_mut().filter(|car| is_its(&car.driver)) {
            car.start_again();
            self.stage.shown = 0;
        }
        self.stage.tasks.retain(|_, asked| match asked {
            Asked::Ground(_) | Asked::See(_) | Asked::SeeCovered(..) | Asked::Pack(_) => true,
            Asked::Load(driver) | Asked::Leg(driver) => !is_its(driver),
        });
    }

    pub(super) fn take_track(&mut self, seed: u64) {
        if self.stage.track != seed {
            self.collect_hand();
            self.forget_hand();
            self.stage.track = seed;
            self.stage.start_again();
        }
    }

    /// Back to the start; a hand drives anew.
    pub(super) fn begin_again(&mut self) {
        if self.stage.by_hand {
            self.collect_hand();
            self.forget_hand();
            self.stage.start_again();
        }
        self.stage.shown = 0;
    }

    pub(super) fn put_beside(&mut self, id: Option<ModelId>, effects: &mut Vec<Effect>) {
        if let Some(id) = &id {
            self.fetch_unless_here(id, effects);
        }
        self.stage.beside = id;
        self.stage.by_hand = false;
    }

    pub(super) fn take_the_wheel(&mut self, by_hand: bool) {
        self.collect_hand();
        self.forget_hand();
        self.stage.by_hand = by_hand;
        self.stage.pace = 1;
        self.stage.playing = true;
        self.stage.held.clear();
        self.stage.start_again();
    }

    pub(super) fn cars_heard(&mut self, task: TaskId, event: Event, effects: &mut Vec<Effect>) {
        let Some(asked) = self.stage.tasks.remove(&task) else { return };
        let (driver, error) = match (asked, event) {
            (Asked::Ground(seed), Event::Ground { ground }) if ground.seed == seed => {
                self.stage.ground = Some(Rc::new(ground));
                return;
            }
            (Asked::Leg(driver), Event::DroveOn { leg }) => {
                return self.stage.driven(&driver, leg);
            }
            (Asked::Load(_), Event::ModelLoaded { .. }) => return,
            (Asked::See(model), Event::Saw { answer, controls }) => {
                if let Some(looked) = &mut self.stage.looked {
                    looked.answers.insert(model, Answer { numbers: answer, controls });
                }
                return;
            }
            (Asked::SeeCovered(model, patch), Event::Saw { answer, controls }) => {
                let answer = Answer { numbers: answer, controls };
                return self.stage.saw_covered(model, patch, answer, effects);
            }
            (Asked::Pack(packing), Event::Packed { file }) => {
                return self.packed(packing, file, effects);
            }
            (Asked::Load(driver) | Asked::Leg(driver), Event::Failed { error }) => (driver, error),
            (_, Event::Failed { error }) => return self.complain(error),
            _ => return,
        };
        let car = self.stage.cars.iter_mut().find(|car| car.driver == driver);
        if let Some(car) = car {
            car.fault = Some(error);
        }
    }

    /// What the worker was at is given up; the rest goes on in a fresh one.
    pub(super) fn cars_lost(&mut self, error: Error, started: bool, effects: &mut Vec<Effect>) {
        let asked = std::mem::take(&mut self.stage.tasks).into_values().next();
        self.stage.loaded.clear();
        let driver = match asked {
            Some(Asked::Load(driver) | Asked::Leg(driver)) if started => Some(driver),
            _ => None,
        };
        match self.stage.cars.iter_mut().find(|car| Some(&car.driver) == driver.as_ref()) {
            Some(car) => car.fault = Some(error),
            // A worker that never came to life would not do so the next time either.
            None => {
                self.stage.is_broken = true;
                self.complain(error);
            }
        }
        effects.push(Effect::RestartCars);
    }
}

impl Stage {
    fn driven(&mut self, driver: &Driver, leg: Leg) {
        let Some(car) = self.cars.iter_mut().find(|car| car.driver == *driver) else { return };
        let drive = Rc::make_mut(&mut car.drive);
        drive.poses.extend(leg.poses);
        drive.decisions.extend(leg.decisions.into_iter().map(Rc::new));
        drive.state = leg.to;
        drive.end = leg.end;
    }
}
