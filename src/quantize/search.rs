//! Searching the recipe that meets a target.

mod road;
mod run;
mod space;
mod widths;

pub use road::{NoRoad, Road};
pub use run::{Listener, halves, search};
