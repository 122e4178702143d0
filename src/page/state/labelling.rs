//! Where labels lie, as a person types it.

use crate::error::{Error, Result};
use crate::vocabulary::labelling::{Cameras, ForColumn, Labelling, fed, finite};

/// Names and figures separated by commas; empty means that usual names tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabellingForm {
    /// The column that names the images.
    pub images: String,
    /// Columns, in the order of the outputs.
    pub labels: String,
    /// `input=column`.
    pub inputs: String,
    pub pattern: String,
    pub all_cameras: bool,
    pub correction: String,
    /// Figures for all columns, or `column=figure`.
    pub scale: String,
    pub offset: String,
}

impl LabellingForm {
    /// As it would be typed.
    pub(super) fn of(labelling: &Labelling) -> Self {
        let default = Labelling::default();
        let inputs = labelling.inputs.iter().map(|(input, column)| format!("{input}={column}"));
        let correction = labelling.camera_correction;
        let typed = (correction != default.camera_correction).then(|| correction.to_string());
        Self {
            images: labelling.images.clone().unwrap_or_default(),
            labels: labelling.labels.join(", "),
            inputs: inputs.collect::<Vec<_>>().join(", "),
            pattern: labelling.pattern.clone().unwrap_or_default(),
            all_cameras: labelling.cameras == Cameras::All,
            correction: typed.unwrap_or_default(),
            scale: listed(&labelling.scale),
            offset: listed(&labelling.offset),
        }
    }

    /// # Errors
    /// What is no number, and an input without its column.
    pub(super) fn parse(&self) -> Result<Labelling> {
        let said = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let camera_correction = match said(&self.correction) {
            None => Labelling::default().camera_correction,
            Some(text) => said_of("camera-correction", finite(&text))?,
        };
        Ok(Labelling {
            images: said(&self.images),
            labels: words(&self.labels).map(str::to_owned).collect(),
            inputs: words(&self.inputs)
                .map(|word| said_of("input", fed(word)))
                .collect::<Result<_>>()?,
            cameras: if self.all_cameras { Cameras::All } else { Cameras::Center },
            camera_correction,
            pattern: said(&self.pattern),
            scale: for_columns("label-scale", &self.scale)?,
            offset: for_columns("label-offset", &self.offset)?,
        })
    }
}

fn listed(figures: &[ForColumn]) -> String {
    let one = |ForColumn { column, number }: &ForColumn| match column {
        Some(column) => format!("{column}={number}"),
        None => number.to_string(),
    };
    figures.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn for_columns(field: &str, text: &str) -> Result<Vec<ForColumn>> {
    words(text).map(|word| said_of(field, word.parse())).collect()
}

/// A field's fault as an error.
fn said_of<T>(field: &str, read: Result<T, String>) -> Result<T> {
    read.map_err(|why| Error::new(format!("{field}: {why}")))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_typed_as_it_was() {
        let one =
            |column: Option<&str>, number| ForColumn { column: column.map(Into::into), number };
        let labelling = Labelling {
            images: Some("path".into()),
            labels: vec!["steering angle".into(), "gas".into()],
            inputs: vec![("speed".into(), "speed (mph)".into())],
            cameras: Cameras::All,
            camera_correction: 0.25,
            pattern: Some(r"_(?<angle>\d+)\.png$".into()),
            scale: vec![one(None, 0.5), one(Some("gas"), -2.0)],
            offset: vec![one(None, 1.0)],
        };
        assert_eq!(LabellingForm::of(&labelling).parse(), Ok(labelling));
        assert_eq!(LabellingForm::default().parse(), Ok(Labelling::default()));
        let form = LabellingForm { scale: "gas=two".into(), ..LabellingForm::default() };
        assert!(form.parse().unwrap_err().what.contains("label-scale: `two`"));
        let form = LabellingForm { inputs: "speed".into(), ..LabellingForm::default() };
        assert!(form.parse().unwrap_err().what.contains("`speed`"));
    }
}
