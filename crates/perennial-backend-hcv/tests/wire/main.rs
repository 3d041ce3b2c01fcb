//! What goes over the wire, exactly, and what comes back when it should not: against a stand-in
//! that answers what a test tells it to.

#![cfg(test)]

mod faults;
mod logins;
mod proxies;
mod requests;
mod stand_in;
mod support;
mod tls;
mod tokens;
