//! What a visitor sees: one component per file, [`app`] the root of them.

mod action_bar;
pub mod app;
mod arrivals;
mod charts;
mod data_panel;
mod data_row;
mod drop_zone;
mod elapsed;
mod figures;
mod file_button;
mod frame_cell;
mod frame_strip;
mod made_panel;
mod masthead;
mod misfit;
mod network_card;
mod network_list;
mod notices;
mod opener;
mod pipeline;
mod props;
mod readouts;
mod results;
mod shell;
