//! Where labels lie, as options.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::vocabulary::labelling::{Cameras, ForColumn, Labelling, fed, finite};

#[derive(Debug, Args)]
#[command(next_help_heading = "Label options")]
pub(in crate::cli) struct LabellingOptions {
    /// A table with the labels of the frames, where it lies elsewhere than they do, such as beside an archive
    /// of them.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) table: Option<PathBuf>,
    /// The column of a table that names the images, or the array of frames in an npz; by its name or its
    /// number from 1 [default: the one whose cells do].
    #[arg(long, value_name = "COLUMN")]
    images: Option<String>,
    /// The columns, or arrays, of labels, in the order of the network's outputs
    /// [default: usual names, such as steering and throttle].
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    labels: Vec<String>,
    /// Feed an input of the network from a column; may be given several times.
    #[arg(long, value_name = "NAME=COLUMN", value_parser = fed)]
    input: Vec<(String, String)>,
    /// Of tables with center, left and right: center, or all three, one after another [default: center].
    #[arg(long, value_name = "CAMERAS")]
    cameras: Option<Cameras>,
    /// What the left camera adds to the steering, and the right one takes off [default: 0.2].
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = finite)]
    camera_correction: Option<f64>,
    /// Labels are in the paths of images: a regular expression with a named group for each, such as
    /// '_(?<angle>\d+)\.png$'.
    // `--help` shows it as it is typed.
    #[allow(rustdoc::invalid_html_tags)]
    #[arg(long, value_name = "RE")]
    label_pattern: Option<String>,
    /// Multiply labels, all or by their names: pixels to -1..1, degrees to radians.
    #[arg(long, value_name = "[NAME=]X,…", value_delimiter = ',', allow_hyphen_values = true, value_parser = ForColumn::from_str)]
    label_scale: Vec<ForColumn>,
    /// Add to labels, once they are multiplied.
    #[arg(long, value_name = "[NAME=]X,…", value_delimiter = ',', allow_hyphen_values = true, value_parser = ForColumn::from_str)]
    label_offset: Vec<ForColumn>,
}

impl LabellingOptions {
    pub(in crate::cli) fn labelling(&self) -> Labelling {
        let default = Labelling::default();
        Labelling {
            images: self.images.clone(),
            labels: self.labels.clone(),
            inputs: self.input.clone(),
            cameras: self.cameras.unwrap_or(default.cameras),
            camera_correction: self.camera_correction.unwrap_or(default.camera_correction),
            pattern: self.label_pattern.clone(),
            scale: self.label_scale.clone(),
            offset: self.label_offset.clone(),
        }
    }
}
