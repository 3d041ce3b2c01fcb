//! The login: one at a time, kept alive, and made anew when the token turns out to be dead.
//!
//! A login that has begun outlives the call for which it began: whoever comes next goes on with it,
//! so that what can be had only once (a wrapped secret id, say) is not lost with a dropped call.
//! What is sent to log in is written in `login`.

use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use perennial_backend::{BoxFuture, Context, Error, ErrorKind, Moment, Operation, Secret};
use rustify::Endpoint;
use vaultrs::api::token::requests::LookupTokenSelfRequest;

use crate::answer;
use crate::auth::Auth;
use crate::endpoints::{self, Post};
use crate::error::{self, Site};
use crate::login::{Refused, Unwrapped};
use crate::transport::{Answer, Transport};

/// A token, and the terms on which it is held.
pub(crate) struct Held {
    pub(crate) token: Secret,
    /// Nothing where somebody in between adds one.
    header: Option<HeaderValue>,
    terms: Terms,
}

/// For how long a token is good, and when it should be seen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The lease that came with the login.
    first: Option<Duration>,
    renewable: bool,
    due: Option<Moment>,
    ends: Option<Moment>,
}

impl Terms {
    /// Makes the terms of a lease that began at `since`; `chance` picks the moment between a half
    /// and two thirds of it.
    pub(crate) fn new(
        since: Moment,
        lease: Option<Duration>,
        renewable: bool,
        chance: u64,
    ) -> Self {
        let due = lease.map(|lease| {
            let spread = (lease / 6).as_nanos().max(1);
            let extra = u128::from(chance) % spread;
            since + lease / 2 + Duration::from_nanos(u64::try_from(extra).unwrap_or_default())
        });
        Self {
            first: lease,
            renewable,
            due,
            ends: lease.map(|lease| since + (lease - MARGIN.min(lease / 10))),
        }
    }

    /// Leaves a token alone until it ends.
    pub(crate) fn without_upkeep(self) -> Self {
        Self { due: None, ..self }
    }

    fn is_over(&self, now: Moment) -> bool {
        self.ends.is_some_and(|ends| now >= ends)
    }
}

impl Held {
    pub(crate) fn new(token: Secret, terms: Terms) -> Option<Self> {
        let header = endpoints::token_header(token.expose())?;
        Some(Self {
            token,
            header: Some(header),
            terms,
        })
    }

    /// Makes what calls without a token are made with.
    pub(crate) fn nobody(since: Moment) -> Self {
        Self {
            token: Secret::from(""),
            header: None,
            terms: Terms::new(since, None, false, 0),
        }
    }

    /// Returns whether this is the same token, on whatever terms.
    fn is_same(&self, other: &Self) -> bool {
        // What is cloned shares its bytes, and a renewal only clones.
        std::ptr::eq(self.token.expose(), other.token.expose())
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}

/// The login of one vault.
pub(crate) struct Session {
    parts: Arc<Parts>,
    flight: tokio::sync::Mutex<Option<Flight>>,
}

/// What a login needs and what it leaves, shared with one that is under way.
pub(crate) struct Parts {
    pub(crate) transport: Transport,
    pub(crate) auth: Auth,
    pub(crate) namespace: Option<String>,
    pub(crate) state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    held: Option<Arc<Held>>,
    /// How many logins have ended.
    ended: u64,
    /// Why the last one failed, if it did.
    failed: Option<Error>,
    /// When the token was last known to be alive.
    alive_at: Option<Moment>,
    /// Until when a token that may not look at itself is no sign of a dead one.
    mute_until: Option<Moment>,
    pub(crate) unwrapped: Option<Unwrapped>,
    pub(crate) refused: Option<Refused>,
}

/// What a refusal says of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Alive,
    Dead,
    /// The server does not say.
    Silent,
}

/// A login that is under way.
struct Flight {
    future: BoxFuture<'static, Result<Arc<Held>, Error>>,
    /// When nobody believes in it any more.
    abandoned_at: Moment,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("auth", &self.parts.auth)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn new(transport: Transport, auth: Auth, namespace: Option<String>) -> Self {
        let parts = Arc::new(Parts {
            transport,
            auth,
            namespace,
            state: Mutex::default(),
        });
        Self {
            parts,
            flight: tokio::sync::Mutex::new(None),
        }
    }

