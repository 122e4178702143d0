//! The use-cases: load, inspect, quantize, evaluate, compare.

pub mod protocol;
