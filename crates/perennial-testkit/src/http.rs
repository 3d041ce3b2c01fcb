//! A scripted HTTP server on loopback, for backends that speak to their store over HTTP.
//!
//! It answers as a test tells it to, badly too, and remembers what it was asked. Nothing of any
//! provider's protocol is known here.

mod answer;
mod identity;
mod received;
mod server;

pub use answer::Answer;
pub use identity::{Identity, Pair};
pub use received::Received;
pub use server::HttpServer;
