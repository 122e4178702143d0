//! What a network's answers are worth: by class, by value, and beside the float network's. Whoever
//! scores, compares or shows answers asks here.

pub mod classes;
pub mod distance;
pub mod driving;
pub mod judge;
pub mod noise;
pub mod tally;
pub mod values;
