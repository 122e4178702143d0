//! A comparison as something to hand to a colleague, and what says it again to other tools.
//!
//! Plain functions of plain data, so that the page has them as the command line does. A [`Document`] is
//! what is told; its parts are put into words and tables once, whatever they are written as.

mod chart;
pub mod command;
pub mod csv;
mod document;
mod escape;
pub mod figure;
pub mod html;
pub mod markdown;
pub mod node_data;
pub mod overrides;
pub mod rows;
pub mod scale;
mod section;
pub mod verdict;
pub mod words;

pub use document::{Comparison, Document, Frames, Variant};
