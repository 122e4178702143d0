//! Frames that somebody drove, as a file to train on.

use crate::data::{npy, npz};
use crate::drive::SIDE;
use crate::error::{Error, Result};
use crate::lab::protocol::Event;
use crate::vocabulary::file::File;
use crate::vocabulary::stage::{Kind, Labelled};

/// An npz with pictures `x` and labels `y`.
///
/// # Errors
/// No frames, and frames of another size.
pub(super) fn pack(frames: &[Labelled], kind: Kind) -> Result<Event> {
    if frames.is_empty() {
        return Err(Error::new("there are no frames to save").way_out("Drive some way first."));
    }
    if frames.iter().any(|frame| frame.seen.len() != SIDE * SIDE * 3) {
        return Err(Error::new(format!("not all frames are {SIDE}x{SIDE} pixels")));
    }
    let pixels = frames.iter().flat_map(|frame| frame.seen.iter().copied());
    let x = npy::write("|u1", &[frames.len(), SIDE, SIDE, 3], pixels);
    let y = match kind {
        Kind::Classes => {
            let classes = frames.iter().flat_map(|frame| (frame.class() as i64).to_le_bytes());
            npy::write("<i8", &[frames.len()], classes)
        }
        Kind::Values => {
            let values = frames.iter().flat_map(|frame| frame.controls).flat_map(f32::to_le_bytes);
            npy::write("<f4", &[frames.len(), 3], values)
        }
    };
    let bytes = npz::write(&[("x", x), ("y", y)])?;
    let name = format!("driven-{}.npz", frames.len());
    Ok(Event::Packed { file: File { name, bytes: bytes.into() } })
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
        let frames =
            [frame(1, [0.0, 0.3, 0.0]), frame(2, [-0.6, 0.3, 0.0]), frame(3, [0.6, 0.0, 0.8])];
        let read = |kind| {
            let Event::Packed { file } = pack(&frames, kind).unwrap() else {
                unreachable!("it packs");
            };
            Dataset::read(&[file], &Reading::default(), &mut |_, _| Ok(())).unwrap()
        };
        let classes = read(Kind::Classes);
        assert_eq!(classes.classes(), Some(&[3, 2, 4][..]));
        assert_eq!(classes.picture(1).unwrap().rgba[..4], [2, 2, 2, 255]);
        let values = read(Kind::Values);
        assert_eq!(values.labels().unwrap().columns().len(), 3);
        assert_eq!(values.picture(1).unwrap().values, [-0.6, 0.3, 0.0]);
        assert!(pack(&[], Kind::Classes).is_err());
    }
}
