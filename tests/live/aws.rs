//! AWS against moto: the conformance suite, rotations, outages, roles.

mod conformance;
mod moto;
mod roles;
mod stories;
mod writing;
