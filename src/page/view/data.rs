//! What is opened, how it enters and what its labels are.

pub mod data_panel;
pub mod data_row;
pub mod drop_zone;
pub mod entering_figure;
pub mod file_button;
pub mod frames_field;
pub mod labels_field;
pub mod misfit;
pub mod opener;
pub mod outputs_field;
