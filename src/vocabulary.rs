//! Plain data that several modules and the page share: what is asked for, and what comes of it.
//!
//! Below everything that computes, so that the page can have it without any of that.

pub mod analysis;
pub mod driving;
pub mod entering;
pub mod file;
pub mod frames;
pub mod labelling;
pub mod labels;
pub mod plan;
pub mod preprocessing;
pub mod quantization;
pub mod reading;
pub mod recipe;
pub mod report;
pub mod search;
#[doc(hidden)]
pub mod stage;
pub mod task;
pub mod training;
