//! Several networks on several tracks: each drive by whoever of a crew is free.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::driver::Driver;
use super::road_test::drive;
use crate::crew::{Calling, Crew, call, read, unreadable, write};
use crate::error::{Context, Error, Result};
use crate::graph::Graph;
use crate::onnx;
use crate::progress::Progress;
use crate::score::driving::Drive;
use crate::vocabulary::driving::RoadTest;

/// Drives that a hand has been given at once: it need not wait for the next.
const IN_HAND: usize = 2;

/// What a drive counts for in the progress.
const WHOLE: usize = 100;

/// What a hand is asked.
#[derive(Debug, Serialize, Deserialize)]
struct Ask {
    /// A network's place.
    network: usize,
    /// The network itself, where the hand does not have it yet, or has another in that place.
    graph: Option<ByteBuf>,
    seed: u64,
}

/// One of a crew that drives.
#[derive(Debug)]
pub struct Hand {
    test: RoadTest,
    drivers: Vec<Option<Driver>>,
}

impl Hand {
    /// From what it hears first: how networks are let drive.
    ///
    /// # Errors
    /// Other bytes.
    pub fn new(muster: &[u8]) -> Result<Self> {
        let test: String = read(muster)?;
        let test = serde_json::from_str(&test).map_err(unreadable)?;
        Ok(Self { test, drivers: Vec::new() })
    }

    /// To the bytes of [`Crew::ask`] with those of [`Crew::answer`].
    ///
    /// # Errors
    /// Other bytes, and a network that cannot drive.
    pub fn answer(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let Ask { network, graph, seed } = read(bytes)?;
        if self.drivers.len() <= network {
            self.drivers.resize_with(network + 1, || None);
        }
        if let Some(bytes) = graph {
            let mut graph = onnx::read(&bytes)?;
            graph.see_frames()?;
            self.drivers[network] = Some(Driver::new(&graph, &self.test)?);
        }
        let Some(driver) = &mut self.drivers[network] else {
            return Err(Error::new("a network is asked for that was never given"));
        };
        write(&drive(driver, seed, &self.test, &mut |_| Ok(()))?)
    }
}

/// A network to drive.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its file, for messages.
    pub file: &'a str,
    /// The network.
    pub graph: &'a Graph,
}

/// Hears of drives.
pub struct Listener<'a, 'b> {
    /// How much is done of how much, in hundredths of a drive.
    pub progress: &'a mut Progress<'b>,
    /// Hears of every drive as it ends.
    pub drove: &'a mut Drove<'b>,
}

/// Hears a network's place, and its drive along one of the tracks; in no order.
pub type Drove<'a> = dyn FnMut(usize, Drive) + 'a;

/// Those who let networks drive.
pub struct Fleet<'a, C> {
    test: &'a RoadTest,
    crew: &'a mut C,
    /// Those hands that are not lost.
    hands: Vec<usize>,
    /// What each hand has been given and not answered.
    given: Vec<VecDeque<Task>>,
}

/// A drive that is to be done: a network's place, and a track.
type Task = (usize, u64);

impl<'a, C: Crew> Fleet<'a, C> {
    /// Calls as many as so many drives are work for; `test` is [checked](RoadTest::check).
    ///
    /// # Errors
    /// How it is driven cannot be written down.
    pub async fn new(test: &'a RoadTest, drives: usize, crew: &'a mut C) -> Result<Self> {
        let wanted = crew.most().min(drives.saturating_sub(1));
        let mut hands = 0;
        if wanted > 0 {
            // JSON, which may leave out what goes without saying.
            let test = serde_json::to_string(test).map_err(unreadable)?;
            crew.muster(wanted, call(Calling::Driving, &test)?).await;
            hands = crew.ready().await;
        }
        let given = vec![VecDeque::new(); hands];
        Ok(Self { test, crew, hands: (0..hands).collect(), given })
    }

    /// Lets every network drive all tracks.
    ///
    /// # Errors
    /// A network that cannot drive; what `progress` says, once those drives are told that were given out.
    pub async fn drive(
        &mut self,
        entries: &[Entry<'_>],
        seeds: &[u64],
        listener: Listener<'_, '_>,
    ) -> Result<()> {
        let Listener { progress, drove } = listener;
        let driven = self.drive_all(entries, seeds, progress, drove).await;
        for hand in self.hands.clone() {
            while !self.given[hand].is_empty() {
                self.hear(hand, drove).await;
            }
        }
        driven
    }

    async fn drive_all(
        &mut self,
        entries: &[Entry<'_>],
        seeds: &[u64],
        progress: &mut Progress<'_>,
        drove: &mut Drove<'_>,
    ) -> Result<()> {
        let driver = |entry: &Entry<'_>| Driver::new(entry.graph, self.test).in_file(entry.file);
        let mut drivers = entries.iter().map(driver).collect::<Result<Vec<_>>>()?;
        // Track by track, so that whoever stops it has as many of each network.
        let tasks = seeds.iter().flat_map(|&seed| (0..entries.len()).map(move |at| (at, seed)));
        let mut open: VecDeque<Task> = tasks.collect();
        let total = open.len() * WHOLE;
        let mut done = 0;
        let mut knows = vec![vec![false; entries.len()]; self.given.len()];
        loop {
            for round in 0..IN_HAND {
                for &hand in &self.hands {
                    // The last ones are for whoever is free.
                    let is_left = open.len() > round * (self.hands.len() + 1);
                    if self.given[hand].len() > round || !is_left {
                        continue;
                    }
                    let Some((network, seed)) = open.pop_front() else { break };
                    let is_new = !std::mem::replace(&mut knows[hand][network], true);
                    let graph = is_new.then(|| onnx::write(entries[network].graph).into());
                    self.crew.ask(hand, write(&Ask { network, graph, seed })?);
                    self.given[hand].push_back((network, seed));
                }
            }
            if let Some((network, seed)) = open.pop_front() {
                let mut steps = |own: usize| {
                    progress(done + own.min(self.test.steps) * WHOLE / self.test.steps, total)
                };
                let driven = drive(&mut drivers[network], seed, self.test, &mut steps);
                drove(network, driven.in_file(entries[network].file)?);
                done += WHOLE;
            } else if self.given.iter().all(VecDeque::is_empty) {
                return progress(total, total);
            }
            for hand in self.hands.clone() {
                if self.given[hand].is_empty() {
                    continue;
                }
                let lost = self.hear(hand, drove).await;
                if lost.is_empty() {
                    done += WHOLE;
                    progress(done, total)?;
                }
                open.extend(lost);
            }
        }
    }

    /// Waits for a drive that a hand was given. Gives back what it was given if it is lost.
    async fn hear(&mut self, hand: usize, drove: &mut Drove<'_>) -> VecDeque<Task> {
        let answer = self.crew.answer(hand).await;
        let driven = answer.and_then(|answer| read::<Drive>(&answer).ok());
        let given = &mut self.given[hand];
        match (driven, given.pop_front()) {
            (Some(driven), Some((network, _))) => {
                drove(network, driven);
                VecDeque::new()
            }
            (_, task) => {
                self.hands.retain(|other| *other != hand);
                task.into_iter().chain(given.drain(..)).collect()
            }
        }
    }
}
