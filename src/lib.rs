//! The server: HTTP, signaling, SQL, configuration and wiring.

pub mod app;
pub mod auth;
pub mod causes;
pub mod cli;
pub mod clock;
pub mod config;
pub mod files;
pub mod http;
mod lasting;
mod prefault;
pub mod recording;
pub mod signaling;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod transcription;
pub mod turn;
pub mod voice;
pub mod webhooks;
