//! The comparison in one sentence.

use crate::figures::{p_value, signed, significant};
use crate::vocabulary::driving::{Driven, Pair, Track};
use crate::vocabulary::report::{Change, Distance, LEVEL, Pace, Report, ValueScore};

/// Below this a difference that is real by the test is still no news.
const SAME: f64 = 0.01;

/// What became of `float` in `other`, for example "pilotnet-int8.onnx: 3.6x smaller, 2.3x faster,
/// accuracy unchanged within the noise (-0.10 points on 2000 frames)." Of values: "MAE 1.84 to 1.86, no
/// significant difference; never more than 2.6 from float".
pub fn verdict(float: &Report, other: &Report) -> String {
    of(&other.model, float, other)
}

/// Those of all beside the first float one; empty if there is none.
pub fn all(reports: &[Report]) -> String {
    let Some(float) = reports.iter().position(|report| report.variant == "float") else {
        return String::new();
    };
    let others = reports.iter().enumerate().filter(|(place, _)| *place != float);
    others.map(|(_, other)| verdict(&reports[float], other)).collect::<Vec<_>>().join(" ")
}

/// The same of a variant called `name`.
pub fn of(name: &str, float: &Report, other: &Report) -> String {
    let answers = accuracy(float, other).or_else(|| values(float, other)).or_else(|| moved(other));
    let road = float.driving.as_ref().zip(other.driving.as_ref()).and_then(|(before, after)| {
        road(&before.driven, &after.driven, after.against_float.as_ref())
    });
    let parts = [Some(size(float, other)), speed(other), answers, road];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    format!("{name}: {}.", parts.join(", "))
}

/// What becomes of a float network that tells frames apart no better than one answer for all does not tell
/// much: that it is so, if it is.
pub fn caution(reports: &[Report]) -> Option<String> {
    let float = reports.iter().find(|report| report.variant == "float")?;
    let outputs = &float.values.as_ref()?.outputs;
    let poor = outputs
        .iter()
        .filter_map(|output| Some((&output.name, output.r2.filter(|r2| *r2 <= 0.0)?)));
    let poor: Vec<_> = poor.map(|(name, r2)| format!("`{name}` (R2 {r2:.2})")).collect();
    (!poor.is_empty()).then(|| {
        format!(
            "Float itself says no more of {} than one answer for all frames would: is it trained, and do the \
             frames enter as they did then?",
            poor.join(", ")
        )
    })
}

/// What is left of the float network's return, such as "mean return 871 to 845 on 10 tracks, no significant
/// difference"; `None` where they drove other tracks.
pub fn road(float: &Driven, other: &Driven, pair: Option<&Pair>) -> Option<String> {
    let seeds = |driven: &Driven| driven.tracks.iter().map(|track| track.seed).collect::<Vec<_>>();
    let tracks: &[Track] = &other.tracks;
    if tracks.is_empty() || seeds(float) != seeds(other) {
        return None;
    }
    let plural = if tracks.len() == 1 { "" } else { "s" };
    let mut text = format!(
        "mean return {:.0} to {:.0} on {} track{plural}",
        float.mean,
        other.mean,
        tracks.len()
    );
    text += &match pair {
        Some(pair) if pair.p < LEVEL => format!(" (p = {})", p_value(pair.p)),
        Some(_) => ", no significant difference".into(),
        None => String::new(),
    };
    Some(text)
}

fn size(float: &Report, other: &Report) -> String {
    let ratio = float.file_bytes as f64 / other.file_bytes.max(1) as f64;
    times(ratio, "smaller", "larger").unwrap_or_else(|| "the same size".into())
}

fn speed(other: &Report) -> Option<String> {
    let speedup = other.speedup_over_float.as_ref()?;
    Some(match speedup.pace() {
        Pace::NoDifference => "no significant difference in speed".into(),
        Pace::Between([low, high], word) => format!("{low:.1}x to {high:.1}x {word}"),
        Pace::Times(..) => {
            times(speedup.median, "faster", "slower").unwrap_or_else(|| "as fast within 1 %".into())
        }
    })
}

/// Such as `2.3x faster`; `None` when the ratio is about 1.
fn times(ratio: f64, more: &str, less: &str) -> Option<String> {
    let (factor, word) = if ratio >= 1.0 { (ratio, more) } else { (1.0 / ratio, less) };
    if factor < 1.0 + SAME {
        return None;
    }
    let decimals = if factor < 1.1 { 2 } else { 1 };
    Some(format!("{factor:.decimals$}x {word}"))
}

