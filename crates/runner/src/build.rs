//! A build from its first phase to its artifacts.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Instant, SystemTime},
};

use chela_buildspec::{
    Buildspec, CommandResult, Commands as Progress, Course, Phase, PhaseResult, Stage, Step,
};

use crate::{
    gather::{Gathered, Gathering},
    limits::Limits,
    log::{LogSink, Output},
    outcome::{Event, Failure, Finished, Outcome},
    prepare::{self, Commands},
    sandbox::{Folders, Sandbox},
    session::{Ears, Interruption, Place, Ran, Session},
    stop::{Bell, Stop},
    texts,
    variables::Variables,
};

/// A build, ready to run.
pub struct Build<'a> {
    /// What to do.
    pub spec: &'a Buildspec,
    /// The checked-out tree: the build works in it, and it is the build's own from now on.
    pub source: &'a Path,
    /// An existing folder for what the build needs besides: `home`, `tmp` and `control` are made in
    /// it. Where builds have a user of their own, that user must be able to pass the folders above
    /// it and above `source`.
    pub scratch: &'a Path,
    /// An existing folder for the artifacts, out of the build's reach.
    pub artifacts: &'a Path,
    /// Variables of the request, which win over the buildspec's.
    pub variables: &'a BTreeMap<String, String>,
    /// The walls.
    pub sandbox: &'a Sandbox,
    /// What it may take.
    pub limits: &'a Limits,
    /// Takes what the build prints.
    pub log: &'a mut dyn LogSink,
}

/// Runs a build to its end; none of its processes is left then. Call it on a thread that may block,
/// and that lives as long as the call: bubblewrap dies with the thread that started it.
pub fn run(build: Build<'_>, stop: &Stop, on: &mut dyn FnMut(Event)) -> Finished {
    let Build {
        spec,
        source,
        scratch,
        artifacts,
        variables,
        sandbox,
        limits,
        log,
    } = build;
    let folders = Folders::of(source, scratch);
    let mut ears = Ears {
        output: Output::new(log),
        stop,
        deadline: Instant::now() + limits.time,
    };
    let job = Job {
        spec,
        folders,
        artifacts,
        variables,
        sandbox,
        limits,
    };
    let mut finished = Finished {
        outcome: Outcome::Succeeded,
        exported: BTreeMap::new(),
        artifacts: Vec::new(),
    };
    finished.outcome = job
        .run(&mut ears, on, &mut finished)
        .unwrap_or_else(|interruption| outcome_of(interruption, limits));
    ears.output.say(&texts::build_ended(&finished.outcome));
    finished
}

fn outcome_of(interruption: Interruption, limits: &Limits) -> Outcome {
    match interruption {
        Interruption::Stopped => Outcome::Stopped,
        Interruption::TimedOut => Outcome::TimedOut(limits.time),
        Interruption::Breach(breach) => Outcome::Failed(Failure::Limit(breach)),
        Interruption::Disturbed => Outcome::Failed(Failure::Disturbed),
        Interruption::NoShell(sentence) | Interruption::Machine(sentence) => {
            Outcome::Errored(sentence)
        }
    }
}

struct Job<'a> {
    spec: &'a Buildspec,
    folders: Folders,
    artifacts: &'a Path,
    variables: &'a BTreeMap<String, String>,
    sandbox: &'a Sandbox,
    limits: &'a Limits,
}

impl Job<'_> {
    fn run(
        &self,
        ears: &mut Ears<'_>,
        on: &mut dyn FnMut(Event),
        finished: &mut Finished,
    ) -> Result<Outcome, Interruption> {
        let places = self.sandbox.places(&self.folders);
        let variables = Variables::of(self.spec, self.variables, &places, SystemTime::now());
        let notes = self.spec.notes.iter().map(ToString::to_string);
        for line in notes.chain(
            variables
                .left_out
                .iter()
                .map(|name| texts::unsettable(name)),
        ) {
            ears.output.say(&line);
        }
        let gathering = Gathering::of(self.spec);
        let commands = prepare::prepare(
            self.spec,
            self.sandbox,
            &self.folders,
            &variables,
            gathering.questions(),
        )
        .map_err(|error| Interruption::Machine(error.to_string()))?;
        let bell = Bell::new()?;
        ears.stop.rings(&bell);
        let place = Place {
            sandbox: self.sandbox,
            folders: &self.folders,
            limits: self.limits,
            shell: prepare::shell(self.spec.env.shell),
            bell: &bell,
        };
        let mut walk = Walk {
            job: self,
            place,
            commands,
            gathering,
            session: None,
            failure: None,
            source: places.source.display().to_string(),
            finished,
        };
        let ended = walk.walk(ears, on);
        if let Some(mut session) = walk.session.take() {
            session.end(&mut ears.output)?;
        }
        ended
    }
}

