//! What drives are worth: the return of a network over tracks, and beside another network's on the same
//! tracks.

use serde::{Deserialize, Serialize};

use super::classes::binomial_two_sided;
use crate::statistics::blocks;
use crate::vocabulary::driving::{Driven, Kept, PARTS, Pair, ReturnChange, SAME, Track, WAIT};

/// Of the bootstrap, for everything the same.
const SEED: u64 = 0;

/// Places along the lap at which drives are compared.
pub const PLACES: usize = 10 * PARTS;

/// A drive along a track, and what others are compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drive {
    /// What the drive came to.
    pub track: Track,
    /// Steering, gas and brake of every decision, the first after [`WAIT`] steps.
    pub decisions: Vec<[f32; 3]>,
    /// At each of [`PLACES`] places, evenly along the lap, how far to the left of the centre line it came by
    /// first; `None` where it did not.
    pub offsets: Vec<Option<f32>>,
}

/// A network's drives in one figure.
pub fn driven(model: &str, variant: &str, drives: &[Drive]) -> Driven {
    let (mean, ci95) = mean(&returns(drives));
    let tracks = drives.iter().map(|drive| drive.track.clone()).collect();
    Driven { model: model.into(), variant: variant.into(), mean, ci95, tracks }
}

/// Two networks on the same tracks. `frame_skip`: the steps for which both keep a decision.
pub fn pair(models: [&str; 2], drives: [&[Drive]; 2], frame_skip: usize) -> Pair {
    let both = || drives[0].iter().zip(drives[1]);
    let [first, second] = drives.map(returns);
    let ReturnChange { change, ci95, p, .. } = change(&second, &first);
    let step = |decision: usize| WAIT + decision * frame_skip;
    Pair {
        models: models.map(Into::into),
        mean_difference: change,
        ci95,
        p,
        first_disagreement: both().map(|(a, b)| first_disagreement(a, b).map(step)).collect(),
        apart: (0..PARTS).map(|part| apart(&both().collect::<Vec<_>>(), part)).collect(),
    }
}

/// What each drive paid.
pub fn returns(drives: &[Drive]) -> Vec<f64> {
    drives.iter().map(|drive| drive.track.total).collect()
}

/// Returns beside others on the same tracks.
pub fn change(own: &[f64], other: &[f64]) -> ReturnChange {
    let differences: Vec<f64> = own.iter().zip(other).map(|(own, other)| own - other).collect();
    let (change, ci95) = mean(&differences);
    let count = |is: fn(&f64) -> bool| differences.iter().copied().filter(is).count();
    let p = binomial_two_sided(count(|d| *d > 0.0), count(|d| *d < 0.0));
    ReturnChange { mean: mean(own).0, change, ci95, p }
}

/// What of the float network's returns is kept, where `share` of them is wanted.
pub fn kept(own: &[f64], float: &[f64], share: f64) -> Kept {
    let margins: Vec<f64> = own.iter().zip(float).map(|(own, float)| own - share * float).collect();
    let sum = |returns: &[f64]| returns.iter().take(margins.len()).sum::<f64>();
    let (margin, ci95) = mean(&margins);
    let tracks = margins.len();
    Kept {
        tracks,
        share: sum(own) / sum(float),
        mean: sum(own) / tracks.max(1) as f64,
        margin,
        // A single track says nothing of others.
        margin_ci95: ci95.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]),
    }
}

/// The mean of a figure of each track, with its 95 % interval; 0 without tracks.
fn mean(values: &[f64]) -> (f64, Option<[f64; 2]>) {
    match values {
        [] => (0.0, None),
        [only] => (*only, None),
        // Tracks come in no order that means something.
        _ => {
            let mean = blocks::mean(values, false, SEED);
            (mean.mean, Some(mean.ci95))
        }
    }
}

/// The first decision that is another.
fn first_disagreement(a: &Drive, b: &Drive) -> Option<usize> {
    let differ = |(a, b): (&[f32; 3], &[f32; 3])| {
        a.iter().zip(b).any(|(&a, &b)| (f64::from(a) - f64::from(b)).abs() > SAME)
    };
    a.decisions.iter().zip(&b.decisions).position(differ)
}

/// How far apart both come by in a part of the lap, on average over its places and the tracks.
fn apart(both: &[(&Drive, &Drive)], part: usize) -> Option<f64> {
    let places = part * (PLACES / PARTS)..(part + 1) * (PLACES / PARTS);
    let of_track = |(a, b): &(&Drive, &Drive)| {
        let pairs = a.offsets[places.clone()].iter().zip(&b.offsets[places.clone()]);
        let distance = |(a, b): (&Option<f32>, &Option<f32>)| Some(f64::from((*a)? - (*b)?).abs());
        pairs.filter_map(distance).collect::<Vec<_>>()
    };
    let distances: Vec<f64> = both.iter().flat_map(of_track).collect();
    (!distances.is_empty()).then(|| distances.iter().sum::<f64>() / distances.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drive(total: f64, steering: &[f32], offset: f32) -> Drive {
        let track = Track {
            seed: 1,
            total,
            tiles: 0,
            of_tiles: 300,
            steps: 100,
            finished: false,
            off_road: 0.0,
        };
        let decisions = steering.iter().map(|&steering| [steering, 0.0, 0.0]).collect();
        let offsets = (0..PLACES).map(|place| (place < 50).then_some(offset)).collect();
        Drive { track, decisions, offsets }
    }

    #[test]
    fn tracks_are_compared_in_pairs() {
        let a = [900.0, 850.0, 920.0, 910.0].map(|total| drive(total, &[0.0, 0.6, 0.6], 1.0));
        let b = [(890.0, 0.0), (850.0, 0.6), (900.0, 0.65), (900.0, 0.6)];
        let b = b.map(|(total, second)| drive(total, &[0.0, second, 0.6], -1.5));
        let pair = pair(["a", "b"], [&a, &b], 3);
        assert_eq!(pair.mean_difference, -10.0);
        assert!((pair.p - 0.25).abs() < 1e-12, "{}", pair.p);
        let [low, high] = pair.ci95.unwrap();
        assert!(low < -15.0 && high > -5.0 && low >= -30.0, "{low} {high}");
        assert_eq!(pair.first_disagreement, [Some(53), None, None, None]);
        assert_eq!(pair.apart, [[Some(2.5); 5], [None; 5]].concat());
    }

    #[test]
    fn what_is_kept_holds_or_does_not_or_is_not_decided() {
        use crate::vocabulary::driving::Verdict;
        let float = [900.0, 880.0, 920.0, 910.0];
        let verdict = |own: [f64; 4]| kept(&own, &float, 0.99).verdict();
        assert_eq!(verdict(float), Verdict::Holds);
        assert_eq!(verdict(float.map(|total| total - 20.0)), Verdict::DoesNotHold);
        assert_eq!(verdict([900.0, 860.0, 925.0, 900.0]), Verdict::NotDecided);
        let half = kept(&float.map(|total| total / 2.0), &float, 0.5);
        assert_eq!((half.share, half.margin, half.tracks), (0.5, 0.0, 4));
        assert_eq!(kept(&[900.0], &float, 0.99).verdict(), Verdict::NotDecided);
    }

    #[test]
    fn a_single_track_has_no_interval() {
        let one = driven("net", "float", &[drive(900.0, &[], 0.0)]);
        assert_eq!((one.mean, one.ci95, one.tracks.len()), (900.0, None, 1));
        assert_eq!(driven("net", "float", &[]).mean, 0.0);
    }
}
