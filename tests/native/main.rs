//! What only a native program does, or what needs no browser to be known. One program, because each is
//! linked with the whole core.
#![cfg(feature = "cli")]

#[path = "../asking/mod.rs"]
mod asking;
#[path = "../made_up/mod.rs"]
mod made_up;

mod analysis;
mod command_line;
mod drawn;
mod drive;
mod driving_networks;
mod exported_networks;
mod inputs;
mod mutated;
mod odd_networks;
mod onnx_files;
mod recipes;
mod reports;
mod standard;
mod values;
