//! The verdict about what is held, and what it means for the two kinds of reader.

use core::fmt;
use core::time::Duration;

use perennial_clock::Moment;

use crate::Failed;

/// The verdict about what is held: one variant for each case that a reader can tell apart.
///
/// An `age` is the age of the value since its fetch began (or the last one that found it
/// unchanged), not the time since its ttl ended. A `failed` is the last failure, if nothing has
/// succeeded since; in `Fresh` and `Due` it does not concern readers, but says that the value may
/// not be the store's current one.
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever acts on a verdict must have an action for each"
)]
pub enum Lookup<'a, V, F> {
    /// No value may be given and asking is allowed: fetch.
    Absent {
        /// Why the last attempt brought nothing, if there was one.
        failed: Option<&'a Failed<F>>,
    },
    /// The value is fresh; nothing is to be done.
    Fresh {
        /// The value.
        value: &'a V,
        /// Its age.
        age: Duration,
        /// The last failure.
        failed: Option<&'a Failed<F>>,
    },
    /// The value is fresh, and its refresh is due: fetch in the background.
    Due {
        /// The value.
        value: &'a V,
        /// Its age.
        age: Duration,
        /// The last failure.
        failed: Option<&'a Failed<F>>,
    },
    /// The value is past its ttl, no attempt has ended since, and none has to wait for a back-off:
    /// fetch, and fall back to the value.
    Overdue {
        /// The value.
        value: &'a V,
        /// Its age.
        age: Duration,
        /// The last failure, from before ttl ended.
        failed: Option<&'a Failed<F>>,
    },
    /// The value is past its ttl and could not be refreshed, but is usable: fetch in the
    /// background from `retry_at` on.
    Stale {
        /// The value.
        value: &'a V,
        /// Its age.
        age: Duration,
        /// Why it could not be refreshed.
        failed: &'a Failed<F>,
        /// When the next attempt may be made.
        retry_at: Moment,
    },
    /// A value is held that must not be used any more: fetch from `retry_at` on.
    Expired {
        /// The age of the value.
        age: Duration,
        /// Why it could not be refreshed, if that was tried.
        failed: Option<&'a Failed<F>>,
        /// When the next attempt may be made.
        retry_at: Moment,
    },
    /// The store said that there is no value: not to be asked before `until`.
    Missing {
        /// The answer.
        failed: &'a Failed<F>,
        /// When it may be asked again.
        until: Moment,
    },
    /// No value may be given and the last attempt failed: not to be asked before `retry_at`.
    Failed {
        /// Why.
        failed: &'a Failed<F>,
        /// When the next attempt may be made.
        retry_at: Moment,
    },
}

/// What a reader gets now.
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever answers a reader must have an answer for each"
)]
pub enum Answer<'a, V, F> {
    /// A fresh value.
    Fresh {
        /// The value.
        value: &'a V,
        /// Its age since the fetch began.
        age: Duration,
    },
    /// A value past its ttl.
    Stale {
        /// The value.
        value: &'a V,
        /// Its age since the fetch began.
        age: Duration,
        /// Why it could not be refreshed, if that was tried.
        failed: Option<&'a Failed<F>>,
    },
    /// An error: what is held must not be used any more.
    Expired {
        /// The age of what is held.
        age: Duration,
        /// Why it could not be refreshed, if that was tried.
        failed: Option<&'a Failed<F>>,
        /// When the next attempt may be made.
        retry_at: Moment,
    },
    /// An error: the remembered one.
    Failed {
        /// What went wrong.
        failed: &'a Failed<F>,
        /// When the next attempt may be made; `None` is at once.
        retry_at: Option<Moment>,
    },
    /// An error: nobody has asked the store yet.
    NotYet,
}

/// What a reader who can wait does now.
#[expect(
    clippy::exhaustive_enums,
    reason = "there is nothing else that a reader could do"
)]
pub enum Wait<'a, V, F> {
    /// Takes the answer.
    No(Answer<'a, V, F>),
    /// Waits for one shared fetch, then looks up again and takes the answer *for an instant
    /// reader*, whatever became of the fetch: so nobody waits twice.
    ForFetch {
        /// What it gets if it cannot wait that long.
        otherwise: Answer<'a, V, F>,
    },
}

