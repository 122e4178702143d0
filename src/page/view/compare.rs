//! Variants beside one another: figures, verdicts, times.

pub mod compare_table;
pub mod details;
pub mod made_panel;
pub mod results;
pub mod shared_panel;
pub mod short_verdict;
pub mod sort_heading;
pub mod time_section;
pub mod time_table;
pub mod values_section;
