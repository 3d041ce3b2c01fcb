//! What vaultrs lacks or gets wrong: calls that it does not have, and how every call is made.
//!
//! The calls of KV, of looking a token up and of health are vaultrs' own, and so are the version in
//! the path and the namespace in the header. What stands here, and why:
//!
//! - Calls are made by its endpoints and sent by `transport`: its own way of sending drops the
//!   headers and the body of every answer that is not a success, and with them `Retry-After` and
//!   what tells a deleted version from one that never was.
//! - The token goes into a header that is marked as sensitive, here. Its middleware panics on a
//!   token with a line break, and shows the token in its `Debug`.
//! - Logins, unwrapping and renewing: its types keep credentials in plain strings that nobody
//!   wipes, the one for certificates sends `cert_name` where the server reads `name`, and the path
//!   of the one for renewing begins with a tab.
//! - The mount's own description, `sys/internal/ui/mounts`, is not in it.
//! - Writing a version: its type reads the value into numbers of its own and limits the expected
//!   version to 32 bits; here the bytes go as they are.
//! - An address with a path is put together wrongly by it (`/v1` comes before the path), and a call
//!   without a version ends in a question mark.

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request, Uri};
use perennial_backend::{Error, ErrorKind};
use rustify::Endpoint;
use rustify::enums::{RequestMethod, RequestType, ResponseType};
use rustify::errors::ClientError;
use vaultrs::api::EndpointMiddleware;
use zeroize::Zeroizing;

use crate::transport::Target;

/// Makes the request of an endpoint.
pub(crate) fn request<E: Endpoint>(
    target: &Target,
    endpoint: E,
    namespace: Option<&str>,
    token: Option<&HeaderValue>,
) -> Result<Request<Vec<u8>>, Error> {
    let middleware = EndpointMiddleware {
        token: String::new(),
        version: "v1".to_owned(),
        wrap: None,
        namespace: namespace.map(str::to_owned),
    };
    let mut request = endpoint
        .with_middleware(&middleware)
        .request(&target.origin)
        .map_err(|_| not_made())?;
    let behind = request.uri().path_and_query();
    let behind = behind.map_or("/", |path| path.as_str());
    if !target.prefix.is_empty() || behind.ends_with('?') {
        let behind = behind.trim_end_matches('?');
        let whole = format!("{}{}{behind}", target.origin, target.prefix);
        *request.uri_mut() = whole.parse::<Uri>().map_err(|_| not_made())?;
    }
    let headers = request.headers_mut();
    if let Some(token) = token {
        headers.insert(TOKEN, token.clone());
    }
    if !request.body().is_empty() {
        request
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, JSON);
    }
    Ok(request)
}

/// Makes the header that carries a token; its `Debug` shows nothing.
pub(crate) fn token_header(token: &[u8]) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_bytes(token).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// Returns how long the server asks to be left alone.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<std::time::Duration> {
    // The other form of this header is a date, which neither of the two servers sends.
    let seconds = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    Some(std::time::Duration::from_secs(seconds.trim().parse().ok()?))
}

fn not_made() -> Error {
    Error::new(ErrorKind::Unexpected, "the call could not be put together")
}

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A call with a body that was made by us and that the transport wipes.
pub(crate) struct Post {
    path: String,
    body: Zeroizing<Vec<u8>>,
}

impl Post {
    /// Logs in at the path below `auth` at which a method is mounted.
    pub(crate) fn login(path: &str, behind: &str, fields: &[(&str, &str)]) -> Self {
        Self::new(format!("auth/{path}/login{behind}"), fields)
    }

    /// Takes what is wrapped in the token with which it is sent out of it, which can be done once.
    pub(crate) fn unwrap() -> Self {
        Self::new("sys/wrapping/unwrap".to_owned(), &[])
    }

    /// Renews the token with which it is sent.
    pub(crate) fn renew() -> Self {
        Self::new("auth/token/renew-self".to_owned(), &[])
    }

    /// Returns what is sent.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Writes a version; `object` is a JSON object, and `cas` the version that must be in force.
    pub(crate) fn put(mount: &str, name: &str, object: &[u8], cas: Option<u64>) -> Self {
        let options = cas.map(|version| format!(",\"options\":{{\"cas\":{version}}}"));
        let options = options.unwrap_or_default();
        let mut body = Zeroizing::new(Vec::with_capacity(object.len() + options.len() + 10));
        body.extend_from_slice(b"{\"data\":");
        body.extend_from_slice(object);
        body.extend_from_slice(options.as_bytes());
        body.push(b'}');
        Self {
            path: format!("{mount}/data/{name}"),
            body,
        }
    }

