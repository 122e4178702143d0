//! Frames and labels: read from what a user brings, handed out in the network's own form.

mod archive;
mod dataset;
mod decode;
mod entry;
mod images;
pub mod npy;
pub mod npz;
mod prepare;
mod records;
mod sample;
mod tree;

pub use dataset::Dataset;
pub use entry::{is_image_name, is_record_name};
pub use images::write_zip;
pub use prepare::Preparer;
