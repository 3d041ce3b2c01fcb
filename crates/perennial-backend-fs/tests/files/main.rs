//! Files, directories, volumes and everything that may stand in their way.

#![cfg(test)]
#![cfg(unix)]

mod denied;
mod directories;
mod escapes;
mod fetch;
mod meanwhile;
mod single;
mod stage;
mod volumes;
