//! The primitives of what we synchronise ourselves, in one place, so that a model checker can put its
//! own in their stead. Nothing else is here.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
