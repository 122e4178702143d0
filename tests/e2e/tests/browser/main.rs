//! The built site in a browser: one program, so that two tests go at once from the first to the last.

mod drive;
mod driving_data;
mod faults;
mod main_path;
mod page;
mod recipes;
mod site;
mod training;
mod workbench;
