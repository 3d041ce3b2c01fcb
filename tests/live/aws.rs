//! AWS against moto: the conformance suite, rotations, outages, roles.

mod conformance;
mod moto;
mod roles;
mod shared;
mod stories;
mod writing;
