//! What a pipeline's declaration says of how it can be started.

use aws_sdk_codepipeline::types::{
    ActionCategory, ActionDeclaration, ActionOwner, PipelineDeclaration, PipelineType,
    StageDeclaration,
};

use crate::Pipeline;
use crate::engine::texts;

/// What is used of a declaration, or why the pipeline cannot be used.
pub(super) fn read(name: &str, declared: &PipelineDeclaration) -> Result<Pipeline, String> {
    // "What type of pipeline is right for me?": V1 knows no override of a source's revision.
    if declared.pipeline_type() != Some(&PipelineType::V2) {
        return Err(texts::old_pipeline(name));
    }
    let action = source(name, declared)?;
    let key_override = takes_key(action);
    // Whatever is put under the configured key would be built twice.
    if !key_override && setting(action, "PollForSourceChanges") != Some("false") {
        return Err(texts::polls(name, action.name()));
    }
    let must = |what: &str| {
        let value = setting(action, what);
        let value = value.ok_or_else(|| texts::unset(name, action.name(), what));
        value.map(str::to_owned)
    };
    let variables = declared.variables().iter();
    let stages = declared.stages().iter();
    Ok(Pipeline {
        source_action: action.name().to_owned(),
        key_override,
        bucket: must("S3Bucket")?,
        key: must("S3ObjectKey")?,
        variables: variables.map(|one| one.name().to_owned()).collect(),
        stages: stages.map(|stage| stage.name().to_owned()).collect(),
    })
}

/// The one source action that can take our source.
fn source<'a>(
    name: &str,
    declared: &'a PipelineDeclaration,
) -> Result<&'a ActionDeclaration, String> {
    let actions = declared.stages().iter().flat_map(StageDeclaration::actions);
    let all: Vec<_> = actions.filter(|action| is_s3_source(action)).collect();
    let open: Vec<_> = all.iter().copied().filter(|a| takes_key(a)).collect();
    match (all.as_slice(), open.as_slice()) {
        ([one], _) | (_, [one]) => Ok(one),
        ([], _) => Err(texts::no_source_action(name)),
        _ => Err(texts::many_source_actions(name)),
    }
}

fn is_s3_source(action: &ActionDeclaration) -> bool {
    action.action_type_id().is_some_and(|kind| {
        *kind.category() == ActionCategory::Source
            && *kind.owner() == ActionOwner::Aws
            && kind.provider() == "S3"
    })
}

fn takes_key(action: &ActionDeclaration) -> bool {
    setting(action, "AllowOverrideForS3ObjectKey") == Some("true")
}

fn setting<'a>(action: &'a ActionDeclaration, name: &str) -> Option<&'a str> {
    action.configuration()?.get(name).map(String::as_str)
}
