//! A comparison as something to hand to a colleague, and what says it again to other tools.
//!
//! Plain functions of plain data, so that the page has them as the command line does.

pub mod command;
pub mod rows;
pub mod scale;
pub mod verdict;
pub mod words;
