//! Where frames follow one another in a drive, as far as their names tell.

use std::cmp::Ordering;

use super::natural;

/// Where the numbers in the names jump further than they mostly do; none where some name has none.
pub(super) fn jumps(names: &[&str]) -> Vec<usize> {
    let number = |name: &&str| {
        let end = name.rfind(|c: char| c.is_ascii_digit())? + 1;
        let before = name[..end].trim_end_matches(|c: char| c.is_ascii_digit()).len();
        name[before..end].parse::<u64>().ok()
    };
    let numbers: Option<Vec<u64>> = names.iter().map(number).collect();
    let Some(numbers) = numbers else { return Vec::new() };
    let steps: Vec<Option<u64>> =
        numbers.windows(2).map(|pair| pair[1].checked_sub(pair[0])).collect();
    let mut sorted = steps.clone();
    sorted.sort_unstable();
    let Some(&usual) = sorted.get(sorted.len() / 2) else { return Vec::new() };
    (1..=steps.len()).filter(|&at| steps[at - 1] != usual).collect()
}

/// Where names in the order of a table go back, or jump in numbers that else are even; everywhere where they
/// mostly are in no order.
pub(super) fn gaps(names: &[&str]) -> Vec<usize> {
    let goes_back = |&at: &usize| natural::compare(names[at - 1], names[at]) != Ordering::Less;
    let mut gaps: Vec<usize> = (1..names.len()).filter(goes_back).collect();
    if 10 * gaps.len() > names.len() {
        return (1..names.len()).collect();
    }
    // Times of day and the like jump everywhere.
    let jumps = jumps(names);
    if 2 * jumps.len() < names.len() {
        gaps.extend(jumps);
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_where_numbers_jump() {
        assert_eq!(jumps(&["a/1.png", "a/2.png", "a/3.png", "a/7.png", "a/8.png"]), [3]);
        assert_eq!(jumps(&["f_010.jpg", "f_020.jpg", "f_030.jpg", "f_050.jpg", "f_060.jpg"]), [3]);
        assert_eq!(jumps(&["left.png", "1.png"]), [0; 0]);
        assert_eq!(jumps(&["é1.png", "é2.png", "é3.png", "é9.png"]), [3]);
        assert_eq!(jumps(&["1.png"]), [0; 0]);
    }

    #[test]
    fn names_out_of_order_do_not_follow_one_another() {
        assert_eq!(gaps(&["1", "2", "4", "5", "6"]), [2]);
        assert_eq!(gaps(&["t_05", "t_17", "t_23", "t_38"]), [0; 0]);
        assert_eq!(gaps(&["3", "1", "2"]), [1, 2]);
    }
}
