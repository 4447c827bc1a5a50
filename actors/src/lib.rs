//! Who lives and who watches whom: calls, call, room, participant and media port.
//!
//! No HTTP, no SQL: what this crate needs of them it asks through small traits.

mod alarm;
pub mod announcer;
pub mod call;
pub mod calls;
pub mod clock;
pub mod event;
pub mod heartbeat;
pub mod journal;
pub mod lifeline;
pub mod metrics;
pub mod participant;
pub mod port;
pub mod ports;
pub mod recorder;
pub mod restarts;
pub mod room;
pub mod services;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod transcriber;

pub use port::{Datagrams, PortEgress, PortHandle};
pub use ports::{MediaConfig, MediaPorts, PortsError};
