//! The network layer by layer.

pub mod analysis_section;
pub mod layer_chips;
pub mod layer_detail;
pub mod layer_row;
pub mod layer_table;
pub mod left_in_float;
