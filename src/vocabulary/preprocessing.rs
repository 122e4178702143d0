//! How frames enter a network.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The most frames that enter as one.
pub const MOST_STACKED: usize = 64;

/// The longest side of a picture that is made.
pub const MOST_SIDE: usize = 8192;

/// How frames enter, in the order of the fields: images are cropped, resized and given their colours; then so
/// many frames in a row are one; then each channel of uint8 is `((x - subtract) / divide - mean) / std`.
///
/// The arrays of an npz are neither cropped nor resized, and those of floats enter as they are. An empty
/// `subtract` or `mean` is all 0, an empty `std` all 1; without `divide` it is 255.
///
/// Its JSON is a contract (the README has it): the file of `--preprocess`, the page's address, and the note in a quantized
/// network's file. Keys are added, never renamed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Preprocessing {
    /// Pixels that images lose first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<Crop>,
    /// To this width and height.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resize: Option<[usize; 2]>,
    /// What their channels say then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// How many frames in a row enter as one, whatever they are of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<usize>,
    /// One for each channel, or one for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subtract: Vec<f32>,
    /// What each number is divided by, after subtracting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub divide: Option<f32>,
    /// Of each channel, or of all, taken off after dividing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mean: Vec<f32>,
    /// Of each channel, or of all, by which it is divided last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub std: Vec<f32>,
}

impl Preprocessing {
    /// Key of its JSON among the metadata of a network's file.
    pub const KEY: &str = "steer8.preprocessing";

    /// What a file has noted, which somebody else may have written.
    pub fn noted_in(metadata: &[(String, String)]) -> Option<&str> {
        let mut notes = metadata.iter().filter(|(key, _)| key == Self::KEY);
        notes.next().map(|(_, json)| json.as_str())
    }

    /// Whether a file notes that pixels enter as they are, 0 to 255, and nothing else: whatever other networks
    /// get of the same frames.
    pub fn takes_pixels(metadata: &[(String, String)]) -> bool {
        let as_they_are = Self { divide: Some(1.0), ..Self::default() };
        let noted = Self::noted_in(metadata).map(|json| Self::from_json(json.as_bytes()));
        noted == Some(Ok(as_they_are))
    }

    /// Whether it says what becomes of pixels.
    pub fn changes_pixels(&self) -> bool {
        let Self { color, subtract, divide, mean, std, .. } = self;
        color.is_some()
            || divide.is_some()
            || [subtract, mean, std].iter().any(|figures| !figures.is_empty())
    }

    /// Channels of a frame that is made of pictures of three.
    pub fn channels(&self) -> usize {
        self.color.unwrap_or_default().channels() * self.stack.unwrap_or(1)
    }

    /// # Errors
    /// A size that no picture has, and too many frames to be one.
    pub fn check(&self) -> Result<()> {
        let is_side = |side: &usize| (1..=MOST_SIDE).contains(side);
        if let Some([width, height]) = self.resize.filter(|size| !size.iter().all(is_side)) {
            return Err(Error::new(format!("no picture is resized to {width}x{height}"))
                .way_out(format!("Width and height are 1 to {MOST_SIDE}, as in 200x66.")));
        }
        match self.stack {
            Some(depth) if !(1..=MOST_STACKED).contains(&depth) => {
                Err(Error::new(format!("{depth} frames can't enter as one"))
                    .way_out(format!("Stack 1 to {MOST_STACKED}.")))
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// What is no such JSON, a key that is unknown, and what [`check`](Self::check) finds.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let read: Self = serde_json::from_slice(json).map_err(|error| {
            let what = format!("this does not say how frames enter ({error})");
            Error::new(what).of_kind(ErrorKind::Unreadable).way_out(
                "It is JSON such as {\"crop\": {\"top\": 60, \"bottom\": 25}, \"resize\": [200, 66], \
                 \"color\": \"yuv\", \"divide\": 127.5, \"mean\": [1, 1, 1]}.",
            )
        })?;
        read.check()?;
        Ok(read)
    }

    /// # Errors
    /// Numbers that JSON has no form for.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|error| Error::new(format!("how frames enter can't be written ({error})")))
    }
}

/// Pixels that are cut off each side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Crop {
    /// Rows.
    pub top: usize,
    /// Columns.
    pub right: usize,
    /// Rows.
    pub bottom: usize,
    /// Columns.
    pub left: usize,
}

/// What the channels of a picture say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Color {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// One channel, how bright it is.
    Gray,
    /// How bright it is, and by how much blue and red differ from that, as OpenCV has them.
    Yuv,
}

impl Color {
    /// In the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Rgb, Self::Bgr, Self::Gray, Self::Yuv];

    /// As `--color` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rgb => "rgb",
            Self::Bgr => "bgr",
            Self::Gray => "gray",
            Self::Yuv => "yuv",
        }
    }

    /// How many it makes of a picture.
    pub fn channels(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb | Self::Bgr | Self::Yuv => 3,
        }
    }
}
