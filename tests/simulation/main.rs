//! Whole stories in simulated time: a resolver, scripted stores, and a clock that a test moves.

#![cfg(test)]

mod batches;
mod freshness;
mod hints;
mod jumps;
mod load;
mod logins;
mod outage;
mod properties;
mod starts;
mod surfaces;
mod told;
mod vaults;
mod world;
