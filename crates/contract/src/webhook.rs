//! Standard Webhooks 1.0: signing and verifying with the project's CI token, in both directions.
//!
//! Source: the Standard Webhooks specification, "Signature scheme". The key is the token's UTF-8
//! bytes; a library that wants `whsec_…` takes `whsec_` and base64 of them ([`Key::library_form`]).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{Micros, TOLERANCE_SECONDS};

/// The header with the message's id; the same in every retry.
pub const ID: &str = "webhook-id";
/// The header with the time of this attempt, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures, separated by spaces.
pub const SIGNATURE: &str = "webhook-signature";

const MAX_ID_BYTES: usize = 256;
/// More signatures than any rotation needs; each costs nothing but a comparison.
const MAX_SIGNATURES: usize = 16;

/// The key that signs and verifies: a project's CI token, never empty.
#[derive(Clone, Debug)]
pub struct Key(SecretString);

/// An empty token signs nothing: Pagure leaves one behind when its CI hook is removed.
#[derive(Debug, thiserror::Error)]
#[error("the CI token is empty; activate Pagure CI in the project's settings to get one")]
pub struct EmptyToken;

/// Why a message is not accepted as signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// One of the three headers is absent or not of its form.
    #[error("the header {0} is missing or malformed; Standard Webhooks needs it")]
    Header(&'static str),
    /// Sent too long ago, or in the future.
    #[error("webhook-timestamp is more than 5 minutes from now; check both clocks")]
    Stale,
    /// No signature matches.
    #[error(
        "no signature in webhook-signature matches; check that both sides use the same CI token"
    )]
    Mismatch,
}

/// The three headers of a signed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    /// `webhook-id`
    pub id: String,
    /// `webhook-timestamp`, seconds since 1970
    pub timestamp: i64,
    /// `webhook-signature`
    pub signature: String,
}

impl Key {
    /// The key of a CI token.
    pub fn new(token: SecretString) -> Result<Self, EmptyToken> {
        if token.expose_secret().is_empty() {
            Err(EmptyToken)
        } else {
            Ok(Self(token))
        }
    }

    /// Signs `body` as the message `id`, sent at `now`.
    #[must_use]
    pub fn sign(&self, id: &str, now: Micros, body: &[u8]) -> Headers {
        let timestamp = now.seconds();
        let digest = self
            .mac(id, &timestamp.to_string(), body)
            .finalize()
            .into_bytes();
        let signature = format!("v1,{}", STANDARD.encode(digest));
        Headers {
            id: id.to_owned(),
            timestamp,
            signature,
        }
    }

    /// Checks the three headers, as received, against `body`.
    ///
    /// Takes the same time whichever signature is wrong, and looks at every one.
    pub fn verify(
        &self,
        id: Option<&str>,
        timestamp: Option<&str>,
        signature: Option<&str>,
        body: &[u8],
        now: Micros,
    ) -> Result<(), Unverified> {
        let id = id
            .filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES)
            .ok_or(Unverified::Header(ID))?;
        let timestamp = timestamp.ok_or(Unverified::Header(TIMESTAMP))?;
        let seconds = parse_seconds(timestamp).ok_or(Unverified::Header(TIMESTAMP))?;
        let signature = signature
            .filter(|signature| !signature.trim().is_empty())
            .ok_or(Unverified::Header(SIGNATURE))?;
        let digest = self.mac(id, timestamp, body).finalize().into_bytes();
        let matched = signature
            .split_ascii_whitespace()
            .take(MAX_SIGNATURES)
            .filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok())
            .fold(false, |matched, one| {
                matched | bool::from(one.ct_eq(&digest))
            });
        if !matched {
            return Err(Unverified::Mismatch);
        }
        if now.seconds().abs_diff(seconds) > TOLERANCE_SECONDS.unsigned_abs() {
            return Err(Unverified::Stale);
        }
        Ok(())
    }

    /// Whether `bearer` is this token; in the same time whatever it is.
    #[must_use]
    pub fn is_bearer(&self, bearer: &str) -> bool {
        let ours = Sha256::digest(self.0.expose_secret());
        ours.ct_eq(&Sha256::digest(bearer)).into()
    }

    /// The token as the header `Authorization: Bearer …` carries it.
    #[must_use]
    pub fn token(&self) -> &SecretString {
        &self.0
    }

    /// The key as Standard Webhooks libraries want it: `whsec_` and base64.
    #[must_use]
    pub fn library_form(&self) -> SecretString {
        format!("whsec_{}", STANDARD.encode(self.0.expose_secret())).into()
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes())
            .expect("HMAC takes a key of any length");
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }
}

/// Digits only: Rust's own parser also takes a sign.
fn parse_seconds(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const NOW: i64 = 1_795_000_000;

    fn key() -> Key {
        Key::new("a project's token".into()).unwrap()
    }

    fn now() -> Micros {
        Micros::new(NOW * 1_000_000)
    }

    fn verify(headers: &Headers, body: &[u8], now: Micros) -> Result<(), Unverified> {
        let timestamp = headers.timestamp.to_string();
        key().verify(
            Some(&headers.id),
            Some(&timestamp),
            Some(&headers.signature),
            body,
            now,
        )
    }

    #[test]
    fn one_good_signature_among_several_is_enough() {
        let mut headers = key().sign("m", now(), b"{}");
        headers.signature = format!("v1,AAAA v2,xyz {} v1,", headers.signature);
        assert_eq!(verify(&headers, b"{}", now()), Ok(()));
    }

    #[rstest]
    #[case::no_signature("")]
    #[case::blank("  ")]
    #[case::empty_v1("v1,")]
    #[case::other_version("v1a,AAAA")]
    #[case::not_base64("v1,%%%")]
    fn nothing_is_not_a_signature(#[case] signature: &str) {
        let headers = Headers {
            signature: signature.to_owned(),
            ..key().sign("m", now(), b"{}")
        };
        assert!(verify(&headers, b"{}", now()).is_err());
    }

    #[rstest]
    #[case(300, Ok(()))]
    #[case(-300, Ok(()))]
    #[case(301, Err(Unverified::Stale))]
    #[case(-301, Err(Unverified::Stale))]
    fn the_window_is_five_minutes(#[case] off: i64, #[case] expected: Result<(), Unverified>) {
        let headers = key().sign("m", now(), b"{}");
        assert_eq!(verify(&headers, b"{}", now().plus_seconds(off)), expected);
    }

    #[test]
    fn a_bearer_is_the_whole_token_or_nothing() {
        assert!(key().is_bearer("a project's token"));
        assert!(!key().is_bearer("a project's toke"));
        assert!(!key().is_bearer(""));
    }

    #[test]
    fn no_secret_is_printed() {
        assert!(!format!("{:?}", key()).contains("token"));
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies_and_what_is_changed_does_not(
            id in "[!-~]{1,40}", body: Vec<u8>, at in 0_usize..1000, bit in 0_u8..8,
        ) {
            let headers = key().sign(&id, now(), &body);
            prop_assert_eq!(verify(&headers, &body, now()), Ok(()));
            let mut changed = body.clone();
            if changed.is_empty() { changed.push(0) } else {
                let at = at % changed.len();
                changed[at] ^= 1 << bit;
            }
            prop_assert_eq!(verify(&headers, &changed, now()), Err(Unverified::Mismatch));
        }
    }
}
