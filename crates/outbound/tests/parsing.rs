//! What a project owner may type, and what each mistake is told.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use chela_outbound::{
    Audience, Authentication, Destination, MAX_URL_BYTES, Policy, Refused, Setting,
};
use proptest::prelude::*;
use rstest::rstest;

const SECRET: &str = "hunter2";

fn policy(entries: &[(Setting, &str)]) -> Policy {
    entries
        .iter()
        .fold(Policy::default(), |policy, (setting, entry)| {
            policy.with(*setting, entry).unwrap()
        })
}

fn parse(url: &str) -> Result<Destination, Refused> {
    Destination::parse(url, None, None, &Policy::default())
}

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
    "https://ci.example.org/hook",
    "https://ci.example.org/hook",
    "ci.example.org"
)]
#[case(
    "  https://ci.example.org/hook\r\n",
    "https://ci.example.org/hook",
    "ci.example.org"
)]
#[case("HTTPS://CI.Example.ORG", "https://ci.example.org/", "ci.example.org")]
#[case(
    "https://ci.example.org:443/",
    "https://ci.example.org/",
    "ci.example.org"
)]
#[case(
    "https://ci.example.org./a",
    "https://ci.example.org/a",
    "ci.example.org"
)]
#[case(
    "https://bücher.example/",
    "https://xn--bcher-kva.example/",
    "xn--bcher-kva.example"
)]
#[case(
    "https://ci.example.org/a?b=c&d",
    "https://ci.example.org/a?b=c&d",
    "ci.example.org"
)]
#[case(
    "https://ci.example.org/a#",
    "https://ci.example.org/a",
    "ci.example.org"
)]
#[case("https://1.1.1.1/", "https://1.1.1.1/", "1.1.1.1")]
#[case(
    "https://[2606:4700::1111]/",
    "https://[2606:4700::1111]/",
    "[2606:4700::1111]"
)]
fn an_ordinary_url_is_taken(#[case] typed: &str, #[case] url: &str, #[case] host: &str) {
    let destination = parse(typed).unwrap();
    assert_eq!(
        (destination.url(), destination.host(), destination.port()),
        (url, host, 443)
    );
    assert!(matches!(destination.authentication(), Authentication::None));
}

#[rstest]
#[case("", Refused::NoUrl)]
#[case(" \t\n", Refused::NoUrl)]
#[case("ci.example.org/hook", Refused::Scheme)]
#[case("ftp://ci.example.org/", Refused::Scheme)]
#[case("file:///etc/passwd", Refused::Scheme)]
#[case("gopher://127.0.0.1:6379/_x", Refused::Scheme)]
#[case("https:ci.example.org", Refused::Scheme)]
#[case("https+basic://ci.example.org", Refused::Scheme)]
#[case("https://ci.example.org/a b", Refused::OddCharacter)]
#[case("https://ci.exam\tple.org/", Refused::OddCharacter)]
#[case("https://ci.example.org/\nX: y", Refused::OddCharacter)]
#[case("https://ci.example.org\\@127.0.0.1/", Refused::OddCharacter)]
#[case("https://ci.example.org/\u{a0}", Refused::OddCharacter)]
#[case("https://ada:hunter2@ci.example.org/", Refused::CredentialsInUrl)]
#[case("https://ada@ci.example.org/", Refused::CredentialsInUrl)]
#[case("https://:hunter2@ci.example.org/", Refused::CredentialsInUrl)]
#[case("https+sigv4://ada:hunter2@ci.example.org/", Refused::CredentialsInUrl)]
#[case("https://ci.example.org/#region=a&service=b", Refused::FragmentUnused)]
#[case("http://ci.example.org/", Refused::PlainHttp { host: "ci.example.org".into() })]
#[case("https://ci.example.org:8443/", Refused::Port { host: "ci.example.org".into(), port: 8443 })]
#[case("https://ci.example.org:80/", Refused::Port { host: "ci.example.org".into(), port: 80 })]
#[case("https://ci.example.org:0/", Refused::Port { host: "ci.example.org".into(), port: 0 })]
fn a_mistake_is_named(#[case] url: &str, #[case] expected: Refused) {
    assert_eq!(parse(url).unwrap_err(), expected);
}

#[rstest]
#[case("https://")]
#[case("https:///hook")]
#[case("https:////evil.example/")]
#[case("https://:443/")]
#[case("https://ci.example.org:99999/")]
#[case("https://[::1/")]
#[case("https://[fe80::1%25eth0]/")]
#[case("https://1.2.3.4.5/")]
#[case("https://256.1.1.1/")]
#[case("https://ci<>.example/")]
#[case("https://./")]
fn an_unreadable_url_is_called_so(#[case] url: &str) {
    assert!(
        matches!(parse(url), Err(Refused::Malformed(_))),
        "{:?}",
        parse(url)
    );
}

