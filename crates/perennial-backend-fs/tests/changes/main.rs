//! What is told when files change, by the system's own news and by looking from time to time.

#![cfg(test)]
#![cfg(unix)]

#[path = "../files/stage.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod stage;

mod chaos;
mod ear;
#[path = "../files/fetch.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod fetch;
mod files;
mod limits;
mod links;
mod live;
mod places;
