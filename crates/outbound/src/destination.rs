//! Where a request goes and how it authenticates, from what a project owner typed.

use std::net::IpAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use ureq::http::Uri;
use url::{Host, Url};

use crate::guard::Guard;
use crate::policy::{Policy, Transport};
use crate::refused::{Field, Refused};
use crate::region::{self, Scope};

/// The longest URL that is read.
pub const MAX_URL_BYTES: usize = 2048;

/// A checked URL with what it takes to authenticate there.
#[derive(Clone, Debug)]
pub struct Destination {
    url: Url,
    uri: Uri,
    host: String,
    port: u16,
    transport: Transport,
    authentication: Authentication,
}

/// What the `Authorization` header is made of. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// No such header.
    None,
    /// RFC 7617.
    Basic {
        /// The user name.
        user: String,
        /// The password, possibly empty.
        password: SecretString,
    },
    /// AWS Signature Version 4.
    SigV4(AwsKey),
}

/// The project's own key; ambient credentials are the forge's and never used.
#[derive(Clone, Debug)]
pub struct AwsKey {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: SecretString,
    /// Such as `eu-central-1`.
    pub region: String,
    /// Such as `lambda` or `execute-api`.
    pub service: String,
}

impl Destination {
    /// Reads a URL and the two fields beside it, without asking the network: a form can call it.
    ///
    /// White space around the URL is ignored, because Pagure stores what was pasted. An empty user
    /// name or password is none, and a password without a user name is not used.
    pub fn parse(
        url: &str,
        username: Option<&str>,
        password: Option<SecretString>,
        policy: &Policy,
    ) -> Result<Self, Refused> {
        let (scheme, mut url) = read_url(url)?;
        let host = host_of(&mut url)?;
        let credentials = Credentials::new(username, password);
        let authentication = if scheme.signed {
            let scope = scope(&host, url.fragment())?;
            url.set_query(canonical_query(url.query())?.as_deref());
            credentials.sigv4(scope)?
        } else if url.fragment().is_some_and(|fragment| !fragment.is_empty()) {
            return Err(Refused::FragmentUnused);
        } else {
            credentials.basic()?
        };
        url.set_fragment(None);
        let transport = scheme.transport;
        let port = url
            .port_or_known_default()
            .unwrap_or_else(|| transport.usual_port());
        let uri = url.as_str().parse().map_err(|_| Refused::OddCharacter)?;
        let destination = Self {
            url,
            uri,
            host,
            port,
            transport,
            authentication,
        };
        destination.admitted_by(policy)?;
        Ok(destination)
    }

    /// The URL that is asked: `https` or `http`, without credentials and fragment.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Its host, as URLs write it: lower case, punycode, IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port, also if it is the usual one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How a request authenticates.
    #[must_use]
    pub fn authentication(&self) -> &Authentication {
        &self.authentication
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// What can be judged without resolving a name.
    pub(crate) fn admitted_by(&self, policy: &Policy) -> Result<(), Refused> {
        policy.admit(self.transport, &self.host, self.port)?;
        match self.literal() {
            Some(address) => Guard::new(policy).check(&self.host, address),
            None => Ok(()),
        }
    }

    /// The address that the host itself is; `localhost` is one by RFC 6761, section 6.3.
    pub(crate) fn literal(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(name) if name == "localhost" || name.ends_with(".localhost") => {
                Some(IpAddr::from([127, 0, 0, 1]))
            }
            Host::Domain(_) => None,
        }
    }
}

#[derive(Clone, Copy)]
struct Scheme {
    transport: Transport,
    signed: bool,
}

/// Only the spelling that everybody reads alike: the URL standard also takes `https:host`, any
/// number of slashes, backslashes, and drops tabs and line breaks.
fn read_url(text: &str) -> Result<(Scheme, Url), Refused> {
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
    if text.is_empty() {
        return Err(Refused::NoUrl);
    }
    if text.len() > MAX_URL_BYTES {
        return Err(Refused::TooLong);
    }
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(Refused::OddCharacter);
    }
    let (scheme, rest) = text.split_once("://").ok_or(Refused::Scheme)?;
    let (transport, signed) = match scheme.to_ascii_lowercase().as_str() {
        "https" => (Transport::Tls, false),
        "https+sigv4" => (Transport::Tls, true),
        "http" => (Transport::Plain, false),
        "http+sigv4" => (Transport::Plain, true),
        _ => return Err(Refused::Scheme),
    };
    if rest.is_empty() || rest.starts_with('/') {
        return Err(Refused::Malformed("it has no host".to_owned()));
    }
    let plain = match transport {
        Transport::Tls => "https",
        Transport::Plain => "http",
    };
    let url = Url::parse(&format!("{plain}://{rest}"))
        .map_err(|error| Refused::Malformed(error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::CredentialsInUrl);
    }
    Ok((Scheme { transport, signed }, url))
}

