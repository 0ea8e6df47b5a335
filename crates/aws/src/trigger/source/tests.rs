use chela_source::Fetcher;
use rstest::rstest;

use super::*;
use crate::failure::{Call, Failure};
use crate::record::{Pipeline, Service, Target};
use crate::trigger::claim::candidate;
use crate::trigger::testing::{at, commit, id, queued, request};
use crate::trigger::world::Assigned;

fn record() -> Record {
    let target = Target {
        service: Service::CodeBuild,
        name: "hello".to_owned(),
    };
    let assigned = Assigned {
        for_strangers: target.clone(),
        target,
        strangers: chela_receiver::Strangers::Hold,
    };
    candidate(&queued(request(1)), &Ok(assigned))
}

fn pipeline(key_override: bool) -> Prepared {
    Prepared::CodePipeline(Pipeline {
        source_action: "Source".to_owned(),
        key_override,
        bucket: "pipelines".to_owned(),
        key: "hello/source.zip".to_owned(),
        variables: Vec::new(),
        stages: Vec::new(),
    })
}

fn codebuild(takes_source: bool) -> Prepared {
    Prepared::CodeBuild {
        takes_source,
        public: None,
    }
}

#[rstest]
#[case::of_its_own(codebuild(true), Some(("sources", None, Sharing::Exclusive)))]
#[case::none(codebuild(false), None)]
#[case::where_the_pipeline_looks(pipeline(true), Some(("pipelines", None, Sharing::Exclusive)))]
#[case::what_the_pipeline_names(
    pipeline(false),
    Some(("pipelines", Some("hello/source.zip"), Sharing::Overwrite))
)]
fn a_source_goes_where_its_engine_looks(
    #[case] prepared: Prepared,
    #[case] expected: Option<(&str, Option<&str>, Sharing)>,
) {
    let shelf = Shelf {
        bucket: "sources".to_owned(),
        prefix: "chela/".to_owned(),
    };
    let own = format!("chela/codebuild/hello/{}.zip", id(1));
    let expected = expected.map(|(bucket, key, sharing)| Place {
        bucket: bucket.to_owned(),
        key: key.map_or(own, str::to_owned),
        sharing,
        commit: Some(commit('a')),
    });
    assert_eq!(shelf.place(&record(), &prepared), expected);
}

#[rstest]
#[case::much_is_left(300, TimeLimit::Setting(Duration::from_mins(4)))]
#[case::less_is_left(200, TimeLimit::Invocation(Duration::from_secs(170)))]
#[case::nothing_is_left(20, TimeLimit::Invocation(Duration::ZERO))]
#[case::it_is_over(-20, TimeLimit::Invocation(Duration::ZERO))]
fn a_fetch_ends_before_its_invocation(#[case] left: i64, #[case] expected: TimeLimit) {
    let limits = Limits {
        time: Duration::from_mins(4),
        ..Limits::default()
    };
    assert_eq!(TimeLimit::at(at(0), at(left), &limits), expected);
}

const LIMIT: TimeLimit = TimeLimit::Setting(Duration::from_mins(4));

fn why(error: impl Into<UploadError>) -> Result<String, String> {
    match trouble(error.into(), LIMIT) {
        Trouble::Never(why) => Err(why),
        Trouble::Later(wait) => Ok(wait.text()),
        Trouble::Mute(why) => panic!("the queues have nothing to do with it: {why}"),
    }
}

#[test]
fn a_repository_that_takes_too_long_names_the_setting() {
    let limit = Duration::from_mins(4);
    let said = why(Error::TooSlow { limit }).unwrap_err();
    assert!(said.contains("240 s; raise CHELA_MAX_SECONDS"), "{said}");
    let left = TimeLimit::Invocation(limit);
    let said = trouble(Error::TooSlow { limit }.into(), left);
    let Trouble::Never(said) = said else {
        panic!("it is for good, not {said:?}");
    };
    assert!(
        said.contains("time-out of the function trigger (15 minutes"),
        "{said}"
    );
}

#[rstest]
#[case(Excess::Received, "CHELA_MAX_RECEIVED_MIB")]
#[case(Excess::Unpacked, "CHELA_MAX_UNPACKED_MIB")]
#[case(Excess::File, "CHELA_MAX_FILE_MIB")]
#[case(Excess::Files, "CHELA_MAX_FILES")]
fn a_repository_that_is_too_large_names_the_setting(#[case] what: Excess, #[case] setting: &str) {
    let said = why(Error::TooMuch { what, limit: 9 }).unwrap_err();
    assert!(
        said.contains("more than 9") && said.contains(setting),
        "{said}"
    );
}

#[test]
fn a_refused_clone_url_names_the_variable_that_allows_it() {
    let fetcher = Fetcher::new(chela_outbound::Policy::default(), Limits::default());
    let mut source = request(1).source;
    source.clone_url = "http://192.0.2.1/hello.git".parse().unwrap();
    let scratch = std::env::temp_dir().join("chela-trigger-refused");
    let refused = fetcher
        .zip(&source, &scratch, |_| Ok(Vec::new()))
        .unwrap_err();
    let said = why(refused).unwrap_err();
    assert!(said.contains("CHELA_ALLOW_HTTP"), "{said}");
}

#[test]
fn a_full_disk_names_the_storage_and_another_error_of_the_disk_may_pass() {
    let unwritable = |kind: io::ErrorKind| TargetError::Unwritable {
        path: "/tmp".into(),
        cause: kind.into(),
    };
    let said = why(Error::from(unwritable(io::ErrorKind::StorageFull))).unwrap_err();
    assert!(said.contains("ephemeral storage"), "{said}");
    assert!(why(Error::from(unwritable(io::ErrorKind::Interrupted))).is_ok());
}

#[test]
fn a_server_that_is_busy_is_asked_again_and_one_that_says_no_is_not() {
    let status = |status| Error::Status {
        host: "git.example.org".to_owned(),
        status,
    };
    let said = why(status(503)).unwrap();
    assert!(
        said.starts_with("Waits to fetch the source again: "),
        "{said}"
    );
    assert!(why(status(418)).is_err());
}

#[test]
fn s3_says_itself_whether_it_may_pass() {
    let call = Call::new("s3:PutObject", "sources/one.zip");
    let why_not = "no".to_owned();
    let denied = Failure::Denied {
        call: call.clone(),
        why: why_not.clone(),
    };
    let said = why(denied).unwrap_err();
    assert!(said.contains("s3:PutObject on sources/one.zip"), "{said}");
    let passing = Failure::Passing { call, why: why_not };
    assert!(why(passing).is_ok());
    let bucket = "sources".to_owned();
    assert!(why(UploadError::Unversioned { bucket }).is_err());
}
