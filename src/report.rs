//! A comparison as something to hand to a colleague, and what says it again to other tools.
//!
//! Plain functions of plain data, so that the page has them as the command line does. A [`Document`] is
//! what is told; its parts are put into words and tables once, whatever they are written as.

mod chart;
#[doc(hidden)]
pub mod command;
pub mod csv;
mod document;
mod escape;
#[doc(hidden)]
pub mod figure;
pub mod html;
pub mod markdown;
pub mod node_data;
pub mod overrides;
#[doc(hidden)]
pub mod rows;
#[doc(hidden)]
pub mod scale;
mod section;
pub mod verdict;
#[doc(hidden)]
pub mod words;

pub use document::{Comparison, Document, Frames, Variant};
