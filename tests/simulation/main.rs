//! Whole stories in simulated time: a resolver, scripted stores, and a clock that a test moves.

#![cfg(test)]

mod freshness;
mod outage;
mod vaults;
mod world;
