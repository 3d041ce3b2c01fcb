//! The built binary, as a user runs it: what it prints where, and the code with which it ends.

#![cfg(test)]

mod clouds;
mod documents;
mod explain;
mod files;
mod get;
mod program;
mod watch;
mod wrong;
