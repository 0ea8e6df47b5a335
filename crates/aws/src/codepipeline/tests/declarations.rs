//! What is read out of a pipeline's declaration, and which variables it is given.

use aws_sdk_codepipeline::types::{
    ActionCategory, ActionDeclaration, ActionOwner, ActionTypeId, PipelineType,
    PipelineVariableDeclaration, StageDeclaration,
};

use super::*;

const NO_POLLS: (&str, &str) = ("PollForSourceChanges", "false");
const OVERRIDE: (&str, &str) = ("AllowOverrideForS3ObjectKey", "true");

/// A pipeline of three stages whose source action takes any key.
pub fn declared() -> PipelineDeclaration {
    declared_with(vec![action("Source", &[NO_POLLS, OVERRIDE])])
}

/// The same, read.
pub fn release() -> Pipeline {
    Pipeline {
        source_action: "Source".to_owned(),
        key_override: true,
        bucket: "chela-sources".to_owned(),
        key: "configured.zip".to_owned(),
        variables: ["CHELA_COMMIT", "CHELA_BRANCH", "STAGE"]
            .map(str::to_owned)
            .to_vec(),
        stages: ["First", "Build", "Deploy"].map(str::to_owned).to_vec(),
    }
}

/// The same with these source actions.
pub fn declared_with(sources: Vec<ActionDeclaration>) -> PipelineDeclaration {
    let variables = release().variables;
    let variables = variables
        .iter()
        .map(|name| variable_declared(name))
        .collect();
    PipelineDeclaration::builder()
        .name("hello")
        .role_arn("arn:aws:iam::123456789012:role/pipeline")
        .pipeline_type(PipelineType::V2)
        .stages(stage("First", sources))
        .stages(stage(
            "Build",
            vec![action_of(ActionCategory::Build, "CodeBuild", "Build")],
        ))
        // Copies into S3, and takes nothing from there.
        .stages(stage(
            "Deploy",
            vec![action_of(ActionCategory::Deploy, "S3", "Copy")],
        ))
        .set_variables(Some(variables))
        .build()
        .unwrap()
}

/// A source action of S3's, with these settings beside its bucket and key.
pub fn action(name: &str, settings: &[(&str, &str)]) -> ActionDeclaration {
    let mut action = action_of(ActionCategory::Source, "S3", name);
    let mine = [
        ("S3Bucket", "chela-sources"),
        ("S3ObjectKey", "configured.zip"),
    ];
    let all = mine.iter().chain(settings);
    let all = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    action.configuration = Some(all.collect());
    action
}

fn action_of(category: ActionCategory, provider: &str, name: &str) -> ActionDeclaration {
    let kind = ActionTypeId::builder()
        .category(category)
        .owner(ActionOwner::Aws)
        .provider(provider)
        .version("1")
        .build()
        .unwrap();
    ActionDeclaration::builder()
        .name(name)
        .action_type_id(kind)
        .build()
        .unwrap()
}

/// An action of an account's own making that bears the same name.
fn own_s3() -> ActionDeclaration {
    let mut own = action("Source", &[NO_POLLS]);
    let kind = own.action_type_id.as_mut().unwrap();
    kind.owner = ActionOwner::Custom;
    own
}

fn stage(name: &str, actions: Vec<ActionDeclaration>) -> StageDeclaration {
    StageDeclaration::builder()
        .name(name)
        .set_actions(Some(actions))
        .build()
        .unwrap()
}

fn variable_declared(name: &str) -> PipelineVariableDeclaration {
    PipelineVariableDeclaration::builder()
        .name(name)
        .build()
        .unwrap()
}

fn read(sources: Vec<ActionDeclaration>) -> Result<Pipeline, String> {
    declared::read("hello", &declared_with(sources))
}

#[test]
fn the_only_source_action_is_taken_with_its_own_key() {
    let pipeline = read(vec![action("Source", &[NO_POLLS])]).unwrap();
    let expected = Pipeline {
        key_override: false,
        ..release()
    };
    assert_eq!(pipeline, expected);
}

#[test]
fn of_several_the_one_that_takes_any_key_is_taken_whatever_it_polls() {
    let tools = || action("Tools", &[]);
    let pipeline = read(vec![tools(), action("Source", &[OVERRIDE]), tools()]).unwrap();
    assert_eq!(pipeline, release());
}