impl<'a, V, F> Lookup<'a, V, F> {
    /// Returns the value, where a reader may be given one.
    #[must_use]
    pub const fn value(&self) -> Option<&'a V> {
        match self {
            Self::Fresh { value, .. }
            | Self::Due { value, .. }
            | Self::Overdue { value, .. }
            | Self::Stale { value, .. } => Some(*value),
            _ => None,
        }
    }

    /// Returns whether there is a value inside its ttl and before its hard end.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        matches!(self, Self::Fresh { .. } | Self::Due { .. })
    }

    /// Returns the last failure, if nothing has succeeded since.
    #[must_use]
    pub const fn failed(&self) -> Option<&'a Failed<F>> {
        match self {
            Self::Absent { failed }
            | Self::Fresh { failed, .. }
            | Self::Due { failed, .. }
            | Self::Overdue { failed, .. }
            | Self::Expired { failed, .. } => *failed,
            Self::Stale { failed, .. }
            | Self::Missing { failed, .. }
            | Self::Failed { failed, .. } => Some(*failed),
        }
    }

    /// Returns whether a fetch should be started, unless one is under way. `now` is that of the
    /// lookup.
    #[must_use]
    pub fn wants_fetch(&self, now: Moment) -> bool {
        match self {
            Self::Absent { .. } | Self::Due { .. } | Self::Overdue { .. } => true,
            Self::Fresh { .. } => false,
            Self::Stale { retry_at, .. }
            | Self::Expired { retry_at, .. }
            | Self::Missing {
                until: retry_at, ..
            }
            | Self::Failed { retry_at, .. } => now >= *retry_at,
        }
    }

    /// Returns what a reader gets who takes what there is: `load`, `cached`.
    #[must_use]
    pub const fn for_instant_reader(self) -> Answer<'a, V, F> {
        match self {
            Self::Absent { failed: None } => Answer::NotYet,
            Self::Absent {
                failed: Some(failed),
            } => Answer::Failed {
                failed,
                retry_at: None,
            },
            Self::Fresh { value, age, .. } | Self::Due { value, age, .. } => {
                Answer::Fresh { value, age }
            }
            Self::Overdue { value, age, failed } => Answer::Stale { value, age, failed },
            Self::Stale {
                value, age, failed, ..
            } => Answer::Stale {
                value,
                age,
                failed: Some(failed),
            },
            Self::Expired {
                age,
                failed,
                retry_at,
            } => Answer::Expired {
                age,
                failed,
                retry_at,
            },
            Self::Missing {
                failed,
                until: retry_at,
            }
            | Self::Failed { failed, retry_at } => Answer::Failed {
                failed,
                retry_at: Some(retry_at),
            },
        }
    }

    /// Returns what a reader does who can wait: `get`. `now` is that of the lookup.
    #[must_use]
    pub fn for_waiting_reader(self, now: Moment) -> Wait<'a, V, F> {
        let waits = match self {
            Self::Absent { .. } | Self::Overdue { .. } => true,
            Self::Expired { retry_at, .. } => now >= retry_at,
            _ => false,
        };
        let answer = self.for_instant_reader();
        if waits {
            Wait::ForFetch { otherwise: answer }
        } else {
            Wait::No(answer)
        }
    }
}

impl<'a, V, F> Answer<'a, V, F> {
    /// Returns the value, where there is one.
    #[must_use]
    pub const fn value(&self) -> Option<&'a V> {
        match self {
            Self::Fresh { value, .. } | Self::Stale { value, .. } => Some(*value),
            _ => None,
        }
    }
}

impl<V, F> Clone for Lookup<'_, V, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V, F> Copy for Lookup<'_, V, F> {}

impl<V, F> Clone for Answer<'_, V, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V, F> Copy for Answer<'_, V, F> {}

impl<V, F> Clone for Wait<'_, V, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V, F> Copy for Wait<'_, V, F> {}

/// Shows neither the value nor the detail of a failure.
impl<V, F> fmt::Debug for Lookup<'_, V, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, age, next) = match self {
            Self::Absent { .. } => ("Absent", None, None),
            Self::Fresh { age, .. } => ("Fresh", Some(age), None),
            Self::Due { age, .. } => ("Due", Some(age), None),
            Self::Overdue { age, .. } => ("Overdue", Some(age), None),
            Self::Stale { age, retry_at, .. } => ("Stale", Some(age), Some(retry_at)),
            Self::Expired { age, retry_at, .. } => ("Expired", Some(age), Some(retry_at)),
            Self::Missing { until, .. } => ("Missing", None, Some(until)),
            Self::Failed { retry_at, .. } => ("Failed", None, Some(retry_at)),
        };
        show(f, name, age, self.failed(), next)
    }
}

/// Shows neither the value nor the detail of a failure.
impl<V, F> fmt::Debug for Answer<'_, V, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fresh { age, .. } => show::<F>(f, "Fresh", Some(age), None, None),
            Self::Stale { age, failed, .. } => show(f, "Stale", Some(age), *failed, None),
            Self::Expired {
                age,
                failed,
                retry_at,
            } => show(f, "Expired", Some(age), *failed, Some(retry_at)),
            Self::Failed { failed, retry_at } => {
                show(f, "Failed", None, Some(*failed), retry_at.as_ref())
            }
            Self::NotYet => f.write_str("NotYet"),
        }
    }
}

/// Shows neither the value nor the detail of a failure.
impl<V, F> fmt::Debug for Wait<'_, V, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No(answer) => f.debug_tuple("No").field(answer).finish(),
            Self::ForFetch { otherwise } => f
                .debug_struct("ForFetch")
                .field("otherwise", otherwise)
                .finish(),
        }
    }
}

fn show<F>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    age: Option<&Duration>,
    failed: Option<&Failed<F>>,
    next: Option<&Moment>,
) -> fmt::Result {
    let mut shown = f.debug_struct(name);
    if let Some(age) = age {
        shown.field("age", age);
    }
    if let Some(failed) = failed {
        shown.field("failed", failed);
    }
    if let Some(next) = next {
        shown.field("retry_at", next);
    }
    shown.finish_non_exhaustive()
}

#[cfg(test)]
mod tests;
