//! Which AWS region and service a host stands for.

/// What a `SigV4` signature is scoped to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    pub region: String,
    pub service: String,
}

/// What follows the region in a host name, per service and partition.
///
/// Sources: AWS Lambda Developer Guide, "Function URLs"; Amazon API Gateway Developer Guide,
/// "Invoke REST APIs"; the DNS suffixes of AWS China are amazonaws.com.cn and
/// on.amazonwebservices.com.cn. `GovCloud` shares the suffixes of the standard partition.
const SERVICES: &[(&str, &str)] = &[
    ("lambda-url", "on.aws"),
    ("lambda-url", "on.amazonwebservices.com.cn"),
    ("execute-api", "amazonaws.com"),
    ("execute-api", "amazonaws.com.cn"),
];

/// The scope of an AWS host `<id>.<service>.<region>.<suffix>`.
pub fn of_host(host: &str) -> Option<Scope> {
    let (id, rest) = host.split_once('.')?;
    let (label, rest) = rest.split_once('.')?;
    let (region, suffix) = rest.split_once('.')?;
    let known = SERVICES.contains(&(label, suffix)) && !id.is_empty() && is_name(region);
    let service = if label == "lambda-url" {
        "lambda"
    } else {
        label
    };
    known.then(|| Scope {
        region: region.to_owned(),
        service: service.to_owned(),
    })
}

/// The scope that `region=…&service=…` says, in any order, each once.
pub fn of_fragment(fragment: &str) -> Option<Scope> {
    let mut region = None;
    let mut service = None;
    for pair in fragment.split('&') {
        let (key, value) = pair.split_once('=')?;
        let slot = match key {
            "region" => &mut region,
            "service" => &mut service,
            _ => return None,
        };
        if slot.is_some() || !is_name(value) {
            return None;
        }
        *slot = Some(value.to_owned());
    }
    Some(Scope {
        region: region?,
        service: service?,
    })
}

fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    type Pair<'a> = Option<(&'a str, &'a str)>;

    fn pair(scope: Option<&Scope>) -> Pair<'_> {
        scope.map(|scope| (scope.region.as_str(), scope.service.as_str()))
    }

    #[rstest]
    #[case("abc.lambda-url.eu-central-1.on.aws", Some(("eu-central-1", "lambda")))]
    #[case(
        "abc.lambda-url.us-gov-west-1.on.aws",
        Some(("us-gov-west-1", "lambda"))
    )]
    #[case(
        "abc.lambda-url.cn-north-1.on.amazonwebservices.com.cn",
        Some(("cn-north-1", "lambda"))
    )]
    #[case(
        "x1.execute-api.us-east-1.amazonaws.com",
        Some(("us-east-1", "execute-api"))
    )]
    #[case(
        "x1.execute-api.cn-north-1.amazonaws.com.cn",
        Some(("cn-north-1", "execute-api"))
    )]
    #[case(
        "x1.execute-api.us-gov-east-1.amazonaws.com",
        Some(("us-gov-east-1", "execute-api"))
    )]
    #[case("execute-api.us-east-1.amazonaws.com", None)]
    #[case(".execute-api.us-east-1.amazonaws.com", None)]
    #[case("a.b.execute-api.us-east-1.amazonaws.com", None)]
    #[case("x1.execute-api.us-east-1.amazonaws.com.evil.example", None)]
    #[case("abc.lambda-url.eu-central-1.amazonaws.com", None)]
    #[case("ci.example.org", None)]
    fn aws_hosts_tell_region_and_service(#[case] host: &str, #[case] expected: Pair<'_>) {
        assert_eq!(pair(of_host(host).as_ref()), expected);
    }

    #[rstest]
    #[case(
        "region=eu-central-1&service=execute-api",
        Some(("eu-central-1", "execute-api"))
    )]
    #[case("service=lambda&region=x", Some(("x", "lambda")))]
    #[case("region=eu-central-1", None)]
    #[case("region=a&region=b&service=c", None)]
    #[case("region=&service=c", None)]
    #[case("region=a&service=b&token=c", None)]
    #[case("region=A/b&service=c", None)]
    #[case("region", None)]
    fn a_fragment_says_both_or_nothing(#[case] fragment: &str, #[case] expected: Pair<'_>) {
        assert_eq!(pair(of_fragment(fragment).as_ref()), expected);
    }
}
