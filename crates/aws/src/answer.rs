//! What a function URL, or an HTTP API, is answered: payload format 2.0.

use chela_receiver::Problem;
use serde_json::{Map, Value, json};

use crate::config::BadSettings;

/// An answer over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Answer {
    /// Taken, with the report that the forge may show at once (contract, section 1.4).
    #[must_use]
    pub fn accepted(report: Option<String>) -> Self {
        let kind = report.as_ref().map(|_| "application/json");
        Self::new(202, kind, report.unwrap_or_default())
    }

    /// A test that went well.
    #[must_use]
    pub fn nothing() -> Self {
        Self::new(204, None, String::new())
    }

    /// Not taken.
    #[must_use]
    pub fn problem(problem: &Problem) -> Self {
        let mut answer = Self::new(
            problem.status(),
            Some(Problem::MEDIA_TYPE),
            problem.to_body(),
        );
        if let Some(seconds) = problem.retry_after() {
            answer.headers.push(("retry-after", seconds.to_string()));
        }
        // RFC 9110, section 15.5.6: a 405 says what would do.
        if problem.status() == 405 {
            answer.headers.push(("allow", "POST".to_owned()));
        }
        answer
    }

    /// The function's settings are wrong: its operator can change that within the day that the
    /// forge tries again.
    #[must_use]
    pub fn unset(bad: &BadSettings) -> Self {
        Self::problem(&Problem::busy(bad.to_string()))
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// As the function returns it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let header = |(name, value): &(&str, String)| ((*name).to_owned(), json!(value));
        let headers: Map<String, Value> = self.headers.iter().map(header).collect();
        json!({
            "statusCode": self.status,
            "headers": headers,
            "body": self.body,
            "isBase64Encoded": false,
        })
    }

    fn new(status: u16, kind: Option<&'static str>, body: String) -> Self {
        let kind = kind.map(|kind| ("content-type", kind.to_owned()));
        Self {
            status,
            headers: kind.into_iter().collect(),
            body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, TriggerSettings};

    #[test]
    fn a_function_that_is_not_set_says_which_variable_and_may_be_asked_again() {
        let bad = TriggerSettings::read(&Environment::default()).unwrap_err();
        let answer = Answer::unset(&bad).to_value();
        assert_eq!(answer["statusCode"], 503);
        assert_eq!(answer["headers"]["retry-after"], "30");
        let body = answer["body"].as_str().unwrap();
        assert!(body.contains("CHELA_PAGURE_URL is not set"), "{body}");
    }
}
