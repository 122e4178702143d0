//! How frames enter, as a person types it: what pixels are divided by, mean and standard deviation per
//! channel, how many frames enter as one.

use crate::error::{Error, Result};
use crate::vocabulary::preprocessing::{MOST_STACKED, Preprocessing};

/// Figures separated by commas or spaces; empty means none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PreprocessingForm {
    pub divide: String,
    pub mean: String,
    pub std: String,
    pub stack: String,
}

impl PreprocessingForm {
    /// As it would be typed.
    pub(super) fn of(preprocessing: &Preprocessing) -> Self {
        let Preprocessing { divide, mean, std, stack } = preprocessing;
        let listed =
            |figures: &[f32]| figures.iter().map(f32::to_string).collect::<Vec<_>>().join(", ");
        Self {
            divide: divide.map_or_else(String::new, |divide| divide.to_string()),
            mean: listed(mean),
            std: listed(std),
            stack: stack.map_or_else(String::new, |stack| stack.to_string()),
        }
    }

    /// `None` when nothing was typed: pixels enter on the 0..1 scale.
    pub(super) fn parse(&self) -> Result<Option<Preprocessing>> {
        let mean = figures("mean", &self.mean)?;
        let std = figures("std", &self.std)?;
        if !mean.is_empty() && !std.is_empty() && mean.len() != std.len() {
            let (mean, std) = (mean.len(), std.len());
            return Err(Error::new(format!("mean has {mean} figures and std has {std}"))
                .way_out("Give one per channel in both, such as 0.485, 0.456, 0.406."));
        }
        let divide = match figures("divide", &self.divide)?[..] {
            [] => None,
            [divide] if divide.is_finite() && divide > 0.0 => Some(divide),
            _ => {
                return Err(Error::new(format!("pixels can't be divided by `{}`", self.divide))
                    .way_out("Give one positive number, such as 255, 127.5 or 1."));
            }
        };
        let stack = self.stack.trim();
        let stack = match stack.parse::<usize>() {
            Ok(depth) if (1..=MOST_STACKED).contains(&depth) => Some(depth),
            _ if stack.is_empty() => None,
            _ => {
                return Err(Error::new(format!("`{stack}` frames can't enter as one"))
                    .way_out(format!("Give a whole number from 1 to {MOST_STACKED}.")));
            }
        };
        let said = Preprocessing { divide, mean, std, stack };
        Ok((said != Preprocessing::default()).then_some(said))
    }
}

fn figures(field: &str, text: &str) -> Result<Vec<f32>> {
    text.split([',', ' ', ';'])
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.parse().map_err(|_| {
                Error::new(format!("`{word}` in {field} is not a number"))
                    .way_out("Separate the figures by commas, such as 0.485, 0.456, 0.406.")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(mean: &str, std: &str) -> PreprocessingForm {
        PreprocessingForm { mean: mean.into(), std: std.into(), ..PreprocessingForm::default() }
    }

    #[test]
    fn nothing_typed_means_no_normalization() {
        assert_eq!(form(" ", "").parse(), Ok(None));
    }

    #[test]
    fn what_is_read_is_typed_as_it_was() {
        let half = Preprocessing { std: vec![0.5, 0.25], ..Preprocessing::default() };
        assert_eq!(form("", "0.5 0.25").parse(), Ok(Some(half)));
        let all = Preprocessing {
            divide: Some(127.5),
            mean: vec![1.0, 1.0, 1.0],
            std: vec![0.5],
            stack: Some(4),
        };
        let all = Preprocessing { std: vec![1.0; 3], ..all };
        assert_eq!(PreprocessingForm::of(&all).parse(), Ok(Some(all)));
    }

    #[test]
    fn what_cannot_be_meant_says_why() {
        assert!(form("0.5, o.5", "").parse().unwrap_err().what.contains("`o.5` in mean"));
        assert!(form("0.5, 0.5", "1").parse().unwrap_err().what.contains("2 figures"));
        let says = |form: PreprocessingForm| form.parse().unwrap_err().what;
        let usual = PreprocessingForm::default;
        assert!(says(PreprocessingForm { divide: "0".into(), ..usual() }).contains("`0`"));
        assert!(says(PreprocessingForm { divide: "1 2".into(), ..usual() }).contains("`1 2`"));
        assert!(says(PreprocessingForm { stack: "1.5".into(), ..usual() }).contains("`1.5`"));
        assert!(says(PreprocessingForm { stack: "65".into(), ..usual() }).contains("`65`"));
    }
}
