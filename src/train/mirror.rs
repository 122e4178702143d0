//! Frames as a mirror shows them: left and right change places, in the picture and in the label.

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::vocabulary::plan::Mirror;

/// The classes of the bundled frames, in order; left and right among them.
const BUNDLED: [&str; 5] = ["0-nothing", "1-right", "2-left", "3-gas", "4-brake"];
const BUNDLED_PAIRS: [[usize; 2]; 1] = [[1, 2]];
/// Height and width of the bundled frames, and the rows of their dashboard, which stays.
const BUNDLED_SIZE: [usize; 2] = [96, 96];
const DASHBOARD: usize = 12;
/// The columns of the dashboard's two needles that point to a side, which turn in their place.
const NEEDLES: [std::ops::Range<usize>; 2] = [36..60, 60..84];

/// How frames of one set are mirrored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mirrored {
    /// By class, the class of the mirrored frame.
    labels: Vec<u32>,
    /// Height, width and channels.
    size: [usize; 3],
    dashboard: usize,
}

impl Mirrored {
    /// `None` where frames stay as they are.
    ///
    /// # Errors
    /// Classes that do not exist, and frames that are no pictures.
    pub(super) fn of(mirror: &Mirror, data: &Dataset, classes: usize) -> Result<Option<Self>> {
        let bundled = data.class_names() == BUNDLED;
        let pairs: &[[usize; 2]] = match mirror {
            Mirror::Off => return Ok(None),
            Mirror::Auto if !bundled || !data.has_channels_first() => return Ok(None),
            Mirror::Auto => &BUNDLED_PAIRS,
            Mirror::Classes(pairs) => pairs,
        };
        let &[channels, height, width] = data.frame_shape() else {
            return Err(Error::new("frames that are no pictures cannot be mirrored")
                .way_out("Train without mirrored frames."));
        };
        if !data.has_channels_first() {
            return Err(Error::new("frames are mirrored where a network takes the channels first")
                .way_out("Train without mirrored frames: --no-mirror."));
        }
        let mut labels: Vec<u32> = (0..classes as u32).collect();
        for &[a, b] in pairs {
            if a.max(b) >= classes {
                return Err(Error::new(format!(
                    "there is no class {} to mirror: the network has {classes}",
                    a.max(b)
                ))
                .way_out("Classes are counted from 0."));
            }
            if let Some(&twice) = [a, b].iter().find(|&&class| labels[class] as usize != class) {
                return Err(Error::new(format!("class {twice} is mirrored twice"))
                    .way_out("A class has one mirror image: name it in one pair."));
            }
            labels.swap(a, b);
        }
        let dashboard = if bundled && [height, width] == BUNDLED_SIZE { DASHBOARD } else { 0 };
        Ok(Some(Self { labels, size: [height, width, channels], dashboard }))
    }

    pub(super) fn label(&self, label: u32) -> u32 {
        self.labels[label as usize]
    }

    /// Turns a frame whose channels come last.
    pub(super) fn turn(&self, frame: &mut [f32]) {
        let [height, width, channels] = self.size;
        for (y, row) in frame.chunks_exact_mut(width * channels).enumerate() {
            if y < height - self.dashboard {
                turn(row, channels);
            } else {
                for columns in NEEDLES {
                    turn(&mut row[columns.start * channels..columns.end * channels], channels);
                }
            }
        }
    }
}

fn turn(row: &mut [f32], channels: usize) {
    let pixels = row.len() / channels;
    for x in 0..pixels / 2 {
        for c in 0..channels {
            row.swap(x * channels + c, (pixels - 1 - x) * channels + c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_turn_and_the_dashboard_stays() {
        let size = [96, 96, 3];
        let mirrored = Mirrored { labels: vec![0, 2, 1, 3, 4], size, dashboard: DASHBOARD };
        let value = |y: usize, x: usize, c: usize| (y * 1000 + x * 10 + c) as f32;
        let pixels = (0..96 * 96 * 3).map(|i| value(i / 288, i / 3 % 96, i % 3));
        let mut frame: Vec<f32> = pixels.collect();
        let original = frame.clone();
        mirrored.turn(&mut frame);
        let at = |y: usize, x: usize| frame[(y * 96 + x) * 3 + 1];
        assert_eq!(at(0, 0), value(0, 95, 1));
        assert_eq!(at(83, 10), value(83, 85, 1));
        // Speed and wheels stay, the needles turn in their place.
        assert_eq!(at(84, 0), value(84, 0, 1));
        assert_eq!((at(95, 36), at(95, 59)), (value(95, 59, 1), value(95, 36, 1)));
        assert_eq!((at(95, 60), at(95, 84)), (value(95, 83, 1), value(95, 84, 1)));
        assert_eq!([1, 2, 3].map(|label| mirrored.label(label)), [2, 1, 3]);
        mirrored.turn(&mut frame);
        assert_eq!(frame, original);
    }

    #[test]
    fn frames_of_other_classes_are_mirrored_when_asked() {
        let data = Dataset::from_floats(vec![1, 2, 2], vec![0.0; 8], None);
        assert_eq!(Mirrored::of(&Mirror::Auto, &data, 3).unwrap(), None);
        let asked = Mirrored::of(&Mirror::Classes(vec![[0, 2]]), &data, 3).unwrap().unwrap();
        assert_eq!((asked.label(0), asked.dashboard), (2, 0));
        let error = Mirrored::of(&Mirror::Classes(vec![[0, 3]]), &data, 3).unwrap_err();
        assert!(error.what.contains("no class 3"), "{error}");
        let error = Mirrored::of(&Mirror::Classes(vec![[0, 1], [1, 2]]), &data, 3).unwrap_err();
        assert!(error.what.contains("class 1 is mirrored twice"), "{error}");
    }
}
