//! How frames enter, as a person types it: what is cut off, the size, the colours, what is subtracted and
//! divided by, mean and standard deviation per channel, how many frames enter as one.

use crate::error::{Error, Result};
use crate::lab::protocol::Inspection;
use crate::vocabulary::frames::picture_size;
use crate::vocabulary::preprocessing::{Color, Crop, Preprocessing};

/// Figures separated by commas or spaces; empty means none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PreprocessingForm {
    /// Above, to the right, below, to the left.
    pub crop: String,
    /// Width and height.
    pub resize: String,
    /// To the size that the network takes, whatever `resize` is.
    pub to_network: bool,
    pub color: Color,
    pub subtract: String,
    pub divide: String,
    pub mean: String,
    pub std: String,
    pub stack: String,
}

impl PreprocessingForm {
    /// As it would be typed.
    pub(super) fn of(preprocessing: &Preprocessing) -> Self {
        let Preprocessing { crop, resize, color, stack, subtract, divide, mean, std } =
            preprocessing;
        let listed =
            |figures: &[f32]| figures.iter().map(f32::to_string).collect::<Vec<_>>().join(", ");
        let sides = |crop: &Crop| {
            let Crop { top, right, bottom, left } = crop;
            format!("{top}, {right}, {bottom}, {left}")
        };
        Self {
            crop: crop.as_ref().map_or_else(String::new, sides),
            resize: resize.map_or_else(String::new, |[width, height]| format!("{width}x{height}")),
            to_network: false,
            color: color.unwrap_or_default(),
            subtract: listed(subtract),
            divide: divide.map_or_else(String::new, |divide| divide.to_string()),
            mean: listed(mean),
            std: listed(std),
            stack: stack.map_or_else(String::new, |stack| stack.to_string()),
        }
    }

    /// For this network, where its size is asked for. `None` when nothing was typed: pixels enter on the 0..1
    /// scale.
    pub(super) fn parse(&self, network: Option<&Inspection>) -> Result<Option<Preprocessing>> {
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
        let one_number = |_| {
            Error::new(format!("`{}` frames can't enter as one", self.stack.trim()))
                .way_out("Give a whole number, such as 4.")
        };
        let stack = match self.stack.trim() {
            "" => None,
            stack => Some(stack.parse().map_err(one_number)?),
        };
        let mut said = Preprocessing {
            crop: crop(&self.crop)?,
            resize: size(&self.resize)?.filter(|_| !self.to_network),
            color: (self.color != Color::default()).then_some(self.color),
            stack,
            subtract: figures("subtract", &self.subtract)?,
            divide,
            mean,
            std,
        };
        if self.to_network {
            said.resize = Some(size_of(network, said.channels())?);
        }
        said.check()?;
        Ok((said != Preprocessing::default()).then_some(said))
    }
}

/// Width and height of the pictures that the network takes.
fn size_of(network: Option<&Inspection>, channels: usize) -> Result<[usize; 2]> {
    let network = network.ok_or_else(|| {
        Error::new("the network's size is not known before it is read")
            .way_out("Choose it again once it is there, or type width and height.")
    })?;
    picture_size(network.inputs.iter().map(|input| &input.shape[..]), channels)
}

fn crop(text: &str) -> Result<Option<Crop>> {
    let sides = words(text).map(str::parse).collect::<Result<Vec<usize>, _>>();
    match sides.as_deref() {
        Ok([]) => Ok(None),
        Ok(&[top, right, bottom, left]) => Ok(Some(Crop { top, right, bottom, left })),
        _ => Err(Error::new(format!("`{text}` can't be cut off"))
            .way_out("Give pixels above, right, below, left, such as 60, 0, 25, 0.")),
    }
}

fn size(text: &str) -> Result<Option<[usize; 2]>> {
    let text = text.trim();
    let side = |text: &str| text.trim().parse().ok();
    let size = text.split_once(['x', '\u{d7}']).and_then(|(w, h)| Some([side(w)?, side(h)?]));
    match size {
        None if !text.is_empty() => Err(Error::new(format!("`{text}` is no size"))
            .way_out("Give width and height, such as 200x66.")),
        size => Ok(size),
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ', ';']).filter(|word| !word.is_empty())
}

fn figures(field: &str, text: &str) -> Result<Vec<f32>> {
    words(text)
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
        assert_eq!(form(" ", "").parse(None), Ok(None));
    }

    #[test]
    fn what_is_read_is_typed_as_it_was() {
        let half = Preprocessing { std: vec![0.5, 0.25], ..Preprocessing::default() };
        assert_eq!(form("", "0.5 0.25").parse(None), Ok(Some(half)));
        let all = Preprocessing {
            crop: Some(Crop { top: 60, right: 0, bottom: 25, left: 2 }),
            resize: Some([200, 66]),
            color: Some(Color::Yuv),
            stack: Some(4),
            subtract: vec![128.0],
            divide: Some(127.5),
            mean: vec![1.0, 1.0, 1.0],
            std: vec![1.0; 3],
        };
        assert_eq!(PreprocessingForm::of(&all).parse(None), Ok(Some(all)));
    }

    #[test]
    fn what_cannot_be_meant_says_why() {
        let says = |form: PreprocessingForm| form.parse(None).unwrap_err().what;
        assert!(says(form("0.5, o.5", "")).contains("`o.5` in mean"));
        assert!(says(form("0.5, 0.5", "1")).contains("2 figures"));
        let usual = PreprocessingForm::default;
        assert!(says(PreprocessingForm { divide: "0".into(), ..usual() }).contains("`0`"));
        assert!(says(PreprocessingForm { divide: "1 2".into(), ..usual() }).contains("`1 2`"));
        assert!(says(PreprocessingForm { stack: "1.5".into(), ..usual() }).contains("`1.5`"));
        assert!(says(PreprocessingForm { stack: "65".into(), ..usual() }).contains("65 frames"));
        assert!(says(PreprocessingForm { crop: "60".into(), ..usual() }).contains("`60`"));
        assert!(says(PreprocessingForm { resize: "200".into(), ..usual() }).contains("`200`"));
        assert!(says(PreprocessingForm { resize: "0x66".into(), ..usual() }).contains("0x66"));
        assert!(says(PreprocessingForm { to_network: true, ..usual() }).contains("not known"));
    }
}
