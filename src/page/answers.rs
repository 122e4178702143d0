//! What two answers about one picture do differently, in the car's terms.

use crate::page::format;
use crate::page::state::Answer;
use crate::vocabulary::stage::{ACTIONS, LOCK};

/// A network's answer, and whether its numbers are scores of [`ACTIONS`].
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    pub answer: &'a Answer,
    pub is_classes: bool,
}

/// A line of the table of answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub name: &'static str,
    /// Of each answer, in words.
    pub cells: Vec<String>,
    /// Of each answer from 0 to 1, where it is a share.
    pub shares: Vec<f32>,
    /// The second less the first.
    pub difference: Option<String>,
}

/// How sure a network is of each class.
pub fn shares(scores: &[f32]) -> Vec<f32> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = scores.iter().map(|score| (score - most).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// A line for each class where all have classes, else for the wheels and the pedals.
pub fn rows(all: &[Said<'_>]) -> Vec<Row> {
    if all.iter().all(|said| said.is_classes) {
        let sure: Vec<Vec<f32>> = all.iter().map(|said| shares(&said.answer.numbers)).collect();
        let class = |(i, name): (usize, &'static str)| {
            share(name, sure.iter().map(|shares| shares[i]).collect())
        };
        return ACTIONS.into_iter().enumerate().map(class).collect();
    }
    let control = |i: usize| all.iter().map(move |said| said.answer.controls[i]);
    let turned: Vec<f32> = control(0).map(degrees).collect();
    let difference = difference(&turned).map(|by| format!("{by:+.1}°").replace('-', "\u{2212}"));
    let cells = turned.into_iter().map(side).collect();
    let wheels = Row { name: "wheels", cells, shares: Vec::new(), difference };
    let pedals =
        [("gas", 1), ("brake", 2)].map(|(name, i)| share(name, control(i).collect::<Vec<_>>()));
    [wheels].into_iter().chain(pedals).collect()
}

fn share(name: &'static str, shares: Vec<f32>) -> Row {
    let cells = shares.iter().map(|share| format::whole_percent(f64::from(*share))).collect();
    let difference = difference(&shares).map(|by| {
        let points = (by * 100.0).round();
        if points == 0.0 { "±0".into() } else { format!("{points:+}").replace('-', "\u{2212}") }
    });
    Row { name, cells, shares, difference }
}

fn difference(of: &[f32]) -> Option<f32> {
    let [a, b] = of else { return None };
    Some(b - a)
}

/// How far the front wheels turn, to the right.
fn degrees(steering: f32) -> f32 {
    steering.clamp(-LOCK, LOCK).to_degrees()
}

fn side(degrees: f32) -> String {
    match degrees {
        0.0 => "straight".into(),
        right if right > 0.0 => format!("{right:.1}° right"),
        left => format!("{:.1}° left", -left),
    }
}

/// What the car feels of the difference, in a sentence.
pub fn felt(one: &Answer, other: &Answer) -> String {
    let turned = degrees(other.controls[0]) - degrees(one.controls[0]);
    let wheels = (turned != 0.0).then(|| {
        let to = if turned > 0.0 { "right" } else { "left" };
        format!("turns the wheels {:.1}° more to the {to}", turned.abs())
    });
    let pedal = |(name, i): (&str, usize)| {
        let by = other.controls[i] - one.controls[i];
        let more = if by > 0.0 { "more" } else { "less" };
        let points = format::whole_percent(f64::from(by.abs()));
        (by != 0.0).then(|| format!("gives {points} {more} {name}"))
    };
    let pedals = [("gas", 1), ("brake", 2)].into_iter().filter_map(pedal);
    let parts: Vec<String> = wheels.into_iter().chain(pedals).collect();
    match parts.is_empty() {
        true => "The car does the same.".into(),
        false => format!("The second {}.", parts.join(", ")),
    }
}

/// How far two answers are apart, from 0 to 1: the share of certainty that lies elsewhere, or the largest
/// difference of a control, as a share of its range.
pub fn distance(one: Said<'_>, other: Said<'_>) -> f32 {
    let apart = |a: &[f32], b: &[f32]| -> Vec<f32> {
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).collect()
    };
    if one.is_classes && other.is_classes {
        let sure = [one, other].map(|said| shares(&said.answer.numbers));
        return apart(&sure[0], &sure[1]).iter().sum::<f32>() / 2.0;
    }
    let range = |said: Said<'_>| {
        let [steering, gas, brake] = said.answer.controls;
        [steering.clamp(-LOCK, LOCK) / (2.0 * LOCK), gas, brake]
    };
    apart(&range(one), &range(other)).into_iter().fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(numbers: &[f32], controls: [f32; 3]) -> Answer {
        Answer { numbers: numbers.to_vec(), controls }
    }

    #[test]
    fn shares_come_to_one() {
        let shares = shares(&[1000.0, 1000.0, -1000.0]);
        assert_eq!(shares, [0.5, 0.5, 0.0]);
    }

    #[test]
    fn classes_are_told_by_their_shares() {
        let gas = answer(&[0.0, 0.0, 0.0, 9.0, 9.0], [0.0, 0.2, 0.0]);
        let brake = answer(&[0.0, 0.0, 0.0, -9.0, 9.0], [0.0, 0.0, 0.8]);
        let said = [&gas, &brake].map(|answer| Said { answer, is_classes: true });
        let rows = rows(&said);
        assert_eq!(rows[3].name, "gas");
        assert_eq!(rows[3].cells, ["50 %", "0 %"]);
        assert_eq!(rows[4].difference.as_deref(), Some("+50"));
        assert!((distance(said[0], said[1]) - 0.5).abs() < 1e-3);
        assert_eq!(felt(&gas, &brake), "The second gives 20 % less gas, gives 80 % more brake.");
    }

    #[test]
    fn values_are_told_by_what_the_wheels_and_pedals_do() {
        // Both are beyond the lock.
        let (far, farther) = (answer(&[0.5], [-0.5, 0.2, 0.0]), answer(&[1.0], [-1.0, 0.2, 0.0]));
        assert_eq!(felt(&far, &farther), "The car does the same.");
        let right = answer(&[-0.2], [0.2, 0.1, 0.0]);
        let said = [&far, &right].map(|answer| Said { answer, is_classes: false });
        let rows = rows(&said);
        assert_eq!(rows[0].cells, ["22.9° left", "11.5° right"]);
        assert_eq!(rows[0].difference.as_deref(), Some("+34.4°"));
        assert_eq!(rows[1].difference.as_deref(), Some("\u{2212}10"));
        assert!((distance(said[0], said[1]) - 0.75).abs() < 1e-3);
    }
}
