//! The road, with every crash and every meeting that there can be.

mod cases;
mod crashes;
mod faults;
mod meetings;
