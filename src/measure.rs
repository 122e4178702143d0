//! What is said about a network: one metric per file, one function each.

pub mod latency;
pub mod operations;
pub mod size;
