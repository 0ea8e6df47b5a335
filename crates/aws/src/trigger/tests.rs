//! The road, with every crash and every meeting that there can be.

mod cases;
mod crashes;
mod dispatch;
mod faults;
mod meetings;
