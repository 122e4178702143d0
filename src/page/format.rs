//! Figures as people read them on the page.

use crate::figures::significant;
pub use crate::figures::{bytes, count, grouped, three_digits};
use crate::lab::protocol::TensorShape;
use crate::vocabulary::driving::Kept;
use crate::vocabulary::frames::ArraySummary;
use crate::vocabulary::search::Trial;

/// `0.834 ms`.
pub fn ms(ms: f64) -> String {
    format!("{} ms", three_digits(ms))
}

/// `7.4 s`, `1 min 12 s`.
pub fn seconds(seconds: f64) -> String {
    if seconds < 59.95 {
        format!("{seconds:.1} s")
    } else {
        let whole = seconds.round() as u64;
        format!("{} min {} s", whole / 60, whole % 60)
    }
}

/// `about 20 s left`, `about 3 min left`.
pub fn left(seconds: f64) -> String {
    match seconds {
        ..5.0 => "a few seconds left".to_owned(),
        ..57.5 => format!("about {} s left", (seconds / 5.0).round() * 5.0),
        _ => format!("about {} min left", (seconds / 60.0).round().max(1.0)),
    }
}

/// `90.3 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `97 %`.
pub fn whole_percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// `3.62×`.
pub fn times(ratio: f64) -> String {
    format!("{}×", three_digits(ratio))
}

/// `-0.25 points`: a difference of two shares, never a negative zero.
pub fn points(difference: f64) -> String {
    format!("{} points", signed(difference))
}

/// `-0.25`: the same without the unit.
pub fn signed(difference: f64) -> String {
    let hundredths = (difference * 1e4).round() / 1e2;
    match hundredths {
        0.0 => "±0".to_owned(),
        _ => format!("{hundredths:+.2}").replace('-', "\u{2212}"),
    }
}

/// `0.40 points lost`, of points.
pub fn drop(points: f64) -> String {
    let hundredths = (points * 1e2).round() / 1e2;
    match hundredths {
        0.0 => "nothing lost".to_owned(),
        lost if lost > 0.0 => format!("{lost:.2} points lost"),
        lost => format!("{:.2} points gained", -lost),
    }
}

/// `0.02 %`, `0 %`: a share that may be very small.
pub fn share(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        percent if percent < 0.01 => "< 0.01 %".to_owned(),
        percent if percent < 10.0 => format!("{percent:.2} %"),
        percent => format!("{percent:.1} %"),
    }
}

/// `3.42`, `4.1e-5`: a value of any size, in about three digits.
pub fn value(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (1e-3..1e5).contains(&size) => three_digits(value),
        _ => format!("{value:.1e}"),
    }
}

/// `0.148, 0.288`: several values in a line.
pub fn values(values: impl Iterator<Item = f32>) -> String {
    values.map(|value| significant(value.into())).collect::<Vec<_>>().join(", ")
}

/// `31.4 dB`; nothing is lost where there is no ratio.
pub fn decibels(ratio: Option<f64>) -> String {
    ratio.map_or("exact".to_owned(), |ratio| format!("{ratio:.1} dB"))
}

/// `3 × 96 × 96`; a free dimension is `?`.
pub fn shape(shape: &[Option<usize>]) -> String {
    let sizes: Vec<_> =
        shape.iter().map(|size| size.map_or("?".to_owned(), |size| size.to_string())).collect();
    sizes.join(" × ")
}

/// `3 × 96 × 96`: a frame's.
pub fn frame(shape: &[usize]) -> String {
    self::shape(&shape.iter().copied().map(Some).collect::<Vec<_>>())
}

/// `image 3 × 96 × 96, speed 1`: a network's inputs, without the batch.
pub fn inputs(inputs: &[TensorShape]) -> String {
    let input = |input: &TensorShape| {
        let frame = shape(input.shape.get(1..).unwrap_or_default());
        format!("{} {frame}", input.name).trim_end().to_owned()
    };
    inputs.iter().map(input).collect::<Vec<_>>().join(", ")
}

/// The same of arrays.
pub fn arrays(arrays: &[ArraySummary]) -> String {
    let array = |array: &ArraySummary| {
        format!("{} {}", array.name, frame(&array.frame_shape)).trim_end().to_owned()
    };
    arrays.iter().map(array).collect::<Vec<_>>().join(", ")
}

/// A class folder's name without the number that only puts it in order: `3-gas` is `gas`.
pub fn class_name(folder: &str) -> &str {
    let rest = folder.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.strip_prefix(['-', '_', ' ', '.']) {
        Some(name) if rest.len() < folder.len() && !name.is_empty() => name,
        _ => folder,
    }
}

/// What a trial of a search lost: points of top-1, or per cent of error; and what it keeps of the return, if it
/// drove.
pub fn lost(trial: &Trial) -> String {
    let answers = match (trial.drop, trial.rise) {
        (Some(points), _) => drop(points),
        (None, Some(rise)) => format!("error {rise:+.1} %"),
        (None, None) => format!("squared error {}", value(trial.effect.logit_mse)),
    };
    match &trial.driving {
        Some(kept) => format!("keeps {}, {answers}", self::kept(kept)),
        None => answers,
    }
}

/// What is kept of the float network's return.
pub fn kept(kept: &Kept) -> String {
    let tracks = if kept.tracks == 1 { "track" } else { "tracks" };
    format!("{} of the return on {} {tracks}", whole_percent(kept.share), kept.tracks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_have_their_names() {
        let input = |name: &str, shape: &[usize]| TensorShape {
            name: name.into(),
            shape: [None].into_iter().chain(shape.iter().copied().map(Some)).collect(),
        };
        let several = [input("image", &[3, 16, 16]), input("speed", &[])];
        assert_eq!(inputs(&several), "image 3 × 16 × 16, speed");
    }

    #[test]
    fn figures_have_their_units() {
        assert_eq!(left(3.0), "a few seconds left");
        assert_eq!(left(41.0), "about 40 s left");
        assert_eq!(left(58.0), "about 1 min left");
        assert_eq!(left(171.0), "about 3 min left");
        assert_eq!(ms(0.8342), "0.834 ms");
        assert_eq!(times(3.617), "3.62×");
    }

    #[test]
    fn differences_have_a_sign_and_no_negative_zero() {
        assert_eq!(points(-0.0025), "\u{2212}0.25 points");
        assert_eq!(points(0.001), "+0.10 points");
        assert_eq!(points(-0.000_001), "±0 points");
    }

    #[test]
    fn figures_of_any_size_stay_short() {
        assert_eq!(
            [0.0, 0.000_05, 0.0312, 0.5].map(share),
            ["0 %", "< 0.01 %", "3.12 %", "50.0 %"]
        );
        assert_eq!([0.0, -0.25, 4.1e-5].map(value), ["0", "-0.250", "4.1e-5"]);
        assert_eq!(
            [0.4, 0.001, -0.2].map(drop),
            ["0.40 points lost", "nothing lost", "0.20 points gained"]
        );
        assert_eq!((decibels(Some(31.42)), decibels(None)), ("31.4 dB".into(), "exact".into()));
    }

    #[test]
    fn times_of_a_minute_and_more_are_read_as_such() {
        assert_eq!(seconds(7.44), "7.4 s");
        assert_eq!(seconds(72.0), "1 min 12 s");
    }

    #[test]
    fn class_folders_lose_the_number_that_orders_them() {
        assert_eq!(class_name("3-gas"), "gas");
        assert_eq!(class_name("0_nothing"), "nothing");
        assert_eq!(class_name("42"), "42");
        assert_eq!(class_name("left"), "left");
        assert_eq!(class_name("3d"), "3d");
    }
}
