//! What may be a name: of an IAM user, of a job, of a project of CodeBuild, of a pipeline.

use crate::{links::Partition, record::Service};

/// A flag shows 64 characters; a commit's build says so in 9 of them, and the engine takes 13.
const MAX_JOB: usize = 40;

/// Whether this is the ARN of an IAM user (IAM API Reference, `userNameType` and `pathType`).
pub(super) fn is_user(arn: &str) -> bool {
    let Some(rest) = arn.strip_prefix("arn:") else {
        return false;
    };
    let parts: Vec<&str> = rest.splitn(5, ':').collect();
    let &[partition, "iam", "", account, resource] = parts.as_slice() else {
        return false;
    };
    let known = Partition::ALL.into_iter().any(|one| one.id() == partition);
    let numbered = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    known && numbered && resource.strip_prefix("user/").is_some_and(is_user_path)
}

/// A user's name, with the folders before it.
fn is_user_path(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    (1..=64).contains(&name.len())
        && name.chars().all(plain)
        && folders.len() <= 510
        && folders.bytes().all(|b| b.is_ascii_graphic())
}

/// Whether a job may be called so, after its engine.
pub(super) fn is_job(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=MAX_JOB).contains(&name.len()) && name.chars().all(plain)
}

/// Whether the service may have something of this name (`ProjectName` and `PipelineName` in the
/// services' own models).
pub(super) fn is_name(service: Service, name: &str) -> bool {
    let bytes = name.as_bytes();
    match service {
        Service::CodeBuild => {
            let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_".contains(b);
            (2..=150).contains(&bytes.len())
                && bytes[0].is_ascii_alphanumeric()
                && bytes.iter().all(plain)
        }
        Service::CodePipeline => {
            let plain = |b: &u8| b.is_ascii_alphanumeric() || b".@-_".contains(b);
            // Two that no address could hold.
            let dots = matches!(name, "." | "..");
            (1..=100).contains(&bytes.len()) && bytes.iter().all(plain) && !dots
        }
    }
}

/// What [`is_name`] wants.
pub(super) fn wanted(service: Service) -> &'static str {
    match service {
        Service::CodeBuild => {
            "the CodeBuild project's: 2 to 150 letters, digits, \"-\" and \"_\", the first a letter \
             or digit"
        }
        Service::CodePipeline => {
            "the pipeline's: 1 to 100 letters, digits, \".\", \"@\", \"-\" and \"_\""
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("arn:aws:iam::123456789012:user/pagure-demo-hello")]
    #[case("arn:aws:iam::123456789012:user/forges/pagure/hello@example.org")]
    #[case("arn:aws-cn:iam::123456789012:user/pagure")]
    #[case("arn:aws-us-gov:iam::123456789012:user/pagure")]
    fn a_user_is_one_in_every_partition(#[case] arn: &str) {
        assert!(is_user(arn));
    }

    #[rstest]
    #[case::name("pagure-demo-hello")]
    #[case::role("arn:aws:iam::123456789012:role/pagure")]
    #[case::session("arn:aws:sts::123456789012:assumed-role/pagure/session")]
    #[case::everybody("arn:aws:iam::123456789012:root")]
    #[case::group("arn:aws:iam::123456789012:group/pagure")]
    #[case::any("arn:aws:iam::123456789012:user/*")]
    #[case::no_name("arn:aws:iam::123456789012:user/")]
    #[case::no_name_in_a_folder("arn:aws:iam::123456789012:user/forges/")]
    #[case::account("arn:aws:iam::12345678901:user/pagure")]
    #[case::letters("arn:aws:iam::12345678901a:user/pagure")]
    #[case::region("arn:aws:iam:eu-west-1:123456789012:user/pagure")]
    #[case::partition("arn:aws-moon:iam::123456789012:user/pagure")]
    #[case::space("arn:aws:iam::123456789012:user/pagure ")]
    #[case::long(
        "arn:aws:iam::123456789012:user/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    )]
    #[case::nothing("")]
    fn nobody_else_is_a_user(#[case] arn: &str) {
        assert!(!is_user(arn));
    }

    #[rstest]
    #[case("hello", true)]
    #[case("a.b_c-9", true)]
    #[case("", false)]
    #[case("a b", false)]
    #[case("a/b", false)]
    #[case("a@b", false)]
    #[case("hell\u{f6}", false)]
    #[case("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true)]
    #[case("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false)]
    fn a_jobs_name_fits_a_flag(#[case] name: &str, #[case] fits: bool) {
        assert_eq!(is_job(name), fits);
    }

    #[rstest]
    #[case(Service::CodeBuild, "hello", true)]
    #[case(Service::CodeBuild, "h", false)]
    #[case(Service::CodeBuild, "-hello", false)]
    #[case(Service::CodeBuild, "hello.tests", false)]
    #[case(
        Service::CodeBuild,
        "arn:aws:codebuild:eu-west-1:123456789012:project/hello",
        false
    )]
    #[case(Service::CodePipeline, "h", true)]
    #[case(Service::CodePipeline, "release@2.x", true)]
    #[case(Service::CodePipeline, "..", false)]
    #[case(Service::CodePipeline, "re lease", false)]
    #[case(Service::CodePipeline, "", false)]
    fn a_services_names_are_those_of_its_model(
        #[case] service: Service,
        #[case] name: &str,
        #[case] fits: bool,
    ) {
        assert_eq!(is_name(service, name), fits);
    }
}
