//! Networks on the road, and recorded drives once more.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use super::{Emit, Lab, MOST_REPORTS, Model, report};
use crate::crew::Crew;
use crate::data::npy;
use crate::drive::{self, Driver, Entry, Fleet, Hands, Listener, Replayed, SIDE};
use crate::error::{Context, Error, Result};
use crate::lab::protocol::{Ended, Event, ModelId, Progress, Replay, Stage};
use crate::score::driving::{Drive, driven, pair};
use crate::vocabulary::driving::{Drives, RoadTest};
use crate::vocabulary::file::File;
use crate::vocabulary::stage::By;

impl Lab {
    /// Every drive is told as soon as it is done.
    pub(super) async fn drive(
        &self,
        ids: &[ModelId],
        test: &RoadTest,
        emit: &mut Emit<'_>,
        crew: &mut impl Crew,
    ) -> Result<Event> {
        if ids.is_empty() {
            return Err(Error::new("there is nobody to drive"));
        }
        let models = ids.iter().map(|id| self.model(id)).collect::<Result<Vec<_>>>()?;
        let entries: Vec<Entry<'_>> =
            models.iter().map(|model| Entry { file: &model.file, graph: &model.graph }).collect();
        test.check()?;
        let seeds = test.seeds();
        let mut drives = vec![Vec::new(); ids.len()];
        let emit = RefCell::new(emit);
        let told = Cell::new(None);
        let mut progress = |done: usize, total: usize| {
            // Decisions come in steps, so not every number of them does.
            let part = Some(done * MOST_REPORTS / total.max(1));
            if told.replace(part) == part {
                return Ok(());
            }
            let progress = Progress { stage: Stage::Drive, model: None, done, total };
            match (emit.borrow_mut())(Event::Progress(progress)) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(Error::cancelled()),
            }
        };
        let mut drove = |at: usize, drive: Drive| {
            let event = Event::Drove { model: ids[at].clone(), track: drive.track.clone() };
            // Whether to stop is asked at the next step.
            let _ = (emit.borrow_mut())(event);
            drives[at].push(drive);
        };
        let listener = Listener { progress: &mut progress, drove: &mut drove };
        let mut fleet = Fleet::new(test, ids.len() * seeds.len(), crew).await?;
        let stopped = match fleet.drive(&entries, &seeds, listener).await {
            Ok(()) => false,
            Err(error) if error.is_cancelled() && !drives.iter().all(Vec::is_empty) => true,
            Err(error) => return Err(error),
        };
        Ok(Event::Driven { drives: account(&models, drives, test, stopped) })
    }

    /// A piece of a drive that somebody watches.
    pub(super) fn drive_on(
        &mut self,
        by: &By,
        from: &[u8],
        decisions: usize,
        test: &RoadTest,
    ) -> Result<Event> {
        let leg = match by {
            By::Hand(controls) => drive::leg(Hands::Held(*controls), from, decisions, test)?,
            By::Network(id) => {
                drive::leg(Hands::Network(self.driver(id, test)?), from, decisions, test)?
            }
        };
        Ok(Event::DroveOn { leg })
    }

    /// What a network would do with a picture that is the first of its drive.
    pub(super) fn see(
        &mut self,
        id: &ModelId,
        seen: &[u8],
        speed: f32,
        test: &RoadTest,
    ) -> Result<Event> {
        if seen.len() != SIDE * SIDE * 3 {
            return Err(Error::new(format!("the picture is not {SIDE}x{SIDE} pixels")));
        }
        let driver = self.driver(id, test)?;
        let action = driver.decide(seen, true, speed.into())?;
        Ok(Event::Saw { answer: driver.answer().to_vec(), controls: action.steering_gas_brake() })
    }

    /// Prepared once for who watches.
    fn driver(&mut self, id: &ModelId, test: &RoadTest) -> Result<&mut Driver> {
        let known = self.drivers.get(id).is_some_and(|(of, _)| of == test);
        if !known {
            let model = self.model(id)?;
            let driver = Driver::new(&model.graph, test).in_file(&model.file)?;
            self.drivers.insert(id.clone(), (test.clone(), driver));
        }
        let driver = self.drivers.get_mut(id).map(|(_, driver)| driver);
        driver.ok_or_else(|| Error::new("there is nobody to drive"))
    }
}

/// What the drives come to: of each network that has any, and in pairs on the tracks that both have.
fn account(
    models: &[&Model],
    mut drives: Vec<Vec<Drive>>,
    test: &RoadTest,
    stopped: bool,
) -> Drives {
    drives.iter_mut().for_each(|drives| drives.sort_by_key(|drive| drive.track.seed));
    let mut accounts = Drives { results: Vec::new(), pairs: Vec::new(), stopped };
    for (at, (model, own)) in models.iter().zip(&drives).enumerate() {
        if own.is_empty() {
            continue;
        }
        let variant = &model.inspected.inspection.variant;
        accounts.results.push(driven(&model.file, variant, own));
        for (other, others) in models.iter().zip(&drives).skip(at + 1) {
            let both = [common(own, others), common(others, own)];
            if !both[0].is_empty() {
                let names = [&model.file[..], &other.file];
                accounts.pairs.push(pair(names, [&both[0], &both[1]], test.frame_skip));
            }
        }
    }
    accounts
}

/// Those drives on whose tracks there are others, too.
fn common(own: &[Drive], others: &[Drive]) -> Vec<Drive> {
    let has = |drive: &&Drive| others.iter().any(|other| other.track.seed == drive.track.seed);
    own.iter().filter(has).cloned().collect()
}

/// Steps along a track by recorded actions.
pub(super) fn replay(
    file: &File,
    seed: u64,
    every: Option<usize>,
    emit: &mut Emit<'_>,
) -> Result<Event> {
    if every == Some(0) {
        return Err(Error::new("there is a picture before every 1st step at most"));
    }
    let array = npy::read(&file.bytes).in_file(&file.name)?;
    let actions = drive::actions(&array).in_file(&file.name)?;
    let mut progress = |done, total| report(emit, Stage::Drive, None, done, total);
    let Replayed { states, frames, ended } = drive::replay(&actions, seed, every, &mut progress)?;
    let ended = ended.map(|(step, lap_finished)| Ended { step, lap_finished });
    Ok(Event::Replayed { replay: Replay { states, frames: frames.into(), ended } })
}
