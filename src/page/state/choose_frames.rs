//! Which frames to show: some of every class.

/// Frames on show: a multiple of the bundled classes, so that each gets as many.
pub(super) const SHOWN: usize = 10;

/// Indices into a data set whose frames are in class order, the classes taking turns.
///
/// Another `round` gives other frames. In a set that is in no such order (or has no labels) these
/// are just frames from all over it.
pub(super) fn choose(frames: usize, class_counts: &[usize], round: usize) -> Vec<usize> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for &count in class_counts {
        if count > 0 {
            ranges.push(start..start + count);
        }
        start += count;
    }
    if ranges.is_empty() {
        ranges.push(0..frames);
    }
    let mut chosen: Vec<usize> = Vec::with_capacity(SHOWN);
    for slot in 0..SHOWN.min(frames) {
        let range = match ranges.len() {
            classes if classes <= SHOWN => &ranges[slot % classes],
            classes => &ranges[slot * classes / SHOWN],
        };
        let turn = round * SHOWN + slot;
        // Steps of the golden ratio are far from each other and repeat late.
        let share = (0.5 + turn as f64 * 0.618_033_988_749_895).fract();
        let wanted = range.start + (share * range.len() as f64) as usize;
        let next_free = (wanted..range.end).chain(range.clone()).find(|i| !chosen.contains(i));
        chosen.extend(next_free);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_take_turns() {
        let counts = [42, 171, 303, 1397, 87];
        let chosen = choose(2000, &counts, 0);
        let class = |index: usize| {
            let mut end = 0;
            counts.iter().position(|count| {
                end += count;
                index < end
            })
        };
        let classes: Vec<_> = chosen.iter().map(|&i| class(i).unwrap()).collect();
        assert_eq!(classes, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
    }

    #[test]
    fn another_round_shows_other_frames() {
        let counts = [400; 5];
        assert!(choose(2000, &counts, 0).iter().all(|i| !choose(2000, &counts, 1).contains(i)));
    }

    #[test]
    fn no_frame_is_shown_twice_and_none_is_made_up() {
        for (frames, counts) in [(0, vec![]), (3, vec![]), (4, vec![1, 0, 3]), (50, vec![1; 50])] {
            for round in 0..20 {
                let chosen = choose(frames, &counts, round);
                assert!(chosen.iter().all(|&i| i < frames), "{frames} frames: {chosen:?}");
                let distinct: std::collections::BTreeSet<_> = chosen.iter().collect();
                assert_eq!(distinct.len(), chosen.len(), "{frames} frames: {chosen:?}");
            }
        }
    }
}
