//! What the function `report` is set to.

use secrecy::SecretString;
use url::Url;

use super::environment::{BadSettings, BadVariable, Environment, Reader, bucket, queue};
use super::trigger::{self, names};

/// The settings of `report`.
#[derive(Clone, Debug)]
pub struct ReportSettings {
    /// Pagure's address: reports and the token go there and nowhere else.
    pub pagure: Url,
    /// The ledger's bucket.
    pub ledger: String,
    /// The URL of the queue that the function reads.
    pub reports: String,
    /// Where the CI token is.
    pub token: TokenPlace,
}

/// Where the CI token is.
#[derive(Clone, Debug)]
pub enum TokenPlace {
    /// In the environment.
    Variable(SecretString),
    /// In Secrets Manager: the name or ARN of the secret.
    Secret(String),
}

impl ReportSettings {
    /// Reads them; all that is wrong is told at once.
    pub fn read(environment: &Environment) -> Result<Self, BadSettings> {
        let mut reader = Reader::new(environment, &names::ALL);
        let pagure = trigger::pagure(&mut reader);
        let ledger = reader.required(names::LEDGER, trigger::LEDGER_BUCKET, bucket);
        let reports = reader.required(names::REPORTS, trigger::QUEUE, queue);
        let token = token(&mut reader);
        let read = (|| {
            Some(Self {
                pagure: pagure?,
                ledger: ledger?,
                reports: reports?,
                token: token?,
            })
        })();
        reader.done(read)
    }
}

fn token(reader: &mut Reader<'_>) -> Option<TokenPlace> {
    let token = reader.secret(names::TOKEN);
    let secret = reader.text(names::TOKEN_SECRET).is_some();
    let count = match (token, secret) {
        (Some(token), false) => return Some(TokenPlace::Variable(token)),
        (None, true) => {
            let write = "the name or ARN of a secret in Secrets Manager";
            let place = reader.required(names::TOKEN_SECRET, write, secret_id);
            return place.map(TokenPlace::Secret);
        }
        (None, false) => "none",
        (Some(_), true) => "each",
    };
    reader.complain(BadVariable::Token { count });
    None
}

/// A name or an ARN (Secrets Manager API Reference, `CreateSecret`, `Name`).
fn secret_id(text: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/_+=.@-:".contains(&b);
    let fits = text.len() <= 2048 && text.bytes().all(plain);
    fits.then(|| text.to_owned())
}
