//! A frame that changes: pictures as a camera gives them, one after another.

use std::sync::Arc;

use super::{Dataset, Frames};
use crate::error::Result;
use crate::vocabulary::preprocessing::Preprocessing;

impl Dataset {
    /// A single frame, to be shown pictures of this shape (channels, height, width), which are
    /// [prepared](crate::data::Preparer), the last so many of which it is made of as `preprocessing` says. All
    /// bytes are 0 until then.
    ///
    /// # Errors
    /// A preprocessing that does not fit.
    pub fn to_be_shown(shape: [usize; 3], preprocessing: Option<&Preprocessing>) -> Result<Self> {
        let depth = preprocessing.and_then(|own| own.stack).unwrap_or(1);
        let black = vec![0; shape.iter().product::<usize>() * depth];
        Self::from_bytes(shape, black, None, Vec::new(), preprocessing)?.stacked(depth)
    }

    /// Shows frames of bytes a prepared picture, height x width x channels: in place of the oldest of a stack, or of
    /// all where it `is_first`.
    pub fn show(&mut self, picture: &[u8], is_first: bool) {
        let Frames::Bytes(own) = &mut self.frames else { return };
        let all = own.shape[0];
        let channels = all / own.depth;
        let stacks = Arc::make_mut(&mut own.pixels).chunks_exact_mut(all);
        for (stack, pixel) in stacks.zip(picture.chunks_exact(channels)) {
            if is_first {
                stack.chunks_exact_mut(channels).for_each(|old| old.copy_from_slice(pixel));
            } else {
                stack.copy_within(channels.., 0);
                stack[all - channels..].copy_from_slice(pixel);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_a_stack_is_the_last() {
        let plain = Preprocessing { divide: Some(1.0), ..Preprocessing::default() };
        let stacked = Preprocessing { stack: Some(3), ..plain.clone() };
        let mut seen = Dataset::to_be_shown([2, 1, 2], Some(&stacked)).unwrap();
        assert_eq!((seen.len(), seen.frame_shape()), (1, &[6, 1, 2][..]));
        let mut input = vec![0.0; 12];
        seen.show(&[1, 2, 3, 4], true);
        seen.input(0, &mut input);
        assert_eq!(input, [1.0, 3.0, 2.0, 4.0].repeat(3));
        seen.show(&[5, 6, 7, 8], false);
        seen.input(0, &mut input);
        assert_eq!(input[..8], [1.0, 3.0, 2.0, 4.0].repeat(2));
        assert_eq!(input[8..], [5.0, 7.0, 6.0, 8.0]);
        let mut single = Dataset::to_be_shown([1, 1, 2], Some(&plain)).unwrap();
        for (pictures, is_first) in [([7, 8], true), ([9, 10], false)] {
            single.show(&pictures, is_first);
            single.input(0, &mut input[..2]);
            assert_eq!(input[..2], pictures.map(f32::from));
        }
        let grey = Preprocessing { mean: vec![0.5], ..Preprocessing::default() };
        assert!(Dataset::to_be_shown([3, 2, 2], Some(&grey)).is_err());
    }
}