/// Without the dot at its end, with which lists of hosts and certificates would not match.
fn host_of(url: &mut Url) -> Result<String, Refused> {
    let malformed = || Refused::Malformed("it has no host".to_owned());
    let host = url
        .host_str()
        .ok_or_else(malformed)?
        .trim_end_matches('.')
        .to_owned();
    url.set_host(Some(&host)).map_err(|_| malformed())?;
    Ok(host)
}

fn scope(host: &str, fragment: Option<&str>) -> Result<Scope, Refused> {
    let told = match fragment.filter(|fragment| !fragment.is_empty()) {
        Some(fragment) => Some(region::of_fragment(fragment).ok_or(Refused::FragmentMalformed)?),
        None => None,
    };
    match (region::of_host(host), told) {
        (Some(known), Some(told)) if known != told => Err(Refused::FragmentContradicts),
        (Some(scope), _) | (None, Some(scope)) => Ok(scope),
        (None, None) => Err(Refused::RegionUnknown),
    }
}

/// AWS Signature Version 4, "Create a canonical request": everything but these is encoded.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The query in the one spelling about which all signers agree.
///
/// They differ about `+`, lower-case escapes and characters that may stand unescaped; so what is
/// sent has none of them. `+` is a blank, as in the URL standard's own query parser.
fn canonical_query(query: Option<&str>) -> Result<Option<String>, Refused> {
    let encode = |text: &str| {
        let text = text.replace('+', " ");
        let text = percent_decode_str(&text).decode_utf8();
        text.map(|text| utf8_percent_encode(&text, STRICT).to_string())
    };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((key, value)) => Ok(format!("{}={}", encode(key)?, encode(value)?)),
        None => encode(pair),
    };
    let pairs = query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty());
    let pairs: Result<Vec<_>, std::str::Utf8Error> = pairs.map(pair).collect();
    let query = pairs
        .map_err(|_| Refused::Malformed("its query is not UTF-8".to_owned()))?
        .join("&");
    Ok((!query.is_empty()).then_some(query))
}

struct Credentials {
    user: Option<String>,
    password: Option<SecretString>,
}

impl Credentials {
    fn new(user: Option<&str>, password: Option<SecretString>) -> Self {
        Self {
            user: user.filter(|user| !user.is_empty()).map(str::to_owned),
            password: password.filter(|password| !password.expose_secret().is_empty()),
        }
    }

    /// RFC 7617, section 2: no control characters, and no colon in the user name.
    fn basic(self) -> Result<Authentication, Refused> {
        let Some(user) = self.user else {
            return Ok(Authentication::None);
        };
        let password = self.password.unwrap_or_default();
        if user.contains(|c: char| c.is_control() || c == ':') {
            return Err(Refused::Unsendable(Field::User));
        }
        if password.expose_secret().contains(char::is_control) {
            return Err(Refused::Unsendable(Field::Password));
        }
        Ok(Authentication::Basic { user, password })
    }

    /// The access key id stands in the header as it is; the secret is only hashed, but one with a
    /// blank or a line break was copied wrongly.
    fn sigv4(self, scope: Scope) -> Result<Authentication, Refused> {
        let access_key_id = self.user.ok_or(Refused::KeyMissing(Field::User))?;
        let secret_access_key = self.password.ok_or(Refused::KeyMissing(Field::Password))?;
        if !access_key_id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            return Err(Refused::Unsendable(Field::User));
        }
        if !secret_access_key
            .expose_secret()
            .bytes()
            .all(|b| b.is_ascii_graphic())
        {
            return Err(Refused::Unsendable(Field::Password));
        }
        let Scope { region, service } = scope;
        Ok(Authentication::SigV4(AwsKey {
            access_key_id,
            secret_access_key,
            region,
            service,
        }))
    }
}
