//! The switchboard of the project's chores.

fn main() {}
