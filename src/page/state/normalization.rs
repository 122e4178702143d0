//! Mean and standard deviation per channel, as a person types them.

use crate::error::{Error, Result};
use crate::vocabulary::frames::Normalization;

/// Figures separated by commas or spaces; empty means none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NormalizationForm {
    pub mean: String,
    pub std: String,
}

impl NormalizationForm {
    /// `None` when nothing was typed: pixels enter on the 0..1 scale.
    pub(super) fn parse(&self) -> Result<Option<Normalization>> {
        let mut mean = figures("mean", &self.mean)?;
        let mut std = figures("std", &self.std)?;
        if mean.is_empty() && std.is_empty() {
            return Ok(None);
        }
        if mean.is_empty() {
            mean = vec![0.0; std.len()];
        }
        if std.is_empty() {
            std = vec![1.0; mean.len()];
        }
        if mean.len() != std.len() {
            let (mean, std) = (mean.len(), std.len());
            return Err(Error::new(format!("mean has {mean} figures and std has {std}"))
                .way_out("Give one per channel in both, such as 0.485, 0.456, 0.406."));
        }
        Ok(Some(Normalization { stack: None, divide: None, mean, std }))
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

    fn form(mean: &str, std: &str) -> NormalizationForm {
        NormalizationForm { mean: mean.into(), std: std.into() }
    }

    #[test]
    fn nothing_typed_means_no_normalization() {
        assert_eq!(form(" ", "").parse(), Ok(None));
    }

    #[test]
    fn a_missing_half_does_nothing() {
        let half =
            Normalization { stack: None, divide: None, mean: vec![0.0, 0.0], std: vec![0.5, 0.25] };
        assert_eq!(form("", "0.5 0.25").parse(), Ok(Some(half)));
    }

    #[test]
    fn what_cannot_be_meant_says_why() {
        assert!(form("0.5, o.5", "").parse().unwrap_err().what.contains("`o.5` in mean"));
        assert!(form("0.5, 0.5", "1").parse().unwrap_err().what.contains("2 figures"));
    }
}
