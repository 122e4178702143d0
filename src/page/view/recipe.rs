//! The recipe, and the search for one.

pub mod option_field;
pub mod recipe_panel;
pub mod road_section;
pub mod search_results;
pub mod search_section;
