//! Sums of products, and how many of them there may be.

use super::Asked;
use crate::error::Result;

/// The most products, or elements gone through, of an operator over windows: many times what the
/// largest layers of whole pictures take.
const MOST_WORK: u64 = 1 << 38;

impl Asked<'_> {
    /// Each letter of an Einsum stands for axes of one length, and all together for as many products
    /// as can be made.
    pub(super) fn sum_of_products(&self) -> Result<()> {
        let equation = self.node.text("equation").unwrap_or_default();
        let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
        let wrong = || {
            let shapes: Vec<_> = (0..self.node.inputs.len()).map(|i| self.shape(i)).collect();
            self.wrong(format!("the equation `{equation}` does not fit the shapes {shapes:?}"))
        };
        let (terms, result) = match equation.split_once("->") {
            Some((terms, result)) => (terms, Some(result)),
            None => (&equation[..], None),
        };
        let terms: Vec<&str> = terms.split(',').collect();
        let letters = |term: &str| -> Option<(Vec<char>, bool)> {
            let rest = term.replacen("...", "", 1);
            let plain = rest.chars().all(|c| c.is_ascii_alphabetic());
            plain.then(|| (rest.chars().collect(), rest.len() < term.len()))
        };
        let mut lens: Vec<(char, usize)> = Vec::new();
        let mut work = 1u64;
        for (i, term) in terms.iter().enumerate() {
            let (Some(shape), Some((own, open))) = (self.shape(i), letters(term)) else {
                return wrong();
            };
            let before = term.find("...").unwrap_or(own.len());
            let rest = shape.len().checked_sub(own.len()).filter(|&rest| open || rest == 0);
            let Some(rest) = rest else { return wrong() };
            for dim in &shape[before..before + rest] {
                work = work.saturating_mul(*dim as u64);
            }
            let dims = shape[..before].iter().chain(&shape[before + rest..]);
            for (&letter, &dim) in own.iter().zip(dims) {
                match lens.iter_mut().find(|(other, _)| *other == letter) {
                    Some((_, len)) if *len == dim || dim == 1 => {}
                    Some((_, len)) if *len == 1 => *len = dim,
                    Some(_) => return wrong(),
                    None => lens.push((letter, dim)),
                }
            }
        }
        let known = |term: &str| {
            let (own, _) = letters(term)?;
            let known = |c: &char| lens.iter().any(|(letter, _)| letter == c);
            let once = |c: &char| own.iter().filter(|other| *other == c).count() == 1;
            Some(own.iter().all(|c| known(c) && once(c)))
        };
        if terms.len() != self.node.inputs.len() || result.is_some_and(|r| known(r) != Some(true)) {
            return wrong();
        }
        let all = lens.iter().fold(work, |work, (_, len)| work.saturating_mul(*len as u64));
        self.work(all)
    }

    pub(super) fn work(&self, work: u64) -> Result<()> {
        match work <= MOST_WORK {
            true => Ok(()),
            false => self.wrong(format!("it takes {work} products, more than {MOST_WORK}")),
        }
    }
}
