//! The events of CodeBuild and CodePipeline as EventBridge delivers them.
//!
//! Read narrowly: AWS writes numbers as floats, leaves members out and adds others, so that only
//! what is used here must be there.

use chela_contract::{BuildId, Micros};
use serde_json::Value;

use crate::clock::end_of_second;
use crate::record::{Service, Target};

/// As much of a foreign word as an error shows.
const MAX_SHOWN: usize = 64;
/// More than any name and id of AWS together. Bytes.
const MAX_ID: usize = 512;
/// Ours among the variables that a build was given.
const BUILD_ID: &str = "CHELA_BUILD_ID";

/// Something happened to a build or to an execution of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Of which project or pipeline.
    pub target: Target,
    /// Which one, as a record names it: `<project>:<uuid>`, or the execution's id.
    pub execution: String,
    /// The last microsecond of the second in which it happened: AWS cuts the time to the second,
    /// and what we said earlier in that second must not outrank it.
    pub at: Micros,
    /// What happened.
    pub what: What,
    /// The build that it says it is, out of its variables. Whoever starts a build sets those.
    pub claimed: Option<BuildId>,
    /// Who started it: a user, a role, or `codepipeline/<name>`.
    pub initiator: Option<String>,
}

/// What happened, in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A build's status.
    Build {
        /// The status.
        status: String,
        /// The phases until now.
        phases: Vec<Phase>,
    },
    /// A phase of a build has finished.
    Finished(Phase),
    /// The state of a pipeline's execution.
    Pipeline {
        /// The state.
        state: String,
    },
    /// The state of a stage.
    Stage {
        /// The stage.
        stage: String,
        /// Its state.
        state: String,
    },
    /// The state of an action.
    Action {
        /// The stage that it belongs to.
        stage: String,
        /// The action.
        action: String,
        /// Its state.
        state: String,
    },
}

/// A phase of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// Its status; empty while it runs.
    pub status: String,
    /// What CodeBuild says of it: a code and a message.
    pub context: Option<String>,
}

impl Phase {
    /// Its name, status and context.
    pub(crate) fn parts(&self) -> (&str, &str, Option<&str>) {
        (&self.name, &self.status, self.context.as_deref())
    }
}

/// The text is no event that is known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownEvent {
    /// Another kind of event.
    #[error(
        "{kind:?} of {from:?} is no event that is reported; let the rule select the state and phase \
         changes of CodeBuild and the state changes of CodePipeline only"
    )]
    Kind {
        /// Its `source`.
        from: String,
        /// Its `detail-type`.
        kind: String,
    },
    /// A member is not there, or not of its kind.
    #[error("the event has no usable {0}; let the rule hand the events on as they are")]
    Member(&'static str),
}

impl Event {
    /// Whether `message` looks like an event of EventBridge at all.
    #[must_use]
    pub fn is_one(message: &Value) -> bool {
        message.get("detail-type").is_some() && message.get("source").is_some()
    }

    /// Reads one.
    pub fn read(event: &Value) -> Result<Self, UnknownEvent> {
        let (source, kind) = (text(event, "/source"), text(event, "/detail-type"));
        match (source.unwrap_or_default(), kind.unwrap_or_default()) {
            ("aws.codebuild", "CodeBuild Build State Change") => build(event, status(event)?),
            ("aws.codebuild", "CodeBuild Build Phase Change") => build(event, finished(event)?),
            ("aws.codepipeline", "CodePipeline Pipeline Execution State Change") => {
                let state = needed(event, "/detail/state")?;
                execution(event, What::Pipeline { state })
            }
            ("aws.codepipeline", "CodePipeline Stage Execution State Change") => {
                execution(event, stage(event)?)
            }
            ("aws.codepipeline", "CodePipeline Action Execution State Change") => {
                execution(event, action(event)?)
            }
            (from, kind) => Err(UnknownEvent::Kind {
                from: shown(from),
                kind: shown(kind),
            }),
        }
    }
}

