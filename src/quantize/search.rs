//! Searching the recipe that meets a target.

mod run;
mod space;
mod widths;

pub use run::{Listener, halves, search};
