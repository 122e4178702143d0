//! Frames and labels: read from what a user brings, handed out in the network's own form.

mod archive;
mod dataset;
mod images;
pub mod npy;
pub mod npz;
mod prepare;

pub use dataset::Dataset;
pub use images::is_image_name;
pub use prepare::Preparer;
