//! The unguessable part of a page's address.

use std::{fmt, str::FromStr};

/// 128 bits that nobody guesses: whoever has the address may read the page. Written as 32
/// lower-case hexadecimal digits, in an address only; `Debug` shows a few of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageKey([u8; 16]);

/// The text is no key. What it was is not said: it may be most of one.
#[derive(Debug, thiserror::Error)]
#[error("not the key of a page: it has 32 lower-case hexadecimal digits; copy the whole address")]
pub struct InvalidPageKey;

/// The system has no random bytes to give.
#[derive(Debug, thiserror::Error)]
#[error(
    "the system gives no random bytes ({0}): a page without them could be guessed, so there is none"
)]
pub struct NoRandomness(getrandom::Error);

impl PageKey {
    /// A new key, from the system's randomness.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(NoRandomness)?;
        Ok(Self(bytes))
    }

    /// The key of these bytes, as they were stored or derived from a secret.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The path of the build's page.
    #[must_use]
    pub fn build_path(&self) -> String {
        format!("/builds/{}", self.digits())
    }

    /// The path of the list of builds.
    #[must_use]
    pub fn list_path(&self) -> String {
        format!("/lists/{}", self.digits())
    }

    pub(crate) fn digits(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }
}

impl FromStr for PageKey {
    type Err = InvalidPageKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // One spelling only: `from_str_radix` would also take a sign and capitals.
        let hex = |b| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(hex) {
            return Err(InvalidPageKey);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| InvalidPageKey)?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl fmt::Debug for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageKey({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_key_reads_back_from_its_address_and_no_two_are_alike() {
        let key = PageKey::random().unwrap();
        let path = key.build_path();
        let digits = path.strip_prefix("/builds/").unwrap();
        assert_eq!(digits.parse::<PageKey>().unwrap(), key);
        assert_ne!(key, PageKey::random().unwrap());
    }

    #[test]
    fn a_log_does_not_give_the_key_away() {
        let key: PageKey = "00112233445566778899aabbccddeeff".parse().unwrap();
        assert_eq!(format!("{key:?}"), "PageKey(0011…)");
    }

    #[rstest]
    #[case("")]
    #[case("00112233445566778899aabbccddeef")]
    #[case("00112233445566778899aabbccddeeff0")]
    #[case("00112233445566778899AABBCCDDEEFF")]
    #[case("+0112233445566778899aabbccddeeff")]
    #[case("0011223344556677 8899aabbccddeef")]
    #[case("é0112233445566778899aabbccddee")]
    fn another_spelling_is_refused(#[case] text: &str) {
        assert!(text.parse::<PageKey>().is_err());
    }
}