    /// Makes a call with the token, and once more with another one if that token is dead.
    pub(crate) async fn call<E: Endpoint>(
        &self,
        cx: &Context,
        site: &Site<'_>,
        make: impl Fn() -> E + Send + Sync,
    ) -> Result<Answer, Error> {
        let held = self.token(cx).await.map_err(|error| site.about(error))?;
        let answer = self.parts.ask(cx, site, make(), &held).await?;
        if answer.status != 403 {
            return Ok(answer);
        }
        if self.parts.auth.is_none() {
            return match error::said(&answer) {
                Some(error::INVALID_TOKEN) => Err(site.about(others_token_refused())),
                _ => Err(others_token_denied(site, &answer)),
            };
        }
        let verdict = self.verdict(cx, &held, &answer).await?;
        if verdict == Verdict::Alive {
            return Ok(answer);
        }
        let again = self.replace(cx, &held).await;
        let held = again.map_err(|error| site.about(error))?;
        let answer = self.parts.ask(cx, site, make(), &held).await?;
        if answer.status == 403 && error::said(&answer) == Some(error::INVALID_TOKEN) {
            let message = "the server does not know the token that it has just granted";
            return Err(site
                .error(ErrorKind::Unavailable, message.to_owned())
                .with_retry_after(Duration::from_secs(1))
                .with_help("another node granted it, and this one has not heard of it yet"));
        }
        if answer.status == 403 && verdict == Verdict::Silent {
            self.try_to_look(cx, &held).await;
        }
        Ok(answer)
    }

    /// Returns when the token should be seen to.
    pub(crate) fn due(&self) -> Option<Moment> {
        let state = self.parts.state();
        let terms = state.held.as_ref()?.terms;
        terms.due
    }

    /// Renews the token, or logs in anew where that is of no use.
    pub(crate) async fn keep_up(&self, cx: &Context) -> Result<(), Error> {
        let held = self.parts.state().held.clone();
        let Some(held) = held else { return Ok(()) };
        if held.terms.due.is_none_or(|due| due > cx.now()) {
            return Ok(());
        }
        // Whoever renews for months never logs in, and certificates are shorter than that.
        self.parts.transport.look_again(cx).await?;
        if !held.terms.renewable {
            return self.log_in(cx, Some(&held)).await.map(|_| ());
        }
        let mut site = site_of_upkeep("auth/token/renew-self", "update");
        site.namespace = self.parts.namespace.as_deref();
        let since = cx.now();
        let answer = self.parts.ask(cx, &site, Post::renew(), &held).await?;
        match answer.status {
            200 => {
                let granted = answer::granted(&answer.body)
                    .ok_or_else(|| site.not_understood(&answer, "no lease came"))?;
                let first = held.terms.first;
                let shrunk = match (first, granted.lease) {
                    (Some(first), Some(now)) => now < first / 2,
                    _ => false,
                };
                let mut terms = Terms::new(since, granted.lease, granted.renewable, cx.random());
                terms.first = first.or(granted.lease);
                self.parts.take_terms(&held, terms);
                if shrunk && self.parts.can_log_in_anew() {
                    // It comes to its end for good, so the rest of it serves to find another one.
                    self.log_in(cx, Some(&held)).await?;
                }
                Ok(())
            }
            400 | 403 if self.parts.can_log_in_anew() => {
                self.log_in(cx, Some(&held)).await.map(|_| ())
            }
            400 | 403 if error::said(&answer) == Some(error::INVALID_TOKEN) => {
                self.parts.let_go(&held);
                Err(site.about(token_refused()))
            }
            400 | 403 => {
                // It is good until it ends, and nobody may make it longer.
                let terms = Terms {
                    due: None,
                    renewable: false,
                    ..held.terms
                };
                self.parts.take_terms(&held, terms);
                Ok(())
            }
            _ => Err(site.failed(&answer)),
        }
    }

    async fn token(&self, cx: &Context) -> Result<Arc<Held>, Error> {
        let held = self.parts.state().held.clone();
        match held {
            Some(held) if !held.terms.is_over(cx.now()) => Ok(held),
            _ => self.log_in(cx, None).await,
        }
    }