fn accuracy(float: &Report, other: &Report) -> Option<String> {
    let agreement = other.agreement_with_float;
    let (Some(before), Some(after)) = (&float.accuracy, &other.accuracy) else {
        return agreement.map(|share| {
            format!("the same answer as float on {:.1} % of the frames (without labels nobody knows which is right)", 100.0 * share)
        });
    };
    if agreement == Some(1.0) {
        return Some(format!("the same answer on all {} frames", after.n));
    }
    let points = 100.0 * (after.top1 - before.top1);
    Some(match other.mcnemar_p? {
        p if p >= LEVEL => {
            format!(
                "accuracy unchanged within the noise ({points:+.2} points on {} frames)",
                after.n
            )
        }
        p => {
            let word = if points < 0.0 { "lower" } else { "higher" };
            format!("accuracy {word} by {:.2} points (McNemar p = {})", points.abs(), p_value(p))
        }
    })
}

fn values(float: &Report, other: &Report) -> Option<String> {
    let (before, after) = (float.values.as_ref()?, other.values.as_ref()?);
    let (changes, moved) = (other.mae_change.as_ref()?, other.from_float.as_ref()?);
    let several = after.outputs.len() > 1;
    let value = |((before, after), change): ((&ValueScore, &ValueScore), &Change)| {
        let name = if several { format!("{}: ", after.name) } else { String::new() };
        let mut text =
            format!("{name}MAE {} to {}", significant(before.mae), significant(after.mae));
        text += &match change.p {
            p if p < LEVEL => format!(" ({}, p = {})", signed(change.change), p_value(p)),
            _ => ", no significant difference".into(),
        };
        if let Some(moved) = moved.outputs.iter().find(|output| output.name == after.name) {
            text += &format!("; never more than {} from float", significant(moved.max_abs));
        }
        text
    };
    let values = before.outputs.iter().zip(&after.outputs).zip(changes).map(value);
    Some(values.collect::<Vec<_>>().join("; "))
}

