//! Frames as pictures.

pub mod frame_cell;
pub mod frame_grid;
pub mod frame_strip;
pub mod pixels;
