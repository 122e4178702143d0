//! Training and its curves.

pub mod train_section;
