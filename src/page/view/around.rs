//! What stands around every place.

pub mod action_bar;
pub mod elapsed;
pub mod explain;
pub mod kept_line;
pub mod masthead;
pub mod notices;
pub mod places;
pub mod readouts;
pub mod share;
pub mod stale;
pub mod tour;
pub mod working;