#[test]
fn a_url_of_unusual_length_is_refused() {
    let url = format!("https://ci.example.org/{}", "a".repeat(MAX_URL_BYTES));
    assert_eq!(parse(&url).unwrap_err(), Refused::TooLong);
}

/// The same address in every spelling that some reader understands.
#[rstest]
#[case("https://127.0.0.1/", "127.0.0.1")]
#[case("https://127.1/", "127.0.0.1")]
#[case("https://0x7f.1/", "127.0.0.1")]
#[case("https://0x7f000001/", "127.0.0.1")]
#[case("https://2130706433/", "127.0.0.1")]
#[case("https://017700000001/", "127.0.0.1")]
#[case("https://0177.0.0.1/", "127.0.0.1")]
#[case("https://127.0.0.1./", "127.0.0.1")]
#[case("https://%31%32%37.0.0.1/", "127.0.0.1")]
#[case("https://１２７.0.0.1/", "127.0.0.1")]
#[case("https://①②⑦.0.0.1/", "127.0.0.1")]
#[case("https://127。0。0。1/", "127.0.0.1")]
#[case("https://0/", "0.0.0.0")]
#[case("https://localhost/", "127.0.0.1")]
#[case("https://LocalHost./", "127.0.0.1")]
#[case("https://ci.localhost/", "127.0.0.1")]
#[case("https://[::1]/", "::1")]
#[case("https://[0:0:0:0:0:0:0:1]/", "::1")]
#[case("https://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1")]
#[case("https://[::ffff:7f00:1]/", "::ffff:127.0.0.1")]
#[case("https://[::127.0.0.1]/", "::127.0.0.1")]
#[case("https://[64:ff9b::10.0.0.1]/", "64:ff9b::a00:1")]
#[case("https://[2002:7f00:1::]/", "2002:7f00:1::")]
#[case("https://[fd00::1]/", "fd00::1")]
#[case("https://169.254.169.254/latest/meta-data", "169.254.169.254")]
#[case("https://2852039166/", "169.254.169.254")]
fn an_address_in_disguise_is_an_address(#[case] url: &str, #[case] expected: &str) {
    let Err(Refused::Address { address, .. }) = parse(url) else {
        panic!("{url} is not refused for its address: {:?}", parse(url));
    };
    assert_eq!(address, expected.parse::<std::net::IpAddr>().unwrap());
}

#[rstest]
#[case(&[(Setting::AllowHttp, "ci.example.org")], "http://ci.example.org/", true)]
#[case(&[(Setting::AllowHttp, "ci.example.org")], "http://ci.example.org:8080/", false)]
#[case(&[(Setting::AllowHttp, "ci.example.org:8080")], "http://ci.example.org:8080/", true)]
#[case(&[(Setting::AllowHttp, "ci.example.org:8080")], "https://ci.example.org:8080/", false)]
#[case(&[(Setting::AllowHttp, "127.0.0.1")], "http://127.0.0.1/", false)]
#[case(&[(Setting::AllowHttp, "other.example.org")], "http://ci.example.org/", false)]
#[case(&[(Setting::AllowPorts, "8443")], "https://ci.example.org:8443/", true)]
#[case(&[(Setting::AllowPorts, "8443")], "https://ci.example.org:8444/", false)]
#[case(&[(Setting::AllowHosts, "ci.local:8443")], "https://ci.local:8443/", true)]
#[case(&[(Setting::AllowHosts, "ci.local:8443")], "https://ci.local:8444/", false)]
#[case(&[(Setting::AllowHosts, "10.1.2.3")], "https://10.1.2.3/", true)]
#[case(&[(Setting::AllowHosts, "10.1.2.3")], "https://10.1.2.4/", false)]
#[case(&[(Setting::AllowNetworks, "10.1.0.0/16")], "https://10.1.2.3/", true)]
#[case(&[(Setting::AllowNetworks, "10.1.0.0/16")], "https://10.2.2.3/", false)]
#[case(&[(Setting::AllowNetworks, "10.1.0.0/16")], "https://[::ffff:10.1.2.3]/", false)]
#[case(&[(Setting::AllowNetworks, "::1")], "https://[::1]/", true)]
#[case(&[(Setting::LimitHosts, "*.example.org")], "https://ci.example.org/", true)]
#[case(&[(Setting::LimitHosts, "*.example.org")], "https://example.org/", false)]
#[case(&[(Setting::LimitHosts, "*.example.org")], "https://ci.example.org.evil.example/", false)]
#[case(&[(Setting::LimitHosts, "10.1.2.3")], "https://10.1.2.3/", false)]
#[case(&[(Setting::AllowHosts, "a.example"), (Setting::LimitHosts, "b.example")], "https://a.example/", false)]
fn the_administrator_decides(
    #[case] entries: &[(Setting, &str)],
    #[case] url: &str,
    #[case] expected: bool,
) {
    let parsed = Destination::parse(url, None, None, &policy(entries));
    assert_eq!(parsed.is_ok(), expected, "{parsed:?}");
}

