//! Backends against real servers: the conformance suite, and whole stories.
//!
//! Run by `cargo xtask live`, which brings the servers' programs; each test starts a server of its
//! own, so that none disturbs another. Nothing here runs by itself: every test is ignored, and says
//! what it needs.

#![cfg(test)]
#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    reason = "a condition of another process is waited for, with a deadline, and told by variables"
)]

mod aws;
mod gcp;
mod hcv;
mod server;
mod stories;
