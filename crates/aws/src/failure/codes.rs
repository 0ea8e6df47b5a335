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
