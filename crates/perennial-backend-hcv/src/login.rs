//! One login, method by method: what is read, what is sent, and what comes back.
//!
//! When to log in, and what becomes of the token, is decided in `session`.

use std::borrow::Cow;
use std::time::Duration;

use aws_lc_rs::digest::{Context as Hasher, SHA256};
use http::HeaderValue;
use perennial_backend::{Context, Error, ErrorKind, Field, Moment, Operation, Secret};

use crate::answer;
use crate::auth::{Method, Source, check_token};
use crate::endpoints::{self, Post};
use crate::error::{self, Site};
use crate::fields;
use crate::files;
use crate::session::{Held, Parts, Terms, token_refused};
use crate::sigv4;

/// What became of a wrapping token.
pub(crate) struct Unwrapped {
    wrapping: Secret,
    /// The secret id that had been in it, or why it is known to be lost; nothing if the token was
    /// sent and no answer to that is known.
    outcome: Option<Result<Secret, Error>>,
}

/// A login that the server refused.
pub(crate) struct Refused {
    /// What was sent, as a digest.
    sent: Fingerprint,
    at: Moment,
    error: Error,
}

/// A digest of all that a login is made with.
type Fingerprint = [u8; 32];

impl Parts {
    /// Logs in once, but not again for a while with what the server has refused: users are locked
    /// out for less.
    pub(crate) async fn log_in(&self, cx: &Context) -> Result<Held, Error> {
        let path = &*self.auth.path;
        let post = match &self.auth.method {
            Method::None => return Ok(Held::nobody(cx.now())),
            Method::Token(source) => return self.take_token(cx, source).await,
            Method::AppRole {
                role_id,
                secret_id,
                wrapped,
            } => {
                let role = text(role_id, &fields::APPROLE_ROLE_ID)?;
                let secret = match secret_id {
                    Some(source) => {
                        let read = files::read(cx, source, &fields::APPROLE_SECRET_ID_FILE).await?;
                        Some(if *wrapped {
                            self.unwrap(cx, read).await?
                        } else {
                            read
                        })
                    }
                    None => None,
                };
                match &secret {
                    Some(secret) => {
                        let secret = text(secret, &fields::APPROLE_SECRET_ID)?;
                        Post::login(path, "", &[("role_id", role), ("secret_id", secret)])
                    }
                    None => Post::login(path, "", &[("role_id", role)]),
                }
            }
            Method::Kubernetes { role, token } => {
                let jwt = self.jwt(cx, token, &fields::KUBE_API_TOKEN_FILE).await?;
                let jwt = text(&jwt, &fields::KUBE_API_TOKEN_FILE)?;
                Post::login(path, "", &[("role", role), ("jwt", jwt)])
            }
            Method::Jwt { role, token } => {
                let jwt = self.jwt(cx, token, &fields::JWT_FILE).await?;
                let jwt = text(&jwt, &fields::JWT_FILE)?;
                match role {
                    Some(role) => Post::login(path, "", &[("role", role), ("jwt", jwt)]),
                    None => Post::login(path, "", &[("jwt", jwt)]),
                }
            }
            Method::Cert { role: Some(role) } => Post::login(path, "", &[("name", role)]),
            Method::Cert { role: None } => Post::login(path, "", &[]),
            Method::UserPass { user, password } => {
                let password = files::read(cx, password, &fields::USERPASS_PASSWORD_FILE).await?;
                let password = text(&password, &fields::USERPASS_PASSWORD)?;
                Post::login(path, &format!("/{user}"), &[("password", password)])
            }
            Method::AwsIam {
                role,
                region,
                keys,
                endpoint,
                server_id,
            } => {
                let caller = sigv4::Caller {
                    keys,
                    region,
                    endpoint: endpoint.as_deref(),
                    server_id: server_id.as_deref(),
                };
                let signed = caller.sign(cx.unix_time())?;
                Post::login(
                    path,
                    "",
                    &[
                        ("role", role),
                        ("iam_http_request_method", "POST"),
                        ("iam_request_url", &signed.url),
                        ("iam_request_body", &signed.body),
                        ("iam_request_headers", &signed.headers),
                    ],
                )
            }
        };
        let site = self.site(format!("auth/{path}/login"));
        let since = cx.now();
        let sent = self.fingerprint(&post);
        if let Some(refused) = &self.state().refused
            && refused.sent == sent
            && since.since(refused.at) < REFUSED_FOR
        {
            return Err(refused.error.clone());
        }
        let answer = self.post(cx, &site, post, None).await?;
        if !answer.is_success() {
            let error = error::refused(&site, &answer, self.auth.method());
            if error.kind() == ErrorKind::Unauthenticated {
                self.state().refused = Some(Refused {
                    sent,
                    at: cx.now(),
                    error: error.clone(),
                });
            }
            return Err(error);
        }
        let granted = answer::granted(&answer.body)
            .ok_or_else(|| site.not_understood(&answer, "no token came"))?;
        let terms = Terms::new(since, granted.lease, granted.renewable, cx.random());
        let held = match check_token(&granted.token) {
            Ok(()) => Held::new(granted.token, terms),
            Err(_) => None,
        };
        held.ok_or_else(|| site.not_understood(&answer, "what came is no token"))
    }