/// On the way through the phases.
struct Walk<'a, 'b> {
    job: &'b Job<'a>,
    place: Place<'b>,
    commands: Commands<'a>,
    gathering: Gathering<'a>,
    session: Option<Session>,
    /// The first one of the build.
    failure: Option<Failure>,
    source: String,
    finished: &'b mut Finished,
}

impl<'a> Walk<'a, '_> {
    fn walk(
        &mut self,
        ears: &mut Ears<'_>,
        on: &mut dyn FnMut(Event),
    ) -> Result<Outcome, Interruption> {
        let mut course = Course::of(self.job.spec);
        let mut gathered = None;
        loop {
            let (stage, percent) = match course.step() {
                Step::Run { phase, percent, .. } => (Stage::Phase(phase.name), percent),
                Step::Collect { percent } => (Stage::Artifacts, percent),
                Step::End(_) => break,
            };
            if stage == Stage::Artifacts {
                gathered = Some(self.leave(ears)?);
            }
            on(Event::Started { stage, percent });
            ears.output.say(&texts::entering(texts::stage(stage)));
            let started = Instant::now();
            let result = match (course.step(), &gathered) {
                (
                    Step::Run {
                        phase, succeeding, ..
                    },
                    _,
                ) => self.phase(phase, succeeding, ears)?,
                (_, Some(gathered)) => self.collect(gathered, ears)?,
                (_, None) => PhaseResult::Failed,
            };
            let took = started.elapsed();
            ears.output
                .say(&texts::phase_ended(texts::stage(stage), result, took));
            on(Event::Ended {
                stage,
                result,
                took,
            });
            course = course.ended(result);
        }
        if gathered.is_none() {
            self.leave(ears)?;
        }
        Ok(self
            .failure
            .take()
            .map_or(Outcome::Succeeded, Outcome::Failed))
    }

    fn phase(
        &mut self,
        phase: &'a Phase,
        succeeding: bool,
        ears: &mut Ears<'_>,
    ) -> Result<PhaseResult, Interruption> {
        let mut progress = Progress::of(phase);
        let mut told = false;
        while let Some(command) = progress.current() {
            let fresh = self.session.is_none();
            let session = match &mut self.session {
                Some(session) => session,
                none => none.insert(Session::start(self.place, ears)?),
            };
            if (fresh || !told) && !succeeding {
                session.succeeding("0")?;
            }
            told = true;
            let status = self.command(command.text, ears)?;
            progress = progress.ended(match status {
                0 => CommandResult::Succeeded,
                _ => CommandResult::Failed,
            });
            if status != 0 {
                ears.output
                    .say(&texts::command_failed(command.text, status));
                self.failure.get_or_insert_with(|| Failure::Command {
                    phase: phase.name,
                    command: command.text.to_owned(),
                    status,
                });
            }
        }
        Ok(progress.result())
    }

    fn command(&mut self, text: &str, ears: &mut Ears<'_>) -> Result<u8, Interruption> {
        ears.output.say(&texts::running(text));
        let (Some(session), Some(number)) = (&mut self.session, self.commands.number(text)) else {
            return Err(Interruption::Machine("a command has no file".to_owned()));
        };
        match session.run(number, ears)? {
            Ran::Ended(status) => Ok(status),
            Ran::WithTheShell(status) => {
                self.session = None;
                ears.output.say(texts::SHELL_ENDED);
                Ok(status)
            }
        }
    }

    /// No more commands: asks for the values at the end, and lets the shell go.
    fn leave(&mut self, ears: &mut Ears<'_>) -> Result<Gathered, Interruption> {
        let asked = !self.gathering.questions().is_empty();
        let mut values = BTreeMap::new();
        match self.session.take() {
            Some(mut session) => {
                if asked {
                    values = session.values(ears)?;
                }
                session.leave(ears)?;
            }
            None if asked => ears.output.say(texts::NOTHING_EXPORTED),
            None => {}
        }
        let gathered = self.gathering.gathered(values);
        self.finished.exported = gathered.exported(self.job.spec);
        Ok(gathered)
    }

    fn collect(
        &mut self,
        gathered: &Gathered,
        ears: &mut Ears<'_>,
    ) -> Result<PhaseResult, Interruption> {
        let limit = self.job.limits.artifacts;
        let collected = self
            .gathering
            .wanted(gathered, &self.source)
            .and_then(|wanted| {
                crate::artifacts::collect(
                    &self.job.folders.source,
                    self.job.artifacts,
                    &wanted,
                    limit,
                    &mut ears.output,
                )
            });
        match collected {
            Ok(collected) => {
                self.finished.artifacts = collected;
                Ok(PhaseResult::Succeeded)
            }
            Err(crate::artifacts::Error::Io(error)) => Err(Interruption::Machine(format!(
                "the artifacts cannot be kept: {error}"
            ))),
            Err(error) => {
                let sentence = error.to_string();
                ears.output.say(&sentence);
                self.failure.get_or_insert(Failure::Artifacts(sentence));
                Ok(PhaseResult::Failed)
            }
        }
    }
}
