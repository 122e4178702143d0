//! Frames as a mirror shows them: left and right change places, in the picture and in the labels.

use serde::Deserialize;

use super::feature::memory_of;
use super::head::Head;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::vocabulary::plan::Mirror;
use crate::vocabulary::task::Task;

/// What the catalogue says of the bundled frames.
#[derive(Debug, Deserialize)]
struct Catalogue {
    classes: Vec<String>,
    frames: BundledFrames,
}

#[derive(Debug, Deserialize)]
struct BundledFrames {
    mirror: Bundled,
    values: BundledValues,
}

/// What is known of the bundled frames besides their classes.
#[derive(Debug, Deserialize)]
struct BundledValues {
    columns: Vec<String>,
}

/// What a mirror changes in the bundled frames, and what of their picture stays.
#[derive(Debug, Deserialize)]
struct Bundled {
    /// Pairs of classes that change places.
    classes: Vec<[usize; 2]>,
    /// Values that change their sign.
    values: Vec<String>,
    /// Height and width.
    size: [usize; 2],
    /// Rows from the bottom that stay.
    dashboard: usize,
    /// From column to column, what points to a side in those rows turns in its place.
    needles: Vec<[usize; 2]>,
}

impl Bundled {
    /// With the names of all values; `None` for other frames.
    fn of(data: &Dataset) -> Result<Option<(Self, Vec<String>)>> {
        let catalogue = include_str!("../../models/catalogue.json");
        let Catalogue { classes, frames } = serde_json::from_str(catalogue)
            .map_err(|error| Error::new(format!("the catalogue cannot be read: {error}")))?;
        let names = classes.iter().enumerate().map(|(i, class)| format!("{i}-{class}"));
        Ok(names
            .eq(data.class_names().iter().cloned())
            .then_some((frames.mirror, frames.values.columns)))
    }
}

/// What a mirror does to labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sides {
    /// The output whose classes change places: the first that has any.
    classed: Option<String>,
    /// By class of that output, the class of the mirrored frame.
    classes: Vec<u32>,
    /// What changes its sign.
    values: Vec<String>,
}

impl Sides {
    /// `None` where frames stay as they are.
    ///
    /// # Errors
    /// Classes and values that do not exist, and frames that are no pictures.
    pub(super) fn of(mirror: &Mirror, data: &Dataset, heads: &[Head]) -> Result<Option<Self>> {
        let (pairs, values) = match mirror {
            Mirror::Off => return Ok(None),
            Mirror::Classes(pairs) => (pairs.clone(), Vec::new()),
            Mirror::Sides { classes, values } => (classes.clone(), values.clone()),
            Mirror::Auto => {
                let Some((Bundled { classes, values, .. }, all)) = Bundled::of(data)? else {
                    return Ok(None);
                };
                let is_known = |head: &Head| head.values.iter().all(|name| all.contains(name));
                if heads.iter().any(|head| head.task == Task::Values && !is_known(head)) {
                    return Ok(None);
                }
                let known = |name: &String| heads.iter().any(|head| head.values.contains(name));
                let has_classes =
                    heads.iter().any(|h| h.task == Task::Classes && h.values.is_empty());
                let pairs = if has_classes { classes } else { Vec::new() };
                (pairs, values.into_iter().filter(known).collect())
            }
        };
        check_picture(data)?;
        let known = || heads.iter().flat_map(|head| &head.values);
        if let Some(unknown) = values.iter().find(|name| known().all(|own| own != *name)) {
            let known: Vec<String> = known().map(|name| format!("`{name}`")).collect();
            let error = Error::new(format!("there is no value `{unknown}` to mirror"));
            return Err(match known.is_empty() {
                true => error.way_out("Name classes that change places, as --mirror 1:2."),
                false => error.way_out(format!("The values: {}.", known.join(", "))),
            });
        }
        let classed = heads.iter().find(|h| h.task == Task::Classes && h.values.is_empty());
        let count = classed.map_or(0, |head| head.len);
        let mut classes: Vec<u32> = (0..count as u32).collect();
        for &[a, b] in &pairs {
            if a.max(b) >= count {
                return Err(Error::new(format!(
                    "there is no class {} to mirror: the network has {count}",
                    a.max(b)
                ))
                .way_out(
                    "Classes are counted from 0; a value turns by its name: --mirror NAME:-NAME.",
                ));
            }
            if let Some(&twice) = [a, b].iter().find(|&&class| classes[class] as usize != class) {
                return Err(Error::new(format!("class {twice} is mirrored twice"))
                    .way_out("A class has one mirror image: name it in one pair."));
            }
            classes.swap(a, b);
        }
        Ok(Some(Self { classed: classed.map(|head| head.name.clone()), classes, values }))
    }

