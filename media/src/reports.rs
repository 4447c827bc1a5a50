//! Sender and receiver reports (RFC 3550 §6.4): what they tell, and the clocks behind them.

mod reception;
mod timeline;
mod wallclock;

pub(crate) use reception::{Reception, ticks};
pub(crate) use timeline::Timeline;
pub(crate) use wallclock::{WallClock, duration, middle};
