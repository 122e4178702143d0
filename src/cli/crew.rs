//! Threads that share long work.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::crew::Crew;
use crate::lab::Hand;

/// How many threads work together: as many as are asked for, else one for each core.
pub(super) fn threads(asked: Option<u32>) -> usize {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    asked.map_or_else(cores, |threads| threads as usize)
}

/// The further threads of work that uses so many in all.
pub(super) struct Threads {
    threads: usize,
    hands: Vec<Connection>,
}

/// A thread ends when its connection is dropped.
struct Connection {
    tasks: Sender<Vec<u8>>,
    answers: Receiver<Vec<u8>>,
}

impl Threads {
    pub(super) fn new(threads: usize) -> Self {
        Self { threads, hands: Vec::new() }
    }
}

impl Crew for Threads {
    fn most(&self) -> usize {
        self.threads - 1
    }

    async fn muster(&mut self, hands: usize, muster: Vec<u8>) {
        // With fewer than asked for where the system gives no more.
        self.hands.extend((0..hands).map_while(|_| Connection::start().ok()));
        (0..self.hands.len()).for_each(|hand| self.ask(hand, muster.clone()));
    }

    async fn ready(&mut self) -> usize {
        self.hands.retain(|hand| hand.answers.recv().is_ok());
        self.hands.len()
    }

    fn ask(&mut self, hand: usize, work: Vec<u8>) {
        // One that ended gives no answer, either.
        self.hands[hand].tasks.send(work).ok();
    }

    async fn answer(&mut self, hand: usize) -> Option<Vec<u8>> {
        self.hands[hand].answers.recv().ok()
    }
}

impl Connection {
    fn start() -> io::Result<Self> {
        let (tasks, asked) = channel::<Vec<u8>>();
        let (answered, answers) = channel();
        thread::Builder::new().spawn(move || {
            let mut hand = Hand::default();
            for task in asked {
                let Ok(answer) = hand.answer(&task) else { return };
                if answered.send(answer).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { tasks, answers })
    }
}
