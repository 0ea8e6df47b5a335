//! The two fields beside the URL, and what `SigV4` needs to know besides.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use chela_outbound::{Authentication, Destination, Field, Policy, Refused};
use rstest::rstest;

const SECRET: &str = "hunter2";

fn parse_with_key(url: &str) -> Result<Destination, Refused> {
    Destination::parse(
        url,
        Some("AKIDEXAMPLE"),
        Some(SECRET.into()),
        &Policy::default(),
    )
}

#[rstest]
#[case(
    "https+sigv4://x.lambda-url.eu-central-1.on.aws/",
    "eu-central-1",
    "lambda"
)]
#[case(
    "https+sigv4://x.execute-api.cn-north-1.amazonaws.com.cn/v1",
    "cn-north-1",
    "execute-api"
)]
#[case(
    "https+sigv4://ci.example.org/#region=eu-west-1&service=lambda",
    "eu-west-1",
    "lambda"
)]
#[case(
    "https+sigv4://x.lambda-url.a-1.on.aws/#service=lambda&region=a-1",
    "a-1",
    "lambda"
)]
fn sigv4_finds_its_scope(#[case] url: &str, #[case] region: &str, #[case] service: &str) {
    let destination = parse_with_key(url).unwrap();
    let Authentication::SigV4(key) = destination.authentication() else {
        panic!("not SigV4: {destination:?}");
    };
    assert_eq!(
        (key.region.as_str(), key.service.as_str()),
        (region, service)
    );
    assert!(!destination.url().contains('#'));
}

#[rstest]
#[case("https+sigv4://ci.example.org/", Refused::RegionUnknown)]
#[case("https+sigv4://ci.example.org/#", Refused::RegionUnknown)]
#[case(
    "https+sigv4://ci.example.org/#region=eu-west-1",
    Refused::FragmentMalformed
)]
#[case(
    "https+sigv4://ci.example.org/#region=a&service=b&profile=c",
    Refused::FragmentMalformed
)]
#[case(
    "https+sigv4://x.lambda-url.a.on.aws/#region=b&service=lambda",
    Refused::FragmentContradicts
)]
#[case(
    "http+sigv4://x.lambda-url.a.on.aws/",
    Refused::PlainHttp { host: "x.lambda-url.a.on.aws".into() }
)]
fn sigv4_without_a_scope_is_refused(#[case] url: &str, #[case] expected: Refused) {
    assert_eq!(parse_with_key(url).unwrap_err(), expected);
}

#[rstest]
#[case("?", None)]
#[case("?a=1+2&b=%2f&c=ä*'", Some("a=1%202&b=%2F&c=%C3%A4%2A%27"))]
#[case("?&&x&y=", Some("x&y="))]
#[case("?a=b=c", Some("a=b%3Dc"))]
fn under_sigv4_a_query_has_one_spelling(#[case] query: &str, #[case] expected: Option<&str>) {
    let url = format!("https+sigv4://x.lambda-url.eu-west-1.on.aws/{query}");
    let destination = parse_with_key(&url).unwrap();
    assert_eq!(
        destination.url().split_once('?').map(|(_, query)| query),
        expected
    );
}

#[rstest]
#[case(None, Some(SECRET), Refused::KeyMissing(Field::User))]
#[case(Some(""), Some(SECRET), Refused::KeyMissing(Field::User))]
#[case(Some("AKIDEXAMPLE"), None, Refused::KeyMissing(Field::Password))]
#[case(Some("AKIDEXAMPLE"), Some(""), Refused::KeyMissing(Field::Password))]
#[case(Some("AKID EXAMPLE"), Some(SECRET), Refused::Unsendable(Field::User))]
#[case(
    Some("AKID/x,Signature=y"),
    Some(SECRET),
    Refused::Unsendable(Field::User)
)]
#[case(
    Some("AKIDEXAMPLE"),
    Some("hunter2\n"),
    Refused::Unsendable(Field::Password)
)]
fn sigv4_needs_a_whole_key(
    #[case] user: Option<&str>,
    #[case] password: Option<&str>,
    #[case] expected: Refused,
) {
    let url = "https+sigv4://x.lambda-url.eu-west-1.on.aws/";
    let password = password.map(Into::into);
    let parsed = Destination::parse(url, user, password, &Policy::default());
    assert_eq!(parsed.unwrap_err(), expected);
}

#[rstest]
#[case("ada:x", SECRET, Refused::Unsendable(Field::User))]
#[case("ada\r\nx", SECRET, Refused::Unsendable(Field::User))]
#[case("ada", "hunter2\n", Refused::Unsendable(Field::Password))]
fn basic_takes_what_http_can_carry(
    #[case] user: &str,
    #[case] password: &str,
    #[case] expected: Refused,
) {
    let url = "https://ci.example.org/";
    let parsed = Destination::parse(url, Some(user), Some(password.into()), &Policy::default());
    assert_eq!(parsed.unwrap_err(), expected);
}
