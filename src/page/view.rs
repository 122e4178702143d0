//! What a visitor sees: one component per file, [`app`] the root of them.

pub mod app;
mod around;
mod arrivals;
mod charts;
mod compare;
mod data;
#[cfg(feature = "first-view")]
pub mod first_view;
mod frames;
mod layers;
mod layout;
mod networks;
mod props;
mod recipe;
mod shell;
mod stage;
mod train;