    /// Finds out whether a refusal is about the token and not about what it may do. A token that
    /// was just seen alive is not asked about, so that a path that is closed costs no more calls.
    async fn verdict(
        &self,
        cx: &Context,
        held: &Arc<Held>,
        refusal: &Answer,
    ) -> Result<Verdict, Error> {
        if error::said(refusal) == Some(error::INVALID_TOKEN) {
            return Ok(Verdict::Dead);
        }
        {
            let state = self.parts.state();
            if state.held.as_ref().is_some_and(|now| !now.is_same(held)) {
                // Somebody has another one by now.
                return Ok(Verdict::Dead);
            }
            let recently = state
                .alive_at
                .is_some_and(|at| cx.now().since(at) < ALIVE_FOR);
            let mute = state.mute_until.is_some_and(|until| cx.now() < until);
            if recently || mute {
                return Ok(Verdict::Alive);
            }
        }
        let answer = self.parts.look_up(cx, held).await?;
        Ok(match answer.status {
            200 => {
                self.parts.state().alive_at = Some(cx.now());
                Verdict::Alive
            }
            403 if error::said(&answer) == Some(error::INVALID_TOKEN) => Verdict::Dead,
            // An old server says no more of a dead token, and one that may not look at itself is
            // told no more, either: another login shows which of them it is.
            403 if self.parts.can_log_in_anew() => Verdict::Silent,
            403 => Verdict::Alive,
            _ => {
                let site = site_of_upkeep("auth/token/lookup-self", "read");
                return Err(site.failed(&answer));
            }
        })
    }

    /// Finds out whether a token that was just granted may look at itself. If not, refusals say
    /// nothing about tokens for a while, so that a closed path does not cost a login each time.
    async fn try_to_look(&self, cx: &Context, young: &Arc<Held>) {
        let looked = self.parts.look_up(cx, young).await;
        if looked.is_ok_and(|answer| answer.status == 403) {
            self.parts.state().mute_until = Some(cx.now() + MUTE_FOR);
        }
    }

    /// Puts another token in the place of a dead one.
    async fn replace(&self, cx: &Context, dead: &Arc<Held>) -> Result<Arc<Held>, Error> {
        self.parts.let_go(dead);
        let held = self.log_in(cx, Some(dead)).await?;
        if held.token.expose() == dead.token.expose() {
            self.parts.let_go(&held);
            return Err(token_refused());
        }
        Ok(held)
    }

    /// Logs in, unless somebody did meanwhile; `old` is the token that is to be replaced.
    async fn log_in(&self, cx: &Context, old: Option<&Arc<Held>>) -> Result<Arc<Held>, Error> {
        let seen = self.parts.state().ended;
        let mut gate = self.flight.lock().await;
        {
            let state = self.parts.state();
            let other = state.held.as_ref().filter(|held| {
                !held.terms.is_over(cx.now()) && old.is_none_or(|old| !old.is_same(held))
            });
            if let Some(other) = other {
                return Ok(Arc::clone(other));
            }
            // Whoever waited for a login that failed has the answer, too: were each of them to try
            // it again, a user would be locked out soon.
            if let (true, Some(failed)) = (state.ended > seen, &state.failed) {
                return Err(failed.clone());
            }
        }
        if gate
            .as_ref()
            .is_some_and(|flight| flight.abandoned_at <= cx.now())
        {
            *gate = None;
        }
        let flight = gate.get_or_insert_with(|| Flight {
            future: Box::pin(Arc::clone(&self.parts).fly(cx.clone())),
            abandoned_at: cx.now() + (2 * cx.remaining()).max(FLIGHT_LEAST),
        });
        let outcome = poll_fn(|task| flight.future.as_mut().poll(task)).await;
        *gate = None;
        outcome
    }
}

impl Parts {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a call with a token.
    async fn ask<E: Endpoint>(
        &self,
        cx: &Context,
        site: &Site<'_>,
        endpoint: E,
        held: &Held,
    ) -> Result<Answer, Error> {
        let target = &self.transport.target;
        let request = endpoints::request(target, endpoint, site.namespace, held.header.as_ref());
        let sent = match request {
            Ok(request) => self.transport.send(cx, request).await,
            Err(error) => Err(error),
        };
        sent.map_err(|error| site.about(error))
            .and_then(|answer| site.vaults(answer))
    }

    /// Asks what the server knows of a token.
    pub(crate) async fn look_up(&self, cx: &Context, held: &Held) -> Result<Answer, Error> {
        let mut site = site_of_upkeep("auth/token/lookup-self", "read");
        site.namespace = self.namespace.as_deref();
        self.ask(cx, &site, LookupTokenSelfRequest {}, held).await
    }