fn build(event: &Value, what: What) -> Result<Event, UnknownEvent> {
    const ID: &str = "/detail/build-id";
    let arn = needed(event, ID)?;
    let known = arn.rsplit_once(":build/").and_then(|(_, id)| checked(id));
    let id = known.ok_or(UnknownEvent::Member("detail/build-id"))?;
    // The id carries the name: the two cannot contradict each other.
    let (name, _) = id
        .split_once(':')
        .filter(|(name, run)| !name.is_empty() && !run.is_empty())
        .ok_or(UnknownEvent::Member("detail/build-id"))?;
    let initiator = text(event, "/detail/additional-information/initiator");
    Ok(Event {
        target: target(Service::CodeBuild, name),
        execution: id.to_owned(),
        at: at(event)?,
        what,
        claimed: claimed(event),
        initiator: initiator.map(str::to_owned),
    })
}

fn execution(event: &Value, what: What) -> Result<Event, UnknownEvent> {
    let name = needed(event, "/detail/pipeline")?;
    let id = needed(event, "/detail/execution-id")?;
    let id = checked(&id).ok_or(UnknownEvent::Member("detail/execution-id"))?;
    Ok(Event {
        target: target(Service::CodePipeline, &name),
        execution: id.to_owned(),
        at: at(event)?,
        what,
        claimed: None,
        initiator: None,
    })
}

fn target(service: Service, name: &str) -> Target {
    Target {
        service,
        name: name.to_owned(),
    }
}

fn status(event: &Value) -> Result<What, UnknownEvent> {
    let phases = event.pointer("/detail/additional-information/phases");
    let phases = phases.and_then(Value::as_array);
    Ok(What::Build {
        status: needed(event, "/detail/build-status")?,
        phases: phases.into_iter().flatten().filter_map(phase).collect(),
    })
}

fn phase(phase: &Value) -> Option<Phase> {
    let context = phase.pointer("/phase-context/0").and_then(Value::as_str);
    Some(Phase {
        name: text(phase, "/phase-type")?.to_owned(),
        status: text(phase, "/phase-status").unwrap_or_default().to_owned(),
        context: context.map(str::to_owned),
    })
}

/// Its context is a list that is written into a text (`"[]"`), and no flag shows it.
fn finished(event: &Value) -> Result<What, UnknownEvent> {
    Ok(What::Finished(Phase {
        name: needed(event, "/detail/completed-phase")?,
        status: needed(event, "/detail/completed-phase-status")?,
        context: None,
    }))
}

fn stage(event: &Value) -> Result<What, UnknownEvent> {
    Ok(What::Stage {
        stage: needed(event, "/detail/stage")?,
        state: needed(event, "/detail/state")?,
    })
}

fn action(event: &Value) -> Result<What, UnknownEvent> {
    Ok(What::Action {
        stage: needed(event, "/detail/stage")?,
        action: needed(event, "/detail/action")?,
        state: needed(event, "/detail/state")?,
    })
}

fn at(event: &Value) -> Result<Micros, UnknownEvent> {
    let time = text(event, "/time").and_then(|time| time.parse::<Micros>().ok());
    let time = time.ok_or(UnknownEvent::Member("time"))?;
    Ok(end_of_second(time))
}

fn claimed(event: &Value) -> Option<BuildId> {
    let variables = "/detail/additional-information/environment/environment-variables";
    let mut variables = event.pointer(variables)?.as_array()?.iter();
    let ours = variables.find(|variable| text(variable, "/name") == Some(BUILD_ID))?;
    text(ours, "/value")?.parse().ok()
}

/// An id, as AWS writes them.
fn checked(id: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:@".contains(c);
    (!id.is_empty() && id.len() <= MAX_ID && id.chars().all(plain)).then_some(id)
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    let text = value.pointer(pointer)?.as_str()?;
    (!text.is_empty()).then_some(text)
}

fn needed(value: &Value, pointer: &'static str) -> Result<String, UnknownEvent> {
    text(value, pointer)
        .map(str::to_owned)
        .ok_or(UnknownEvent::Member(named(pointer)))
}

/// The member as people write it: without the slash, which is JSON Pointer's.
fn named(pointer: &'static str) -> &'static str {
    pointer.trim_start_matches('/')
}

fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests;
