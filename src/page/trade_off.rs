//! What is won and what it costs: a point for every variant, and those that no other beats in both.

use crate::lab::protocol::Inspection;
use crate::report::figure::Column;
use crate::vocabulary::report::Report;
use crate::vocabulary::search::Trial;

/// What is won.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Won {
    /// Top-1, or the mean absolute error of the first value.
    #[default]
    Score,
    Return,
}

/// What it costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cost {
    #[default]
    Latency,
    Bytes,
    Bops,
    /// Of the weights, on the mean over multiplications.
    Bits,
}

impl Cost {
    pub const ALL: [Self; 4] = [Self::Latency, Self::Bytes, Self::Bops, Self::Bits];
}

/// What is written on the axis of what is won.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scored {
    Accuracy,
    Error,
    Return,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Spot {
    /// The place of its column, or of its trial.
    pub at: usize,
    pub is_trial: bool,
    pub name: String,
    pub cost: f64,
    pub cost_interval: Option<[f64; 2]>,
    pub won: f64,
    pub won_interval: Option<[f64; 2]>,
    /// Whether no other variant costs less and wins more.
    pub on_front: bool,
}

/// What a score is of: accuracy where a column has one.
pub fn scored(columns: &[Column<'_>], won: Won) -> Scored {
    let accurate = |column: &Column<'_>| column.report.is_some_and(|r| r.accuracy.is_some());
    match won {
        Won::Return => Scored::Return,
        Won::Score if columns.iter().any(accurate) => Scored::Accuracy,
        Won::Score => Scored::Error,
    }
}

/// All that have both figures, variants first. A search has no latencies; what it tried was measured on
/// fewer frames, so no front is made of it.
pub fn spots(
    columns: &[Column<'_>],
    (trials, network): (&[Trial], Option<&Inspection>),
    (won, cost): (Won, Cost),
) -> Vec<Spot> {
    let scored = scored(columns, won);
    let of_column = |(at, column): (usize, &Column<'_>)| {
        let report = column.report?;
        let (won, won_interval) = match scored {
            Scored::Accuracy => report.accuracy.as_ref().map(|a| (a.top1, Some(a.ci95)))?,
            Scored::Error => {
                let first = report.values.as_ref()?.outputs.first()?;
                (first.mae, Some(first.mae_ci95))
            }
            Scored::Return => column.driven.map(|driven| (driven.mean, driven.ci95))?,
        };
        let latency = report.latency_ms.as_ref();
        let cost_interval = latency.filter(|_| cost == Cost::Latency).map(|latency| latency.ci95);
        let cost = match cost {
            Cost::Latency => latency?.p50,
            Cost::Bytes => report.file_bytes as f64,
            Cost::Bops => report.bops as f64,
            Cost::Bits => bits(report.bops, report.macs, activation_bits(report))?,
        };
        let (name, on_front) = (column.name.clone(), false);
        Some(Spot { at, is_trial: false, name, cost, cost_interval, won, won_interval, on_front })
    };
    let of_trial = |(at, trial): (usize, &Trial)| {
        let won = match scored {
            Scored::Accuracy => trial.effect.top1?,
            Scored::Error => trial.effect.mae?,
            Scored::Return => trial.driving.as_ref()?.mean,
        };
        let macs = network.and_then(|network| network.macs).unwrap_or(0);
        let cost = match cost {
            Cost::Latency => return None,
            Cost::Bytes => trial.file_bytes as f64,
            Cost::Bops => trial.bops as f64,
            Cost::Bits => bits(trial.bops, macs, trial.recipe.activation_bits)?,
        };
        let (name, cost_interval, won_interval) = (trial.what.clone(), None, None);
        let (is_trial, on_front) = (true, false);
        Some(Spot { at, is_trial, name, cost, cost_interval, won, won_interval, on_front })
    };
    let mut spots: Vec<Spot> = columns.iter().enumerate().filter_map(of_column).collect();
    let high = scored != Scored::Error;
    let beaten: Vec<bool> =
        spots.iter().map(|spot| spots.iter().any(|o| beats(o, spot, high))).collect();
    for (spot, beaten) in spots.iter_mut().zip(beaten) {
        spot.on_front = !beaten;
    }
    spots.extend(trials.iter().enumerate().filter_map(of_trial));
    spots
}

fn beats(other: &Spot, own: &Spot, high: bool) -> bool {
    let wins = if high { other.won >= own.won } else { other.won <= own.won };
    wins && other.cost <= own.cost && (other.won != own.won || other.cost != own.cost)
}

fn activation_bits(report: &Report) -> u32 {
    match (&report.recipe, &*report.variant) {
        (_, "float") => 32,
        (Some(recipe), _) => recipe.activation_bits,
        (None, _) => 8,
    }
}

fn bits(bops: u64, macs: u64, activation_bits: u32) -> Option<f64> {
    (macs > 0).then(|| bops as f64 / macs as f64 / f64::from(activation_bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(won: f64, cost: f64) -> Spot {
        Spot {
            at: 0,
            is_trial: false,
            name: String::new(),
            cost,
            cost_interval: None,
            won,
            won_interval: None,
            on_front: false,
        }
    }

    #[test]
    fn nothing_on_the_front_is_beaten_and_equals_share_it() {
        let [float, int8, worse] = [spot(0.96, 4.0), spot(0.95, 1.0), spot(0.94, 2.0)];
        assert!(beats(&int8, &worse, true) && !beats(&int8, &float, true));
        assert!(!beats(&float, &int8, true), "it costs more");
        assert!(!beats(&int8, &int8.clone(), true));
        // Of errors the low one wins.
        assert!(beats(&spot(0.1, 1.0), &spot(0.2, 1.0), false));
        assert_eq!(bits(64 * 10, 10, 8), Some(8.0));
    }
}