/// Of answers that there are no labels for.
fn moved(other: &Report) -> Option<String> {
    let outputs = &other.from_float.as_ref()?.outputs;
    let moved = |output: &Distance| {
        format!(
            "`{}` moved by {} on average and {} at most",
            output.name,
            significant(output.mean_abs),
            significant(output.max_abs)
        )
    };
    Some(outputs.iter().map(moved).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::driving::Driving;
    use crate::vocabulary::report::{Accuracy, FromFloat, Speedup, Values};

    fn report(file_bytes: usize, top1: f64) -> Report {
        let accuracy = Accuracy { top1, ci95: [0.0, 1.0], n: 2000, confusion: Vec::new() };
        Report {
            model: "net-int8.onnx".into(),
            variant: "int8".into(),
            file_bytes,
            accuracy: Some(accuracy),
            agreement_with_float: Some(0.99),
            mcnemar_p: Some(0.7),
            speedup_over_float: Some(Speedup { median: 2.31, ci95: [2.2, 2.4] }),
            ..Report::blank()
        }
    }

    #[test]
    fn says_what_was_won() {
        assert_eq!(
            verdict(&report(3600, 0.901), &report(1000, 0.9)),
            "net-int8.onnx: 3.6x smaller, 2.3x faster, accuracy unchanged within the noise \
             (-0.10 points on 2000 frames)."
        );
    }

    #[test]
    fn says_what_was_lost() {
        let mut other = report(1200, 0.87);
        other.mcnemar_p = Some(0.000_02);
        other.speedup_over_float = Some(Speedup { median: 0.5, ci95: [0.47, 0.53] });
        assert_eq!(
            verdict(&report(1000, 0.9), &other),
            "net-int8.onnx: 1.2x larger, 2.0x slower, accuracy lower by 3.00 points \
             (McNemar p = 2e-5)."
        );
        other.accuracy.as_mut().unwrap().top1 = 0.93;
        other.mcnemar_p = Some(0.012);
        let verdict = verdict(&report(1000, 0.9), &other);
        assert!(
            verdict.ends_with("accuracy higher by 3.00 points (McNemar p = 0.012)."),
            "{verdict}"
        );
    }

    #[test]
    fn claims_no_difference_that_is_none() {
        let mut other = report(1004, 0.9);
        other.agreement_with_float = Some(1.0);
        other.speedup_over_float = Some(Speedup { median: 1.4, ci95: [0.9, 1.9] });
        assert_eq!(
            verdict(&report(1000, 0.9), &other),
            "net-int8.onnx: the same size, no significant difference in speed, the same answer on \
             all 2000 frames."
        );
        // Where the medians beside it say otherwise, it is not said as if it were known.
        let of_pairs = Speedup { median: 1.36, ci95: [1.3, 1.42] };
        other.speedup_over_float = Some(of_pairs.clone().reaching(1.08));
        assert!(verdict(&report(1000, 0.9), &other).contains("1.1x to 1.4x faster"));
        other.speedup_over_float = Some(of_pairs.clone().reaching(0.95));
        assert!(verdict(&report(1000, 0.9), &other).contains("no significant difference in speed"));
        assert_eq!(of_pairs.clone().reaching(1.3), of_pairs);
        other.speedup_over_float = Some(Speedup { median: 0.5, ci95: [0.4, 0.6] });
        assert!(verdict(&report(1000, 0.9), &other).contains("1.7x to 2.5x slower"));
        other.speedup_over_float = Some(Speedup { median: 1.004, ci95: [1.002, 1.006] });
        assert!(verdict(&report(1000, 0.9), &other).contains("as fast within 1 %"));
        other.speedup_over_float = Some(Speedup { median: 1.04, ci95: [1.02, 1.06] });
        assert!(verdict(&report(1000, 0.9), &other).contains("1.04x faster"));
    }

    fn values_of(mae: f64) -> Values {
        let output = ValueScore {
            name: "angle".into(),
            mae,
            mae_ci95: [0.0, 1.0],
            rmse: 0.0,
            max_abs: 0.0,
            p99_abs: 0.0,
            bias: 0.0,
            r2: None,
            within: None,
        };
        Values { n: 2000, outputs: vec![output] }
    }

    #[test]
    fn of_values_it_says_how_far_they_are_from_labels_and_from_float() {
        let report = |file_bytes, mae| {
            let task = "values".into();
            let values = Some(values_of(mae));
            let report = report(file_bytes, 0.0);
            Report { accuracy: None, agreement_with_float: None, task, values, ..report }
        };
        let mut other = report(1000, 1.857);
        let name = || "angle".to_owned();
        let change = Change { name: name(), change: 0.017, ci95: [-0.02, 0.05], p: 0.4 };
        other.mae_change = Some(vec![change]);
        let moved = Distance {
            name: name(),
            mean_abs: 0.3,
            p99_abs: 1.9,
            max_abs: 2.604,
            sqnr_db: Some(30.0),
        };
        other.from_float = Some(FromFloat { outputs: vec![moved] });
        let text = verdict(&report(3600, 1.84), &other);
        let expected =
            "MAE 1.84 to 1.86, no significant difference; never more than 2.60 from float.";
        assert!(text.ends_with(expected), "{text}");
        other.mae_change.as_mut().unwrap()[0].p = 0.001;
        assert!(
            verdict(&report(3600, 1.84), &other).contains("MAE 1.84 to 1.86 (+0.0170, p = 0.001);")
        );
        let mut float = Report { variant: "float".into(), ..report(3600, 1.84) };
        assert_eq!(caution(&[float.clone(), other.clone()]), None);
        float.values.as_mut().unwrap().outputs[0].r2 = Some(-0.008);
        let text = caution(&[float, other.clone()]).expect("it says nothing");
        assert!(text.contains("says no more of `angle` (R2 -0.01) than one answer"), "{text}");
        // Nobody knows what is right.
        other.values = None;
        let text = verdict(&report(3600, 1.84), &other);
        assert!(text.ends_with("`angle` moved by 0.300 on average and 2.60 at most."), "{text}");
    }

    #[test]
    fn says_how_they_drive_where_they_drove_the_same_tracks() {
        let track = |seed, total| Track {
            seed,
            total,
            tiles: 300,
            of_tiles: 300,
            steps: 900,
            finished: true,
            off_road: 0.0,
        };
        let drove = |mean: f64, seeds: [u64; 2]| {
            let tracks = seeds.map(|seed| track(seed, mean)).to_vec();
            Driven { model: "net".into(), variant: String::new(), mean, ci95: None, tracks }
        };
        let (float, other) = (drove(871.4, [1, 2]), drove(844.6, [1, 2]));
        let mut pair = Pair {
            models: ["net".into(), "net-int8".into()],
            mean_difference: -26.8,
            ci95: None,
            p: 0.5,
            first_disagreement: vec![None; 2],
            apart: Vec::new(),
        };
        let expected = "mean return 871 to 845 on 2 tracks";
        assert_eq!(road(&float, &other, None).as_deref(), Some(expected));
        let same = format!("{expected}, no significant difference");
        assert_eq!(road(&float, &other, Some(&pair)), Some(same.clone()));
        pair.p = 0.001;
        assert_eq!(road(&float, &other, Some(&pair)), Some(format!("{expected} (p = 0.001)")));
        assert_eq!(road(&float, &drove(844.6, [1, 3]), None), None);
        let driving =
            |driven: Driven, against_float| Some(Box::new(Driving { driven, against_float }));
        let mut reports = [report(3600, 0.901), report(1000, 0.9)];
        assert_eq!(all(&reports), "");
        reports[0].variant = "float".into();
        pair.p = 0.5;
        reports[0].driving = driving(float.clone(), None);
        reports[1].driving = driving(other, Some(pair));
        assert!(all(&reports).ends_with(&format!("on 2000 frames), {same}.")), "{}", all(&reports));
    }

    #[test]
    fn without_labels_or_times_it_says_less() {
        let mut other = report(1000, 0.0);
        other.accuracy = None;
        other.mcnemar_p = None;
        other.speedup_over_float = None;
        other.agreement_with_float = Some(0.9925);
        assert_eq!(
            verdict(&report(2000, 0.9), &other),
            "net-int8.onnx: 2.0x smaller, the same answer as float on 99.2 % of the frames (without \
             labels nobody knows which is right)."
        );
    }
}
