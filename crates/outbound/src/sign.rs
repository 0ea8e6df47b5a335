//! The headers of a request: pure, so that they can be checked against other signers.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chela_contract::{Micros, webhook};
use secrecy::{ExposeSecret as _, SecretString};
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use ureq::http::{HeaderMap, HeaderName, HeaderValue};

use crate::destination::{Authentication, AwsKey, Destination};
use crate::sender::Message;

/// Why a message cannot be put into a request; nothing that the network does changes that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// A header value with a control character.
    #[error("the header {0} would contain characters that HTTP does not allow")]
    Header(&'static str),
    /// A moment before 1970.
    #[error("the clock is before 1970; set it")]
    Clock,
    /// The AWS signer refused; it does not for a URL that was parsed.
    #[error("the request could not be signed for AWS; report this URL as a defect of Chela")]
    Signer,
}

impl Destination {
    /// All headers of a signed message to this destination, save those of HTTP itself.
    ///
    /// The `Authorization` header is marked sensitive: `Debug` does not show it.
    pub fn headers(&self, message: &Message<'_>, now: Micros) -> Result<HeaderMap, Unsendable> {
        let signed = message.key.sign(message.id, now, message.body);
        let mut headers = common_headers(message)?;
        headers.insert(webhook::ID, value(webhook::ID, &signed.id)?);
        headers.insert(webhook::TIMESTAMP, signed.timestamp.into());
        headers.insert(
            webhook::SIGNATURE,
            value(webhook::SIGNATURE, &signed.signature)?,
        );
        match self.authentication() {
            Authentication::None => {}
            Authentication::Basic { user, password } => {
                headers.insert(AUTHORIZATION, basic(user, password)?);
            }
            Authentication::SigV4(key) => key.sign(self.url(), &mut headers, message.body, now)?,
        }
        Ok(headers)
    }

    /// The headers of a message that shows the token itself instead of signing with it.
    pub fn bearer_headers(message: &Message<'_>) -> Result<HeaderMap, Unsendable> {
        let mut headers = common_headers(message)?;
        let token = message.key.token().expose_secret();
        headers.insert(AUTHORIZATION, sensitive(&format!("Bearer {token}"))?);
        Ok(headers)
    }
}

impl AwsKey {
    /// Adds `x-amz-date` and `authorization`; everything in `headers` but the user agent is signed.
    fn sign(
        &self,
        url: &str,
        headers: &mut HeaderMap,
        body: &[u8],
        now: Micros,
    ) -> Result<(), Unsendable> {
        let secret = self.secret_access_key.expose_secret();
        let identity = Credentials::new(&self.access_key_id, secret, None, None, "project").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(system_time(now)?)
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| Unsendable::Signer)?
            .into();
        let signable = headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let request = SignableRequest::new("POST", url, signable, SignableBody::Bytes(body))
            .map_err(|_| Unsendable::Signer)?;
        let (added, _) = sign(request, &params)
            .map_err(|_| Unsendable::Signer)?
            .into_parts();
        for header in added.into_parts().0 {
            let name = HeaderName::from_bytes(header.name().as_bytes());
            let value = sensitive(header.value())?;
            headers.insert(name.map_err(|_| Unsendable::Signer)?, value);
        }
        Ok(())
    }
}

fn common_headers(message: &Message<'_>) -> Result<HeaderMap, Unsendable> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, value("user-agent", message.user_agent)?);
    Ok(headers)
}

fn basic(user: &str, password: &SecretString) -> Result<HeaderValue, Unsendable> {
    let pair = format!("{user}:{}", password.expose_secret());
    sensitive(&format!("Basic {}", STANDARD.encode(pair)))
}

fn sensitive(authorization: &str) -> Result<HeaderValue, Unsendable> {
    let mut value = value("authorization", authorization)?;
    value.set_sensitive(true);
    Ok(value)
}

fn value(name: &'static str, text: &str) -> Result<HeaderValue, Unsendable> {
    HeaderValue::from_str(text).map_err(|_| Unsendable::Header(name))
}

fn system_time(now: Micros) -> Result<SystemTime, Unsendable> {
    let micros = u64::try_from(now.get()).map_err(|_| Unsendable::Clock)?;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
}