    /// Returns whether another login may bring another token.
    fn can_log_in_anew(&self) -> bool {
        !self.auth.is_given_token()
    }

    /// Logs in, and notes what came of it.
    async fn fly(self: Arc<Self>, cx: Context) -> Result<Arc<Held>, Error> {
        let outcome = match self.transport.look_again(&cx).await {
            Ok(()) => self.log_in(&cx).await.map(Arc::new),
            Err(error) => Err(error),
        };
        let mut state = self.state();
        state.ended += 1;
        state.failed = outcome.as_ref().err().cloned();
        if let Ok(held) = &outcome {
            state.held = Some(Arc::clone(held));
            state.alive_at = Some(cx.now());
        }
        drop(state);
        outcome
    }

    /// Lets go of a token, unless there is another one by now.
    fn let_go(&self, held: &Arc<Held>) {
        let mut state = self.state();
        if state.held.as_ref().is_some_and(|now| now.is_same(held)) {
            state.held = None;
        }
    }

    /// Notes new terms of a token, unless there is another one by now.
    fn take_terms(&self, held: &Arc<Held>, terms: Terms) {
        let mut state = self.state();
        if state.held.as_ref().is_some_and(|now| now.is_same(held)) {
            state.held = Some(Arc::new(Held {
                token: held.token.clone(),
                header: held.header.clone(),
                terms,
            }));
        }
    }
}

pub(crate) fn site_of_upkeep(path: &'static str, capability: &'static str) -> Site<'static> {
    Site {
        operation: Operation::Upkeep,
        resource: None,
        namespace: None,
        path: Cow::Borrowed(path),
        capability,
    }
}

/// Makes the error for a token that is the only one and no longer any good.
pub(crate) fn token_refused() -> Error {
    Error::new(ErrorKind::Unauthenticated, "the token was refused")
        .with_help("it has expired, was revoked, or is another server's: set a new one")
}

/// Makes the error for a token that somebody in between has added.
fn others_token_refused() -> Error {
    let message = "the token of the agent or proxy was refused";
    Error::new(ErrorKind::Unauthenticated, message)
        .with_help("its log says why it has no other one")
}

/// Makes the error for a call that is denied to somebody else's token, or that came without one:
/// the server says the same of both.
fn others_token_denied(site: &Site<'_>, answer: &Answer) -> Error {
    let error = site.failed(answer);
    let help = error.help().unwrap_or_default();
    let help = format!("does the agent or proxy add its token? If so, {help}");
    error.with_help(help)
}

/// How long before its end a token is no longer used, at the most.
const MARGIN: Duration = Duration::from_millis(500);
/// For how long a token that was seen alive is believed to be, unless the server says otherwise.
const ALIVE_FOR: Duration = Duration::from_secs(30);
/// For how long refusals are believed to say nothing about tokens, once that was seen.
const MUTE_FOR: Duration = Duration::from_secs(3600);
/// How long a login goes on at the least, however little time is left to the call that began it.
const FLIGHT_LEAST: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_seen_to_between_a_half_and_two_thirds_of_its_lease() {
        let since = Moment::from_nanos(5_000_000_000);
        for lease in [1, 60, 3600, 2_764_800].map(Duration::from_secs) {
            for chance in [0, 1, 7, u64::MAX / 3, u64::MAX] {
                let terms = Terms::new(since, Some(lease), true, chance);
                let due = terms.due.unwrap();
                assert!(due >= since + lease / 2, "{lease:?} {chance}");
                assert!(due <= since + lease * 2 / 3, "{lease:?} {chance}");
                assert!(!terms.is_over(due));
                assert!(terms.is_over(since + lease));
            }
        }
        let for_ever = Terms::new(since, None, false, 1);
        assert_eq!(for_ever.due, None);
        assert!(!for_ever.is_over(Moment::MAX - Duration::from_secs(1)));
    }

    #[test]
    fn a_token_is_not_shown() {
        let terms = Terms::new(Moment::ORIGIN, None, false, 0);
        let held = Held::new(Secret::from("s.canary"), terms).unwrap();
        assert!(!format!("{held:?}").contains("canary"));
        assert!(Held::new(Secret::from("s.line\nbreak"), terms).is_none());
    }
}
