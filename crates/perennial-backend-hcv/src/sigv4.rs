//! A request to AWS that is signed here and sent by the server: `sts:GetCallerIdentity`.
//!
//! Signature version 4 with the hashes that TLS brings along anyway. Nothing is sent from here.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use perennial_backend::{Error, UnixTime};
use zeroize::Zeroizing;

use crate::auth::{AwsKeys, invalid};
use crate::dates;
use crate::fields;

/// Who signs, and for whom.
pub(crate) struct Caller<'a> {
    pub(crate) keys: &'a AwsKeys,
    pub(crate) region: &'a str,
    pub(crate) endpoint: Option<&'a str>,
    pub(crate) server_id: Option<&'a str>,
}

/// The parts of the signed request as the login wants them, each in base64.
pub(crate) struct Signed {
    pub(crate) url: String,
    pub(crate) body: String,
    pub(crate) headers: Zeroizing<String>,
}

impl Caller<'_> {
    /// Signs the request.
    pub(crate) fn sign(&self, at: UnixTime) -> Result<Signed, Error> {
        let domain = match self.region.starts_with("cn-") {
            true => "amazonaws.com.cn",
            false => "amazonaws.com",
        };
        let regional = format!("https://sts.{}.{domain}/", self.region);
        let endpoint = self.endpoint.unwrap_or(&regional);
        let wrong = || {
            let message = "the STS endpoint is no URL with a host".to_owned();
            invalid(message, &fields::AWS_STS_ENDPOINT_URL)
        };
        let url = reqwest::Url::parse(endpoint).map_err(|_| wrong())?;
        let host = match (url.host_str().ok_or_else(wrong)?, url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        let date = dates::basic(at);
        let mut headers = vec![
            ("content-type", FORM),
            ("host", &host),
            ("x-amz-date", &date),
        ];
        let session = self.keys.session.as_ref().map(|token| token.expose_str());
        if let Some(token) = session {
            headers.push(("x-amz-security-token", token.map_err(|_| wrong())?));
        }
        if let Some(id) = self.server_id {
            headers.push(("x-vault-aws-iam-server-id", id));
        }
        let request = Request {
            method: "POST",
            path: url.path(),
            headers: &headers,
            body: BODY,
        };
        let authorization = request.authorization(self.keys, self.region, "sts", &date);
        headers.push(("authorization", &authorization));
        // What a server that goes by the case of names expects.
        let named = headers.iter().map(|(name, value)| (title(name), *value));
        let named: std::collections::BTreeMap<_, _> = named.collect();
        let mut json = Zeroizing::new(Vec::with_capacity(8192));
        serde_json::to_writer(&mut *json, &named).map_err(|_| wrong())?;
        Ok(Signed {
            url: STANDARD.encode(url.as_str()),
            body: STANDARD.encode(BODY),
            headers: Zeroizing::new(STANDARD.encode(&*json)),
        })
    }
}

/// A request to be signed; the headers are lower-case and sorted.
struct Request<'a> {
    method: &'a str,
    path: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
}