    /// What value `i` of an output is multiplied with.
    pub(super) fn sign(&self, head: &Head, i: usize) -> f64 {
        let turns = head.values.get(i).is_some_and(|name| self.values.contains(name));
        if turns { -1.0 } else { 1.0 }
    }

    pub(super) fn class(&self, head: &Head, class: u32) -> u32 {
        match self.classed.as_ref() == Some(&head.name) {
            true => self.classes[class as usize],
            false => class,
        }
    }
}

fn check_picture(data: &Dataset) -> Result<()> {
    match data.frame_shape() {
        [_, _, _] => Ok(()),
        _ => Err(Error::new("frames that are no pictures cannot be mirrored")
            .way_out("Train without mirrored frames.")),
    }
}

/// How pictures of one set are turned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    /// Elements that change places, as training holds a frame.
    pairs: Vec<[u32; 2]>,
}

impl Turn {
    /// # Errors
    /// Frames that are no pictures.
    pub(super) fn of(data: &Dataset) -> Result<Self> {
        check_picture(data)?;
        let shape = data.frame_shape();
        let last = has_channels_last(data);
        let [height, width] = if last { [shape[0], shape[1]] } else { [shape[1], shape[2]] };
        let bundled = Bundled::of(data)?.map(|(bundled, _)| bundled);
        let bundled = bundled.filter(|bundled| bundled.size == [height, width]);
        let column = |y: usize, x: usize| match &bundled {
            Some(Bundled { dashboard, needles, .. }) if y >= height - dashboard => {
                let around = needles.iter().find(|needle| (needle[0]..needle[1]).contains(&x));
                around.map_or(x, |[from, to]| from + to - 1 - x)
            }
            _ => width - 1 - x,
        };
        let memory = memory_of(shape);
        let mut pairs = Vec::new();
        for (at, &place) in memory.iter().enumerate() {
            // ONNX's place of an element: by row, column and channel, or by channel, row and column.
            let (turned, before) = if last {
                let (pixel, c) = (at / shape[2], at % shape[2]);
                let (y, x) = (pixel / width, pixel % width);
                ((y * width + column(y, x)) * shape[2] + c, x > column(y, x))
            } else {
                let (row, x) = (at / width, at % width);
                let other = column(row % height, x);
                (row * width + other, x > other)
            };
            if before {
                pairs.push([place, memory[turned]]);
            }
        }
        Ok(Self { pairs })
    }

    pub(super) fn turn(&self, frame: &mut [f32]) {
        for &[a, b] in &self.pairs {
            frame.swap(a as usize, b as usize);
        }
    }
}

