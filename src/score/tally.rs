//! What a variant's answers come to, counted frame by frame: without intervals, but in little memory.

use super::classes::top1;
use super::judge::{Judge, Truth};
use crate::statistics::blocks::{self, Mean};
use crate::vocabulary::analysis::Damage;
use crate::vocabulary::task::Task;

/// Of the bootstrap, for every variant the same.
const SEED: u64 = 0;

/// Counts over frames and outputs.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Answers of classes; those that are the float network's; those that have labels, and are right.
    classed: usize,
    agreed: usize,
    labelled: usize,
    right: usize,
    /// Values that have labels.
    values: usize,
    /// By frame: classes that the float network has right and this one has not, less the other way
    /// round; or without labels those that differ.
    lost: Vec<f64>,
    /// By frame: the sums of the values' distances from their labels, and the float network's.
    errors: Vec<[f64; 2]>,
    /// All numbers, and their distances from the float network's.
    numbers: usize,
    squares: f64,
    max_abs: f64,
}

impl Tally {
    /// Counts the numbers of frame `frame` and the float network's.
    pub fn add(&mut self, judge: &Judge, frame: usize, own: &[f32], float: &[f32]) {
        let distances = || own.iter().zip(float).map(|(&a, &b)| f64::from(a) - f64::from(b));
        self.squares += distances().map(|distance| distance * distance).sum::<f64>();
        self.max_abs = distances().fold(self.max_abs, |most, distance| most.max(distance.abs()));
        self.numbers += own.len();
        let (mut lost, mut errors) = (0.0, [0.0; 2]);
        for part in judge.parts() {
            let [own, float] = [own, float].map(|row| &row[part.place.clone()]);
            if part.task == Task::Classes {
                let classes = [own, float].map(top1);
                self.classed += 1;
                self.agreed += usize::from(classes[0] == classes[1]);
                lost += match part.known_classes() {
                    Some(labels) => {
                        let [own, float] = classes.map(|class| class == labels[frame] as usize);
                        self.labelled += 1;
                        self.right += usize::from(own);
                        f64::from(u8::from(float)) - f64::from(u8::from(own))
                    }
                    None => f64::from(u8::from(classes[0] != classes[1])),
                };
            }
            match &part.truth {
                Truth::Binned { bins, values, .. } => {
                    let centres = [own, float].map(|row| bins.centre(top1(row)));
                    add(&mut errors, centres, values[frame]);
                    self.values += 1;
                }
                Truth::Values(columns) => {
                    for (at, column) in columns.iter().enumerate() {
                        add(&mut errors, [own[at].into(), float[at].into()], column[frame]);
                    }
                    self.values += columns.len();
                }
                Truth::Nothing | Truth::Classes(_) => {}
            }
        }
        self.lost.push(lost);
        self.errors.push(errors);
    }

    /// What all frames so far came to.
    pub fn effect(&self) -> Damage {
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let mean = |sum: f64| (self.values > 0).then(|| sum / self.values as f64);
        let sum = |which: usize| self.errors.iter().map(|errors| errors[which]).sum::<f64>();
        Damage {
            top1: share(self.right, self.labelled),
            agreement: share(self.agreed, self.classed),
            logit_mse: self.squares / self.numbers.max(1) as f64,
            mae: mean(sum(0)),
            mae_change: mean(sum(0) - sum(1)),
            max_abs_from_float: self.max_abs,
        }
    }

    /// Points of top-1 (of agreement where there are no labels) below the float network, with its 95 %
    /// interval, `in_order` where the frames stand in one; `None` without classes.
    pub fn drop(&self, in_order: bool) -> Option<Mean> {
        let per_frame = self.classed as f64 / self.lost.len() as f64;
        let points: Vec<f64> = self.lost.iter().map(|lost| 100.0 * lost / per_frame).collect();
        (self.classed > 0).then(|| blocks::mean(&points, in_order, SEED))
    }

    /// Per cent by which the mean absolute error is above the float network's, with its 95 % interval;
    /// `None` without values, and where the float network makes no error.
    pub fn rise(&self, in_order: bool) -> Option<Mean> {
        let float: f64 = self.errors.iter().map(|[_, float]| float).sum();
        let share = 100.0 * self.errors.len() as f64 / float;
        let rises: Vec<f64> =
            self.errors.iter().map(|[own, float]| (own - float) * share).collect();
        (self.values > 0 && float > 0.0).then(|| blocks::mean(&rises, in_order, SEED))
    }
}

fn add(errors: &mut [f64; 2], values: [f64; 2], label: f64) {
    for (error, value) in errors.iter_mut().zip(values) {
        *error += (value - label).abs();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::judge::Output;
    use crate::vocabulary::labels::{Column, Labels, Numbers};
    use crate::vocabulary::task::Judging;

    fn tally(len: usize, labels: Option<Numbers>, rows: &[([f32; 2], [f32; 2])]) -> Tally {
        let outputs = [Output { name: "y".into(), len, is_row: true }];
        let labels = labels.map(|numbers| Column { name: None, numbers });
        let labels = labels.and_then(|column| Labels::new(vec![column]));
        let judge = Judge::of(&outputs, labels.as_ref(), &Judging::default(), &[]).unwrap();
        let mut tally = Tally::default();
        for (frame, (own, float)) in rows.iter().enumerate() {
            tally.add(&judge, frame, &own[..len], &float[..len]);
        }
        tally
    }

    #[test]
    fn classes_are_counted() {
        let (one, two) = ([1.0, 0.0], [0.0, 1.0]);
        let rows = [(one, one), (two, one), (two, two), (one, two)];
        let known = tally(2, Some(Numbers::Classes(vec![0, 0, 0, 0])), &rows);
        let Damage { top1, agreement, logit_mse, mae, max_abs_from_float, .. } = known.effect();
        assert_eq!((top1, agreement), (Some(0.5), Some(0.5)));
        assert_eq!((logit_mse, mae, max_abs_from_float), (0.5, None, 1.0));
        assert_eq!(known.drop(true).map(|drop| drop.mean), Some(0.0));
        assert_eq!(tally(2, None, &rows).drop(true).map(|drop| drop.mean), Some(50.0));
        assert_eq!(known.rise(true), None);
    }

    /// Labels 1 and 2; the float network is off by 0.5 and 0, this one by 0 and 1.
    #[test]
    fn values_are_held_against_labels_and_the_float_network() {
        let rows = [([1.0, 0.0], [1.5, 0.0]), ([3.0, 0.0], [2.0, 0.0])];
        let tally = tally(1, Some(Numbers::Values(vec![1.0, 2.0])), &rows);
        let Damage { top1, agreement, mae, mae_change, max_abs_from_float, .. } = tally.effect();
        assert_eq!((top1, agreement), (None, None));
        assert_eq!((mae, mae_change, max_abs_from_float), (Some(0.5), Some(0.25), 1.0));
        assert_eq!(tally.rise(true).map(|rise| rise.mean), Some(100.0));
        assert_eq!(tally.drop(true), None);
    }
}
