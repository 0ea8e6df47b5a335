//! AWS's codes of errors, in classes.

/// What an error means for whoever called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Passing,
    Denied,
    Expired,
    Final,
}

/// Beside these: every 5xx, and whatever ends in `Throttling` or `ThrottlingException`.
const PASSING: &[&str] = &[
    "BandwidthLimitExceeded",
    "ConcurrentModificationException",
    "ConditionalRequestConflict",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "LimitExceededException",
    "OperationAborted",
    "OverLimit",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "ThrottledException",
    "TooManyRequests",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

const DENIED: &[&str] = &[
    "AuthorizationError",
    "NotAuthorized",
    "UnauthorizedAccess",
    "UnauthorizedOperation",
];

const EXPIRED: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
];

/// The class of an answer with this status and code.
pub fn class(status: Option<u16>, code: Option<&str>) -> Class {
    let code = code.map(short).unwrap_or_default();
    if EXPIRED.contains(&code) {
        Class::Expired
    } else if DENIED.contains(&code) || is_denied(code) || (status == Some(403) && code.is_empty())
    {
        // S3 answers a HEAD request without a body, and so without a code.
        Class::Denied
    } else if PASSING.contains(&code) || is_throttled(code) || is_passing(status) {
        Class::Passing
    } else {
        Class::Final
    }
}

/// Codes come with a namespace at times: `AWS.SimpleQueueService.NonExistentQueue`,
/// `KMS.AccessDeniedException`, `com.amazonaws.codebuild#…`.
fn short(code: &str) -> &str {
    code.rsplit(['.', '#']).next().unwrap_or(code)
}

fn is_denied(code: &str) -> bool {
    code.ends_with("AccessDenied") || code.ends_with("AccessDeniedException")
}

fn is_throttled(code: &str) -> bool {
    code.ends_with("Throttling") || code.ends_with("ThrottlingException")
}

fn is_passing(status: Option<u16>) -> bool {
    matches!(status, Some(408 | 425 | 429 | 500..))
}

/// What to do about an error that is for good.
pub fn remedy(code: &str) -> &'static str {
    match short(code) {
        "NoSuchBucket" | "NonExistentQueue" | "QueueDoesNotExist" | "ResourceNotFoundException" => {
            "check the name in the function's settings, and that it exists in this account and \
             region"
        }
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraint" => {
            "it lies in another region: move it to the function's"
        }
        "MessageTooLong" => "take something out of the build request",
        "Unreadable" => "remove that object; no other program may write there",
        "RequestNotMade" => "check the function's settings",
        _ => "look into AWS's documentation of this error, and check the function's settings",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::slow_down(503, "SlowDown", Class::Passing)]
    #[case::internal(500, "InternalError", Class::Passing)]
    #[case::a_new_code_of_a_broken_server(502, "SomethingNew", Class::Passing)]
    #[case::throttled(400, "ThrottlingException", Class::Passing)]
    #[case::throttled_by_kms(400, "KMS.ThrottlingException", Class::Passing)]
    #[case::throttled_without_a_code(429, "", Class::Passing)]
    #[case::conflict(409, "ConditionalRequestConflict", Class::Passing)]
    #[case::denied(403, "AccessDenied", Class::Denied)]
    #[case::denied_as_json(400, "AccessDeniedException", Class::Denied)]
    #[case::denied_with_a_namespace(400, "com.amazonaws.x#AccessDeniedException", Class::Denied)]
    #[case::denied_the_key(400, "KMS.AccessDeniedException", Class::Denied)]
    #[case::denied_without_a_body(403, "", Class::Denied)]
    #[case::expired(400, "ExpiredToken", Class::Expired)]
    #[case::expired_as_json(400, "ExpiredTokenException", Class::Expired)]
    #[case::unknown_key(403, "InvalidAccessKeyId", Class::Expired)]
    #[case::wrong_signature(403, "SignatureDoesNotMatch", Class::Expired)]
    #[case::wrong_clock(403, "RequestTimeTooSkewed", Class::Expired)]
    #[case::no_bucket(404, "NoSuchBucket", Class::Final)]
    #[case::no_queue(400, "AWS.SimpleQueueService.NonExistentQueue", Class::Final)]
    #[case::archived(403, "InvalidObjectState", Class::Final)]
    #[case::capacity_is_judged_by_the_engine(400, "AccountLimitExceededException", Class::Final)]
    fn a_code_has_a_class(#[case] status: u16, #[case] code: &str, #[case] expected: Class) {
        let code = Some(code).filter(|code| !code.is_empty());
        assert_eq!(class(Some(status), code), expected);
    }

    #[test]
    fn no_code_is_in_two_classes() {
        let all = [PASSING, DENIED, EXPIRED].concat();
        let mut once = all.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), all.len());
    }
}
