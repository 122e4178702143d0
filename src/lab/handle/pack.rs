//! Frames that somebody drove, as a file to train on.

use crate::data::{npy, npz, write_zip};
use crate::drive::SIDE;
use crate::error::{Error, Result};
use crate::lab::protocol::Event;
use crate::vocabulary::file::File;
use crate::vocabulary::stage::{ACTIONS, Kind, Labelled};

/// An npz with pictures `x` and labels `y`, or a zip of class folders.
///
/// # Errors
/// No frames, and frames of another size; folders that would not say their classes.
pub(super) fn pack(frames: &[Labelled], kind: Kind) -> Result<Event> {
    if frames.is_empty() {
        return Err(Error::new("there are no frames to save").way_out("Drive some way first."));
    }
    if frames.iter().any(|frame| frame.seen.len() != SIDE * SIDE * 3) {
        return Err(Error::new(format!("not all frames are {SIDE}x{SIDE} pixels")));
    }
    if kind == Kind::Folders {
        return folders(frames);
    }
    let pixels = frames.iter().flat_map(|frame| frame.seen.iter().copied());
    let x = npy::write("|u1", &[frames.len(), SIDE, SIDE, 3], pixels);
    let y = match kind {
        Kind::Classes | Kind::Folders => {
            let classes = frames.iter().flat_map(|frame| (frame.class() as i64).to_le_bytes());
            npy::write("<i8", &[frames.len()], classes)
        }
        Kind::Values => {
            let values = frames.iter().flat_map(|frame| frame.controls).flat_map(f32::to_le_bytes);
            npy::write("<f4", &[frames.len(), 3], values)
        }
    };
    let bytes = npz::write(&[("x", x), ("y", y)])?;
    Ok(packed(frames, "npz", bytes))
}

/// `3-gas/000017.png` is the 18th frame of all.
fn folders(frames: &[Labelled]) -> Result<Event> {
    // Numbers of folders are read as classes only where there is one with 0.
    if frames.iter().all(|frame| frame.class() != 0) {
        return Err(Error::new(
            "no frame says `nothing`, so the folders would not say their classes",
        )
        .way_out("Save an npz, or let go of everything for a moment."));
    }
    let picture = |(i, frame): (usize, &'_ Labelled)| {
        let class = frame.class();
        format!("{class}-{}/{i:06}.png", ACTIONS[class])
    };
    let paths = frames.iter().enumerate().map(picture);
    let pixels = frames.iter().map(|frame| &frame.seen[..]);
    let bytes = write_zip(paths.zip(pixels), [SIDE as u32; 2])?;
    Ok(packed(frames, "zip", bytes))
}

fn packed(frames: &[Labelled], ending: &str, bytes: Vec<u8>) -> Event {
    let name = format!("driven-{}.{ending}", frames.len());
    Event::Packed { file: File { name, bytes: bytes.into() } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;
    use crate::vocabulary::reading::Reading;

    #[test]
    fn what_is_packed_is_read_again() {
        let frame =
            |shade: u8, controls| Labelled { seen: vec![shade; SIDE * SIDE * 3].into(), controls };
        let mut frames =
            vec![frame(1, [0.0, 0.3, 0.0]), frame(2, [-0.6, 0.3, 0.0]), frame(3, [0.6, 0.0, 0.8])];
        let read = |frames: &[Labelled], kind| {
            let Event::Packed { file } = pack(frames, kind).unwrap() else {
                unreachable!("it packs");
            };
            Dataset::read(&[file], &Reading::default(), &mut |_, _| Ok(())).unwrap()
        };
        let classes = read(&frames, Kind::Classes);
        assert_eq!(classes.classes(), Some(&[3, 2, 4][..]));
        assert_eq!(classes.picture(1).unwrap().rgba[..4], [2, 2, 2, 255]);
        let values = read(&frames, Kind::Values);
        assert_eq!(values.labels().unwrap().columns().len(), 3);
        assert_eq!(values.picture(1).unwrap().values, [-0.6, 0.3, 0.0]);
        assert!(pack(&[], Kind::Classes).is_err());
        // Without a folder 0 the others' numbers would be read as no classes.
        assert!(pack(&frames, Kind::Folders).is_err());
        frames.push(frame(4, [0.0; 3]));
        let folders = read(&frames, Kind::Folders);
        assert_eq!(folders.classes(), Some(&[0, 2, 3, 4][..]));
        assert_eq!(folders.picture(0).unwrap().rgba[..4], [4, 4, 4, 255]);
    }
}
