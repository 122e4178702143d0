//! Frames by what was said of them in values.

use crate::vocabulary::report::Series;

/// Frames that are shown where the networks are farthest from what is right.
const WORST: usize = 10;

/// Dots of a network in a scatter.
const MOST: usize = 500;

/// Of so many frames, one in how many has a dot.
pub fn step(frames: usize) -> usize {
    frames.div_ceil(MOST).max(1)
}

/// The frame whose dot, of any network, is nearest to what is right and what is said.
pub fn nearest(values: &Series, [right, said]: [f64; 2]) -> Option<usize> {
    let labels = values.labels.as_ref()?;
    let step = step(labels.len());
    let away = |frame: usize, answer: f32| {
        (f64::from(labels[frame]) - right).hypot(f64::from(answer) - said)
    };
    let dots = values.answers.iter().flat_map(|answers| answers.iter().enumerate().step_by(step));
    let dots = dots.filter(|(frame, _)| *frame < labels.len());
    let near = dots.map(|(frame, answer)| (frame, away(frame, *answer)));
    near.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(frame, _)| frame)
}

/// The frames on which the last network is farthest from the label, or without labels from the first
/// network, the worst first.
pub fn worst(values: &Series) -> Vec<usize> {
    let (Some(last), Some(first)) = (values.answers.last(), values.answers.first()) else {
        return Vec::new();
    };
    let right = values.labels.as_ref().unwrap_or(first);
    let mut frames: Vec<(usize, f32)> =
        last.iter().zip(right).map(|(own, right)| (own - right).abs()).enumerate().collect();
    frames.sort_by(|a, b| b.1.total_cmp(&a.1));
    frames.into_iter().take(WORST).map(|(frame, _)| frame).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_is_at_the_nearest_dot() {
        let values = Series {
            name: String::new(),
            column: None,
            labels: Some(vec![0.0, 1.0]),
            answers: vec![vec![0.0, 0.0], vec![0.0, 1.0]],
        };
        assert_eq!(nearest(&values, [0.0, 0.0]), Some(0));
        assert_eq!(nearest(&values, [1.1, 0.9]), Some(1));
        assert_eq!(nearest(&Series { labels: None, ..values }, [0.0, 0.0]), None);
    }

    #[test]
    fn the_worst_frames_are_farthest_from_what_is_right() {
        let answers = vec![vec![0.0, 0.0, 0.0], vec![0.0, 2.0, -1.0]];
        let mut values = Series { name: "angle".into(), column: None, labels: None, answers };
        assert_eq!(worst(&values), [1, 2, 0]);
        values.labels = Some(vec![0.5, 2.0, 2.0]);
        assert_eq!(worst(&values), [2, 0, 1]);
    }
}
