//! The order in which people number files: 2 before 10.

use std::cmp::Ordering;

/// Digits that stand together are compared as a number, all else byte by byte.
pub(in crate::data) fn compare(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    while let (Some(&x), Some(&y)) = (left.first(), right.first()) {
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let [own, other] = [number(&mut left), number(&mut right)];
            own.len().cmp(&other.len()).then_with(|| own.cmp(other))
        } else {
            (left, right) = (&left[1..], &right[1..]);
            x.cmp(&y)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    // 007 and 7 are different files.
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Takes the digits that the text begins with, without the zeros before them.
fn number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    &digits[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        let mut names = ["b/1", "a/10.png", "a/2.png", "a/02.png", "a/2b.png", "a/.png", "a"];
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(names, ["a", "a/.png", "a/02.png", "a/2.png", "a/2b.png", "a/10.png", "b/1"]);
    }
}
