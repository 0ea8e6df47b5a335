//! Which of the contract's variables a pipeline is given.

use aws_sdk_codepipeline::types::PipelineVariable;
use chela_receiver::variables;

use crate::engine::texts;
use crate::{Pipeline, Record};

/// As long as a variable's value may be. Characters.
const LONGEST: usize = 1000;

/// Those that the pipeline declares; an empty one is left to what the pipeline declares for it,
/// since `CodePipeline` takes none.
pub(super) fn chosen(
    pipeline: &Pipeline,
    record: &Record,
) -> Result<Vec<PipelineVariable>, String> {
    let commit = record.commit.as_ref();
    let commit = commit.or(record.request.source.commit.as_ref());
    variables(&record.request, commit)
        .into_iter()
        .filter(|(name, value)| !value.is_empty() && pipeline.variables.contains(name))
        .map(|(name, value)| checked(&record.target.name, name, value))
        .collect()
}

/// Pipelines paste values into JSON and into commands, and quote nothing.
fn checked(pipeline: &str, name: String, value: String) -> Result<PipelineVariable, String> {
    if !value.chars().all(is_plain) {
        return Err(texts::odd_value(pipeline, &name));
    }
    if value.len() > LONGEST {
        return Err(texts::long_value(pipeline, &name));
    }
    let variable = PipelineVariable::builder().name(name).value(value).build();
    Ok(variable.expect("name and value are set"))
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._/:@+-".contains(c)
}