/// Whether rows, columns and channels follow one another: as bytes say it themselves, of floats where
/// only the last axis can be that of channels.
fn has_channels_last(data: &Dataset) -> bool {
    const MOST_CHANNELS: usize = 4;
    let shape = data.frame_shape();
    !data.has_channels_first() || (shape[2] <= MOST_CHANNELS && shape[0] > MOST_CHANNELS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::feature::order;
    use crate::vocabulary::plan::Loss;

    fn data(shape: &[usize]) -> Dataset {
        let len = shape.iter().product();
        Dataset::from_floats(shape.to_vec(), vec![0.0; len], None)
    }

    #[test]
    fn the_dashboard_of_the_bundled_frames_stays() {
        let names = ["0-nothing", "1-right", "2-left", "3-gas", "4-brake"];
        let (pixels, names) = (vec![0; 3 * 96 * 96], names.map(Into::into).into());
        let frames = Dataset::from_bytes([3, 96, 96], pixels, None, names, None).unwrap();
        let value = |y: usize, x: usize, c: usize| (y * 1000 + x * 10 + c) as f32;
        let pixels = (0..96 * 96 * 3).map(|i| value(i / 288, i / 3 % 96, i % 3));
        let mut frame: Vec<f32> = pixels.collect();
        Turn::of(&frames).unwrap().turn(&mut frame);
        let at = |y: usize, x: usize| frame[(y * 96 + x) * 3 + 1];
        assert_eq!((at(0, 0), at(83, 10)), (value(0, 95, 1), value(83, 85, 1)));
        // Speed and wheels stay, the needles turn in their place.
        assert_eq!(at(84, 0), value(84, 0, 1));
        assert_eq!((at(95, 36), at(95, 59)), (value(95, 59, 1), value(95, 36, 1)));
        assert_eq!((at(95, 60), at(95, 84)), (value(95, 83, 1), value(95, 84, 1)));
        let heads = [head("y", Task::Classes, 5)];
        let sides = Sides::of(&Mirror::Auto, &frames, &heads).unwrap().unwrap();
        assert_eq!([1, 2, 3].map(|class| sides.class(&heads[0], class)), [2, 1, 3]);
        // Values as the bundled frames have them: which of them turns, the catalogue says.
        let heads = ["steering", "gas", "brake"].map(|name| head(name, Task::Values, 1));
        let sides = Sides::of(&Mirror::Auto, &frames, &heads).unwrap().unwrap();
        assert_eq!([0, 1, 2].map(|i| sides.sign(&heads[i], 0)), [-1.0, 1.0, 1.0]);
        let others = [head("steering", Task::Values, 1), head("lane", Task::Values, 1)];
        assert_eq!(Sides::of(&Mirror::Auto, &frames, &others), Ok(None));
    }

    fn head(name: &str, task: Task, len: usize) -> Head {
        let loss = if task == Task::Classes { Loss::CrossEntropy } else { Loss::Mse };
        let values = if task == Task::Values { vec![name.to_owned()] } else { Vec::new() };
        Head { name: name.into(), len, task, loss, weight: 1.0, range: [0.0; 2], values }
    }

    #[test]
    fn pictures_turn_whichever_axis_is_that_of_channels() {
        // Two rows of three columns with two channels: 100 y + 10 x + c.
        let value = |y: usize, x: usize, c: usize| (100 * y + 10 * x + c) as f32;
        for (shape, y, x, c) in [(vec![2, 2, 3], 1, 2, 0), (vec![9, 3, 2], 0, 1, 2)] {
            let turn = Turn::of(&data(&shape)).unwrap();
            let places = order(&shape);
            let axes = |onnx: usize| {
                [onnx / (shape[1] * shape[2]), onnx / shape[2] % shape[1], onnx % shape[2]]
            };
            let at = |onnx: usize| {
                let axes = axes(onnx);
                value(axes[y], axes[x], axes[c])
            };
            let mut frame: Vec<f32> = places.iter().map(|&onnx| at(onnx as usize)).collect();
            let original = frame.clone();
            turn.turn(&mut frame);
            for (turned, &onnx) in frame.iter().zip(&places) {
                let axes = axes(onnx as usize);
                assert_eq!(*turned, value(axes[y], shape[x] - 1 - axes[x], axes[c]), "{shape:?}");
            }
            turn.turn(&mut frame);
            assert_eq!(frame, original);
        }
    }

    #[test]
    fn what_a_mirror_changes_is_asked_for_and_exists() {
        let picture = data(&[1, 2, 2]);
        let heads = [head("angle", Task::Values, 1), head("light", Task::Classes, 3)];
        assert_eq!(Sides::of(&Mirror::Auto, &picture, &heads), Ok(None));
        let asked = |classes: &[[usize; 2]], values: &[&str]| Mirror::Sides {
            classes: classes.to_vec(),
            values: values.iter().map(|&name| name.to_owned()).collect(),
        };
        let sides = Sides::of(&asked(&[[0, 2]], &["angle"]), &picture, &heads).unwrap().unwrap();
        assert_eq!((sides.sign(&heads[0], 0), sides.class(&heads[1], 0)), (-1.0, 2));
        for (mirror, what) in [
            (Mirror::Classes(vec![[0, 3]]), "no class 3"),
            (Mirror::Classes(vec![[0, 1], [1, 2]]), "class 1 is mirrored twice"),
            (asked(&[], &["speed"]), "no value `speed`"),
        ] {
            let error = Sides::of(&mirror, &picture, &heads).unwrap_err();
            assert!(error.what.contains(what), "{error}");
        }
    }
}
