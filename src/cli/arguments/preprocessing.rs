//! How frames enter, as it is said on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::files;
use crate::error::{Context, Error, Result};
use crate::lab::protocol::{Inspection, ModelId};
use crate::vocabulary::frames::picture_size;
use crate::vocabulary::preprocessing::{Color, Crop, MOST_STACKED, Preprocessing};
use crate::vocabulary::reading::Reading;

const RESIZE: &str = "--resize";

/// Without any of them frames enter as the networks' files have noted it.
#[derive(Debug, Args)]
pub(in crate::cli) struct PreprocessingOptions {
    /// How frames enter, in JSON with the names of these options as keys, as {"crop": {"top": 60, "bottom": 25},
    /// "resize": [200, 66], "color": "yuv", "stack": 1, "subtract": [0], "divide": 127.5, "mean": [1, 1, 1],
    /// "std": [1, 1, 1]}; the other options change it. Without it or any of them frames enter as a network's
    /// file has noted it.
    #[arg(long, value_name = "FILE.json")]
    pub(in crate::cli) preprocess: Option<PathBuf>,
    /// Cut so many pixels off images, above, to the right, below and to the left.
    #[arg(long, value_name = "T,R,B,L", value_parser = crop)]
    crop: Option<Crop>,
    /// Make images, once cropped, as large as the network takes them, or of this width and height (with the
    /// numbers of OpenCV's INTER_LINEAR).
    #[arg(
        long,
        value_name = "WxH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = size
    )]
    resize: Option<Size>,
    /// What the three channels of images and uint8 frames become, as OpenCV has it [default: rgb].
    #[arg(long)]
    color: Option<Color>,
    /// Taken off pixels, per channel or one for all.
    #[arg(long, value_name = "S,S,…", value_delimiter = ',', allow_negative_numbers = true)]
    subtract: Vec<f32>,
    /// What pixels are divided by; 1 leaves them as they are, 127.5 with --mean 1,1,1 makes -1 to 1 of
    /// them [default: 255].
    #[arg(long, value_name = "N")]
    divide: Option<f32>,
    /// Per channel, after the division: (x - mean) / std; for uint8 frames and images.
    #[arg(long, value_name = "M,M,…", value_delimiter = ',', allow_negative_numbers = true)]
    mean: Vec<f32>,
    /// Per channel, as --mean.
    #[arg(long, value_name = "S,S,…", value_delimiter = ',')]
    std: Vec<f32>,
    /// So many frames in a row enter as one, along the channels, the newest last; never across a gap in
    /// the numbers of their names. Labels are the newest's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_STACKED as i64))]
    stack: Option<u32>,
}

/// What images are resized to.
#[derive(Debug, Clone, Copy)]
enum Size {
    OfNetwork,
    /// Width and height.
    Of([usize; 2]),
}

fn size(text: &str) -> Result<Size, String> {
    if text.is_empty() {
        return Ok(Size::OfNetwork);
    }
    let side = |text: &str| text.parse().ok();
    let size = text.split_once('x').and_then(|(w, h)| Some([side(w)?, side(h)?]));
    size.map(Size::Of).ok_or_else(|| "width and height are expected, such as 200x66".into())
}

fn crop(text: &str) -> Result<Crop, String> {
    let sides = text.split(',').map(|side| side.trim().parse());
    match sides.collect::<Result<Vec<usize>, _>>().as_deref() {
        Ok(&[top, right, bottom, left]) => Ok(Crop { top, right, bottom, left }),
        _ => Err("four numbers of pixels are expected, such as 60,0,25,0".into()),
    }
}

/// The arguments, `--resize 200x66` as one word: a word behind it that is no size is something else.
pub(in crate::cli) fn joined(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut all: Vec<OsString> = Vec::new();
    for argument in arguments {
        let size = argument.to_str().filter(|text| matches!(size(text), Ok(Size::Of(_))));
        match (all.last_mut(), size) {
            (Some(last), Some(size)) if last == RESIZE => last.push(format!("={size}")),
            _ => all.push(argument),
        }
    }
    all
}

impl PreprocessingOptions {
    /// How frames are read for these networks.
    ///
    /// # Errors
    /// A file that is not there or says something else; a size that cannot be told; networks whose files have
    /// noted different things.
    pub(in crate::cli) fn reading(&self, networks: &[(ModelId, Inspection)]) -> Result<Reading> {
        let mut said = match &self.preprocess {
            None => Preprocessing::default(),
            Some(path) => {
                let file = files::read(path)?;
                Preprocessing::from_json(&file.bytes).in_file(&file.name)?
            }
        };
        fn set<T>(field: &mut Option<T>, option: Option<T>) {
            if option.is_some() {
                *field = option;
            }
        }
        set(&mut said.crop, self.crop);
        set(&mut said.color, self.color);
        set(&mut said.divide, self.divide);
        set(&mut said.stack, self.stack.map(|depth| depth as usize));
        for (field, option) in [
            (&mut said.subtract, &self.subtract),
            (&mut said.mean, &self.mean),
            (&mut said.std, &self.std),
        ] {
            if !option.is_empty() {
                field.clone_from(option);
            }
        }
        match self.resize {
            None => {}
            Some(Size::Of(size)) => said.resize = Some(size),
            Some(Size::OfNetwork) => said.resize = Some(size_of(networks, said.channels())?),
        }
        said.check()?;
        let is_said = said != Preprocessing::default();
        if is_said || self.preprocess.is_some() {
            return Ok(is_said.then_some(said).into());
        }
        Ok(Reading { preprocessing: noted(networks)?, noted: true, ..Reading::default() })
    }
}

/// Width and height of the pictures that all networks take.
fn size_of(networks: &[(ModelId, Inspection)], channels: usize) -> Result<[usize; 2]> {
    let mut sizes = networks.iter().map(|(model, inspection)| {
        let inputs = inspection.inputs.iter().map(|input| &input.shape[..]);
        Ok((model, picture_size(inputs, channels).in_file(model)?))
    });
    let (first, size) = sizes.next().unwrap_or_else(|| Err(Error::new("there is no network")))?;
    for other in sizes {
        let (model, [width, height]) = other?;
        if size != [width, height] {
            let [w, h] = size;
            return Err(Error::new(format!(
                "its pictures are {width}x{height}, those of {first} {w}x{h}"
            ))
            .in_file(model)
            .way_out("Say which: --resize WxH."));
        }
    }
    Ok(size)
}

/// What the networks' files say of how frames enter.
fn noted(networks: &[(ModelId, Inspection)]) -> Result<Option<Preprocessing>> {
    let way_out = "Say it: --preprocess FILE.json, or the options beside it.";
    let mut found: Option<(&ModelId, Preprocessing)> = None;
    for (model, inspection) in networks {
        let Some(json) = &inspection.preprocessing else { continue };
        let own = Preprocessing::from_json(json.as_bytes());
        let own = own.map_err(|error| Error::new(error.what).way_out(way_out)).in_file(model)?;
        match &found {
            Some((other, noted)) if *noted != own => {
                return Err(Error::new(format!("frames enter it otherwise than {other}"))
                    .in_file(model)
                    .way_out(way_out));
            }
            _ => found = Some((model, own)),
        }
    }
    Ok(found.map(|(_, noted)| noted))
}
