//! What goes over the wire, exactly, and what becomes of every fault that an emulator cannot make.

#![cfg(test)]

mod answers;
mod batches;
mod clock;
mod connections;
mod credentials;
mod dates;
mod endpoints;
mod environment;
mod faults;
mod requests;
mod scene;
mod silence;
mod trust;
mod writing;

#[path = "../scripted/store.rs"]
mod store;

#[path = "../scripted/sts.rs"]
mod sts;