#[rstest]
#[case::none(vec![], "has no source action of the provider S3")]
#[case::of_another_provider(
    vec![action_of(ActionCategory::Source, "CodeCommit", "Source")],
    "has no source action of the provider S3"
)]
#[case::of_somebodys_own(vec![own_s3()], "has no source action of the provider S3")]
#[case::several(
    vec![action("One", &[NO_POLLS]), action("Two", &[NO_POLLS])],
    "several S3 source actions"
)]
#[case::several_that_take_any_key(
    vec![action("One", &[OVERRIDE]), action("Two", &[OVERRIDE])],
    "several S3 source actions"
)]
#[case::it_polls(
    vec![action("Source", &[("PollForSourceChanges", "true")])],
    "set PollForSourceChanges to false"
)]
#[case::it_polls_by_default(vec![action("Source", &[])], "set PollForSourceChanges to false")]
fn a_pipeline_that_cannot_be_used_is_told_with_the_remedy(
    #[case] sources: Vec<ActionDeclaration>,
    #[case] says: &str,
) {
    let why = read(sources).unwrap_err();
    assert!(why.contains(says), "{why}");
    assert!(why.contains("hello"), "{why}");
}

#[rstest]
#[case("S3Bucket")]
#[case("S3ObjectKey")]
fn a_source_action_without_a_place_is_told(#[case] setting: &str) {
    let mut source = action("Source", &[NO_POLLS]);
    source.configuration.as_mut().unwrap().remove(setting);
    let why = read(vec![source]).unwrap_err();
    assert!(why.contains(&format!("has no {setting}")), "{why}");
}

#[rstest]
#[case(Some(PipelineType::V1))]
#[case(None)]
fn a_pipeline_of_the_first_type_is_refused(#[case] kind: Option<PipelineType>) {
    let mut pipeline = declared();
    pipeline.pipeline_type = kind;
    let why = declared::read("hello", &pipeline).unwrap_err();
    assert!(why.contains("type V1"), "{why}");
}

fn given(branch: &str) -> Result<Vec<PipelineVariable>, String> {
    let mut record = record();
    record.request.source.refname = Refname::Branch(branch.to_owned());
    let pipeline = Pipeline {
        variables: vec!["CHELA_BRANCH".to_owned()],
        ..release()
    };
    values::chosen(&pipeline, &record)
}

#[rstest]
#[case("feature/a_b-c.d+e:f@g")]
#[case(&"x".repeat(1000))]
fn a_plain_value_is_handed_on(#[case] branch: &str) {
    assert_eq!(given(branch), Ok(vec![variable("CHELA_BRANCH", branch)]));
}

#[rstest]
#[case("a b")]
#[case("a\"b")]
#[case("$(reboot)")]
#[case("a;b")]
#[case("a\nb")]
#[case("a`b`")]
#[case("#{variables.SECRET}")]
#[case("ä")]
fn a_value_that_is_more_than_a_value_where_it_is_pasted_is_refused(#[case] branch: &str) {
    let why = given(branch).unwrap_err();
    assert!(
        why.contains("CHELA_BRANCH has characters other than"),
        "{why}"
    );
    assert!(!why.contains(branch), "{why}");
}

#[test]
fn a_value_that_is_too_long_is_refused() {
    let why = given(&"x".repeat(1001)).unwrap_err();
    assert!(
        why.contains("CHELA_BRANCH is longer than the 1000"),
        "{why}"
    );
}

#[test]
fn an_empty_value_is_left_to_the_pipelines_own() {
    assert_eq!(given(""), Ok(Vec::new()));
}

#[test]
fn an_odd_value_that_the_pipeline_does_not_declare_is_no_matter() {
    let mut record = record();
    record.request.source.refname = Refname::Branch("a b".to_owned());
    let pipeline = Pipeline {
        variables: vec!["CHELA_COMMIT".to_owned()],
        ..release()
    };
    let chosen = values::chosen(&pipeline, &record);
    assert_eq!(chosen, Ok(vec![variable("CHELA_COMMIT", COMMIT)]));
}