    fn new(path: String, fields: &[(&str, &str)]) -> Self {
        // Escaping makes a byte six at the most, so the buffer never moves and leaves no copy.
        let room = fields
            .iter()
            .map(|(name, text)| 6 * text.len() + name.len() + 6);
        let mut body = Zeroizing::new(Vec::with_capacity(room.sum::<usize>() + 2));
        body.push(b'{');
        for (index, (name, text)) in fields.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            // Writing text into memory does not fail.
            let _ = serde_json::to_writer(&mut *body, name);
            body.push(b':');
            let _ = serde_json::to_writer(&mut *body, text);
        }
        body.push(b'}');
        Self { path, body }
    }
}

#[perennial_backend::async_trait]
impl Endpoint for Post {
    type Response = ();
    const REQUEST_BODY_TYPE: RequestType = RequestType::JSON;
    const RESPONSE_BODY_TYPE: ResponseType = ResponseType::JSON;

    fn path(&self) -> String {
        self.path.clone()
    }

    fn method(&self) -> RequestMethod {
        RequestMethod::POST
    }

    fn body(&self) -> Result<Option<Vec<u8>>, ClientError> {
        Ok(Some(self.body.to_vec()))
    }
}

/// Asks what is mounted at a path.
pub(crate) struct MountInfo {
    pub(crate) mount: String,
}

#[perennial_backend::async_trait]
impl Endpoint for MountInfo {
    type Response = ();
    const REQUEST_BODY_TYPE: RequestType = RequestType::JSON;
    const RESPONSE_BODY_TYPE: ResponseType = ResponseType::JSON;

    fn path(&self) -> String {
        format!("sys/internal/ui/mounts/{}", self.mount)
    }

    fn method(&self) -> RequestMethod {
        RequestMethod::GET
    }
}

#[cfg(test)]
mod tests {
    use perennial_backend::Secret;
    use vaultrs::api::kv2::requests::ReadSecretRequest;

    use super::*;

    fn made<E: Endpoint>(address: &str, endpoint: E) -> Request<Vec<u8>> {
        let token = token_header(b"s.canary");
        let target = Target::parse(address).unwrap();
        request(&target, endpoint, Some("team"), token.as_ref()).unwrap()
    }

    fn read(name: &str, version: Option<u64>) -> ReadSecretRequest {
        ReadSecretRequest {
            mount: "secret".to_owned(),
            path: name.to_owned(),
            version,
        }
    }

    #[test]
    fn every_call_goes_where_the_server_expects_it() {
        let check = |request: Request<Vec<u8>>, line: &str, body: &str| {
            let found = format!("{} {}", request.method(), request.uri());
            assert_eq!(found, line);
            assert_eq!(request.body(), body.as_bytes());
        };
        let plain = "http://h:8200";
        check(
            made(plain, read("app/db", None)),
            "GET http://h:8200/v1/secret/data/app/db",
            "",
        );
        check(
            made(plain, read("a b?c#d%41ä", Some(3))),
            "GET http://h:8200/v1/secret/data/a%20b%3Fc%23d%2541%C3%A4?version=3",
            "",
        );
        check(
            made("https://h/proxy/vault/", read("db", None)),
            "GET https://h/proxy/vault/v1/secret/data/db",
            "",
        );
        let mount = "team/kv".to_owned();
        check(
            made(plain, MountInfo { mount }),
            "GET http://h:8200/v1/sys/internal/ui/mounts/team/kv",
            "",
        );
        check(
            made(
                plain,
                Post::login("approle", "", &[("role_id", "a\"b"), ("secret_id", "c")]),
            ),
            "POST http://h:8200/v1/auth/approle/login",
            r#"{"role_id":"a\"b","secret_id":"c"}"#,
        );
        check(
            made(
                plain,
                Post::login("userpass", "/alice", &[("password", "p")]),
            ),
            "POST http://h:8200/v1/auth/userpass/login/alice",
            r#"{"password":"p"}"#,
        );
        check(
            made(plain, Post::renew()),
            "POST http://h:8200/v1/auth/token/renew-self",
            "{}",
        );
        check(
            made(plain, Post::unwrap()),
            "POST http://h:8200/v1/sys/wrapping/unwrap",
            "{}",
        );
        check(
            made(
                plain,
                Post::put("secret", "db", br#"{"n":1.10}"#, Some(u64::MAX)),
            ),
            "POST http://h:8200/v1/secret/data/db",
            r#"{"data":{"n":1.10},"options":{"cas":18446744073709551615}}"#,
        );
        check(
            made(plain, Post::put("secret", "db", b"{}", None)),
            "POST http://h:8200/v1/secret/data/db",
            r#"{"data":{}}"#,
        );
    }

    #[test]
    fn headers_carry_namespace_and_token_and_the_token_is_not_shown() {
        let request = made("http://h:8200", read("db", None));
        let header = |name: &str| request.headers().get(name).unwrap().clone();
        assert_eq!(header("x-vault-token"), "s.canary");
        assert_eq!(header("x-vault-namespace"), "team");
        assert_eq!(header("x-vault-request"), "true");
        assert!(!format!("{request:?}").contains("canary"));
        let broken = Secret::from("s.line\nbreak");
        assert!(token_header(broken.expose()).is_none());
    }
}
