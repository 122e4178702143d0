//! The networks to choose from, and what becomes of the chosen one.

pub mod network_card;
pub mod network_list;
pub mod pipeline;