#[test]
fn a_password_over_plain_http_needs_the_administrator() {
    let url = "http://ci.example.org/";
    let parse = |policy: &Policy| Destination::parse(url, Some("ada"), Some(SECRET.into()), policy);
    let refused = parse(&Policy::default()).unwrap_err();
    assert!(
        refused
            .explain(Audience::Forge)
            .contains("CHELA_ALLOW_HTTP")
    );
    let allowed = parse(&policy(&[(Setting::AllowHttp, "ci.example.org")])).unwrap();
    assert!(
        matches!(allowed.authentication(), Authentication::Basic { user, .. } if user == "ada")
    );
    assert_eq!(allowed.port(), 80);
}

#[test]
fn an_operators_own_url_is_not_guarded() {
    for url in [
        "http://127.0.0.1:8080/",
        "https://[::1]:9/",
        "http://pagure.local/",
    ] {
        Destination::parse(url, None, None, &Policy::unguarded()).unwrap();
    }
}

/// What is refused, and what is accepted, is printed without what was secret in it.
#[test]
fn no_secret_is_printed() {
    let refused = parse("https://ada:hunter2@ci.example.org/").unwrap_err();
    let malformed = parse("https://ada:hunter2@:99/").unwrap_err();
    let unknown = parse("ada:hunter2://x").unwrap_err();
    for refused in [refused, malformed, unknown] {
        let texts = [
            refused.explain(Audience::Forge),
            refused.explain(Audience::Program),
            format!("{refused:?}"),
        ];
        assert!(texts.iter().all(|text| !text.contains(SECRET)), "{texts:?}");
    }
    let signed = parse_with_key("https+sigv4://x.lambda-url.eu-west-1.on.aws/").unwrap();
    assert!(!format!("{signed:?}").contains(SECRET), "{signed:?}");
}

#[test]
fn every_refusal_of_credentials_names_the_fields() {
    let refused = parse("https://ada:hunter2@ci.example.org/").unwrap_err();
    assert_eq!(
        refused.explain(Audience::Forge),
        "the URL contains a user name or a password; remove them from the CI URL; they belong into \
         the CI user name and the CI password"
    );
}

proptest! {
    #[test]
    fn any_text_is_parsed_without_panic(url: String, user: Option<String>, password: Option<String>) {
        for prefix in ["", "https://", "https+sigv4://a.lambda-url.b.on.aws/", "http://["] {
            let url = format!("{prefix}{url}");
            let password = password.clone().map(Into::into);
            let _ = Destination::parse(&url, user.as_deref(), password, &Policy::unguarded());
        }
    }

    /// Whatever is typed, an address that is not public does not pass.
    #[test]
    fn no_spelling_of_a_loopback_address_passes(
        host in "(0x7f|127|0177|[0-9]{1,3})(\\.(0x)?[0-9a-f]{1,3}){0,3}\\.?",
    ) {
        if let Ok(destination) = parse(&format!("https://{host}/"))
            && let Ok(address) = destination.host().parse::<std::net::Ipv4Addr>()
        {
            prop_assert!(!address.is_loopback() && !address.is_private());
        }
    }

    /// A second reading of what was accepted says the same.
    #[test]
    fn an_accepted_url_is_read_again_alike(path in "[ -~]{0,40}") {
        let policy = Policy::default();
        if let Ok(once) = Destination::parse(&format!("https://ci.example.org/{path}"), None, None, &policy) {
            let twice = Destination::parse(once.url(), None, None, &policy).unwrap();
            prop_assert_eq!(once.url(), twice.url());
        }
    }
}

#[rstest]
#[case("https://10.0.0.1/", "the URL names 10.0.0.1, which is not public")]
#[case("https://0x7f.1/", "the URL names 127.0.0.1, which is not public")]
#[case("https://[fd00::1]/", "the URL names fd00::1, which is not public")]
fn an_address_in_the_url_is_said_once(#[case] url: &str, #[case] expected: &str) {
    let refused = Destination::parse(url, None, None, &Policy::default()).unwrap_err();
    let said = refused.explain(Audience::Forge);
    assert!(said.starts_with(expected), "{said}");
}