    /// Makes a digest of what a login is made with, so that the same is known again.
    fn fingerprint(&self, post: &Post) -> Fingerprint {
        let mut digest = Hasher::new(&SHA256);
        // What AWS is sent holds the time, and the keys behind it are given once and for all.
        if !matches!(self.auth.method, Method::AwsIam { .. }) {
            digest.update(post.body());
        }
        // Whoever logs in by certificate sends nothing else.
        self.transport
            .with_client_certificate(|part| digest.update(part));
        let mut fingerprint = Fingerprint::default();
        fingerprint.copy_from_slice(digest.finish().as_ref());
        fingerprint
    }

    /// Takes a token that was given, and asks for its terms.
    async fn take_token(&self, cx: &Context, source: &Source) -> Result<Held, Error> {
        let read = files::read(cx, source, &fields::TOKEN_FILE).await;
        let token = read.map_err(|error| {
            let code = error.cause().and_then(|cause| cause.code());
            let error = if code == Some("NotFound") && source.is_of_helper() {
                // Nobody writes this one by and by: whoever wants it there has to log in.
                Error::new(
                    ErrorKind::Unauthenticated,
                    "there is no token: none is set, and nobody has logged in",
                )
            } else {
                error
            };
            error.with_help(
                "log in with `vault login` or `bao login`, or set `token`, `token_file` or another \
                 `auth_method`",
            )
        })?;
        check_token(&token).map_err(|flaw| {
            Error::new(ErrorKind::Unauthenticated, format!("the token {flaw}"))
                .with_help("compare the file of the setting `token_file`")
        })?;
        // Until the server says otherwise, it is good for ever and cannot be renewed.
        let unknown = Terms::new(cx.now(), None, false, 0);
        let held = Held::new(token, unknown).ok_or_else(token_refused)?;
        let since = cx.now();
        let answer = self.look_up(cx, &held).await?;
        let known = match answer.status {
            200 => answer::known(&answer.body),
            403 if error::said(&answer) == Some(error::INVALID_TOKEN) => {
                return Err(token_refused());
            }
            // A token may be forbidden to look at itself and be good for all else.
            403 | 404 => return Ok(held),
            _ => {
                return Err(self
                    .site("auth/token/lookup-self".to_owned())
                    .failed(&answer));
            }
        };
        let Some(known) = known else {
            let site = self.site("auth/token/lookup-self".to_owned());
            return Err(site.not_understood(&answer, "no terms came"));
        };
        let terms = Terms::new(since, known.lease, known.renewable, cx.random());
        let terms = if self.auth.is_given_token() && !known.renewable {
            terms.without_upkeep()
        } else {
            terms
        };
        Held::new(held.token, terms).ok_or_else(token_refused)
    }

