//! HashiCorp Vault, the real one: the contract for KV 1 and KV 2, every login, and what a service
//! lives through.

mod conformance;
mod jwt;
mod logins;
mod outages;
mod stories;
mod tokens;
mod vault;
mod versions;
mod workloads;