impl Request<'_> {
    fn authorization(&self, keys: &AwsKeys, region: &str, service: &str, date: &str) -> String {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}:{}\n", value.trim()));
        let canonical = Zeroizing::new(format!(
            "{}\n{}\n\n{}\n{names}\n{}",
            self.method,
            self.path,
            lines.collect::<String>(),
            hex(digest(&SHA256, self.body.as_bytes()).as_ref()),
        ));
        let day = date.split('T').next().unwrap_or(date);
        let scope = format!("{day}/{region}/{service}/aws4_request");
        let hashed = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
        let to_sign = format!("{ALGORITHM}\n{date}\n{scope}\n{hashed}");
        let mut start = Zeroizing::new(Vec::with_capacity(keys.key.expose().len() + 4));
        start.extend_from_slice(b"AWS4");
        start.extend_from_slice(keys.key.expose());
        let mut key = start;
        for step in [day, region, service, "aws4_request"] {
            key = Zeroizing::new(mac(&key, step));
        }
        let signature = hex(&mac(&key, &to_sign));
        format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            keys.id
        )
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes `x-amz-date` as `X-Amz-Date`.
fn title(name: &str) -> String {
    let mut start = true;
    name.chars()
        .map(|sign| {
            let shown = if start {
                sign.to_ascii_uppercase()
            } else {
                sign
            };
            start = sign == '-';
            shown
        })
        .collect()
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

#[cfg(test)]
mod tests {
    use perennial_backend::Secret;

    use super::*;

    fn keys() -> AwsKeys {
        AwsKeys::new(
            "AKIDEXAMPLE",
            Secret::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        )
    }

    #[test]
    fn signatures_are_those_that_aws_published() {
        let check = |method, headers: &[(&str, &str)], body, signature: &str| {
            let request = Request {
                method,
                path: "/",
                headers,
                body,
            };
            let found = request.authorization(&keys(), "us-east-1", "service", DATE);
            let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders={}, Signature={signature}",
                names.join(";")
            );
            assert_eq!(found, expected);
        };
        const DATE: &str = "20150830T123600Z";
        let host = ("host", "example.amazonaws.com");
        let date = ("x-amz-date", DATE);
        // The names of AWS's test suite of signature version 4.
        let get_vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        check("GET", &[host, date], "", get_vanilla);
        let post_vanilla = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        check("POST", &[host, date], "", post_vanilla);
        let post_form = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
        let form = ("content-type", "application/x-www-form-urlencoded");
        check("POST", &[form, host, date], "Param1=value1", post_form);
    }

    fn decoded(text: &str) -> String {
        String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
    }

    #[test]
    fn the_request_names_its_region_and_what_the_server_wants() {
        let keys = keys().with_session(Secret::from("session"));
        let caller = Caller {
            keys: &keys,
            region: "eu-central-1",
            endpoint: None,
            server_id: Some("vault.example.com"),
        };
        let signed = caller.sign(UnixTime::from_secs(1_440_938_160)).unwrap();
        assert_eq!(
            decoded(&signed.url),
            "https://sts.eu-central-1.amazonaws.com/"
        );
        assert_eq!(decoded(&signed.body), BODY);
        let headers: serde_json::Value = serde_json::from_str(&decoded(&signed.headers)).unwrap();
        assert_eq!(headers["Host"], "sts.eu-central-1.amazonaws.com");
        assert_eq!(headers["X-Amz-Date"], "20150830T123600Z");
        assert_eq!(headers["X-Amz-Security-Token"], "session");
        assert_eq!(headers["X-Vault-Aws-Iam-Server-Id"], "vault.example.com");
        let authorization = headers["Authorization"].as_str().unwrap();
        let expected = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;\
                        x-vault-aws-iam-server-id,";
        assert!(authorization.contains(expected), "{authorization}");
        assert!(authorization.contains("/20150830/eu-central-1/sts/aws4_request,"));
    }

    #[test]
    fn the_endpoint_of_a_region_is_in_the_domain_of_its_partition() {
        let keys = keys();
        let check = |region: &str, expected: &str| {
            let caller = Caller {
                keys: &keys,
                region,
                endpoint: None,
                server_id: None,
            };
            let signed = caller.sign(UnixTime::EPOCH).unwrap();
            assert_eq!(decoded(&signed.url), expected);
        };
        check("us-east-1", "https://sts.us-east-1.amazonaws.com/");
        check("us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com/");
        check("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn/");
    }

    #[test]
    fn an_endpoint_may_have_a_port_and_must_have_a_host() {
        let keys = keys();
        let sign = |endpoint| {
            let caller = Caller {
                keys: &keys,
                region: "us-east-1",
                endpoint: Some(endpoint),
                server_id: None,
            };
            caller.sign(UnixTime::EPOCH)
        };
        let signed = sign("http://127.0.0.1:5000").unwrap();
        assert!(decoded(&signed.headers).contains(r#""Host":"127.0.0.1:5000""#));
        assert!(sign("nonsense").is_err());
    }
}