    async fn jwt(
        &self,
        cx: &Context,
        path: &std::path::Path,
        field: &Field,
    ) -> Result<Secret, Error> {
        files::read(cx, &Source::file(path), field).await
    }

    /// Takes a secret id out of its wrapping token: once for each token, unless it may still be
    /// in there.
    async fn unwrap(&self, cx: &Context, wrapping: Secret) -> Result<Secret, Error> {
        let mut sent_before = false;
        if let Some(unwrapped) = &self.state().unwrapped
            && unwrapped.wrapping.expose() == wrapping.expose()
        {
            if let Some(outcome) = &unwrapped.outcome {
                return outcome.clone();
            }
            sent_before = true;
        }
        let note = |outcome| {
            self.state().unwrapped = Some(Unwrapped {
                wrapping: wrapping.clone(),
                outcome,
            });
        };
        let site = self.site("sys/wrapping/unwrap".to_owned());
        let not_a_token = || {
            site.error(
                ErrorKind::Unauthenticated,
                "what the secret id is wrapped in is no token".to_owned(),
            )
        };
        let header = check_token(&wrapping)
            .ok()
            .and_then(|()| endpoints::token_header(wrapping.expose()))
            .ok_or_else(not_a_token)?;
        note(None);
        let answer = self.post(cx, &site, Post::unwrap(), Some(&header)).await?;
        let said = error::said(&answer);
        match answer.status {
            200..300 => {
                let outcome = answer::unwrapped(&answer.body)
                    .ok_or_else(|| site.not_understood(&answer, "no secret id was wrapped"));
                note(Some(outcome.clone()));
                outcome
            }
            400 | 403 if !error::passes(said) => {
                let gone = matches!(said, Some(error::WRAPPING_GONE | error::INVALID_TOKEN));
                let help = match (gone, sent_before) {
                    (true, false) => LOST,
                    (true, true) => LOST_HERE,
                    (false, _) => "the log of the server says why; it is tried again",
                };
                let error = site
                    .error(
                        ErrorKind::Unauthenticated,
                        "the wrapped secret id cannot be unwrapped".to_owned(),
                    )
                    .with_help(help)
                    .with_cause(error::cause(&answer, said));
                if gone {
                    note(Some(Err(error.clone())));
                }
                Err(error)
            }
            _ => Err(site.failed(&answer)),
        }
    }

    async fn post(
        &self,
        cx: &Context,
        site: &Site<'_>,
        post: Post,
        token: Option<&HeaderValue>,
    ) -> Result<crate::transport::Answer, Error> {
        let namespace = self.namespace.as_deref();
        let request = endpoints::request(&self.transport.target, post, namespace, token)?;
        let sent = self.transport.send(cx, request).await;
        sent.map_err(|error| site.about(error))
            .and_then(|answer| site.vaults(answer))
    }

    fn site(&self, path: String) -> Site<'_> {
        Site {
            operation: Operation::Upkeep,
            resource: None,
            namespace: self.namespace.as_deref(),
            path: Cow::Owned(path),
            capability: "update",
        }
    }
}

fn text<'s>(secret: &'s Secret, field: &Field) -> Result<&'s str, Error> {
    secret.expose_str().map_err(|_| {
        Error::new(
            ErrorKind::Unauthenticated,
            format!("what was given for `{}` is not text", field.name()),
        )
    })
}

/// For how long what was refused is not sent again.
const REFUSED_FOR: Duration = Duration::from_secs(60);

const LOST: &str = "it has expired, or somebody else has unwrapped it before, which may be a \
                    theft: wrap a new one; each vault needs a wrapping token of its own, and \
                    another one after its settings change";
const LOST_HERE: &str = "it has expired, or somebody else has unwrapped it before, which may be a \
                         theft, or an earlier attempt from here lost the answer: wrap a new one";
