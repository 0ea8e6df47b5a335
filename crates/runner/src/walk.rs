//! The way through the phases of one build.

use std::{collections::BTreeMap, path::Path, time::Instant};

use chela_buildspec::{
    Buildspec, CommandResult, Commands as Progress, Course, Phase, PhaseResult, Stage, Step,
};

use crate::{
    artifacts::{self, Error},
    gather::{Gathered, Gathering},
    outcome::{Event, Failure, Finished, Outcome},
    prepare::Commands,
    session::{Ears, Interruption, Place, Ran, Session},
    texts,
};

pub(crate) struct Walk<'a> {
    pub(crate) spec: &'a Buildspec,
    pub(crate) place: Place<'a>,
    pub(crate) commands: Commands<'a>,
    pub(crate) gathering: Gathering<'a>,
    /// Where the artifacts go.
    pub(crate) artifacts: &'a Path,
    pub(crate) session: Option<Session>,
    /// The first one of the build.
    pub(crate) failure: Option<Failure>,
    pub(crate) finished: &'a mut Finished,
}

impl<'a> Walk<'a> {
    /// To the end, or to what interrupts it; no process is left either way.
    pub(crate) fn run(
        mut self,
        ears: &mut Ears<'_>,
        on: &mut dyn FnMut(Event),
    ) -> Result<Outcome, Interruption> {
        let ended = self.stages(ears, on);
        if let Some(mut session) = self.session.take() {
            session.end(&mut ears.output)?;
        }
        ended?;
        Ok(self.failure.map_or(Outcome::Succeeded, Outcome::Failed))
    }

    fn stages(
        &mut self,
        ears: &mut Ears<'_>,
        on: &mut dyn FnMut(Event),
    ) -> Result<(), Interruption> {
        let mut course = Course::of(self.spec);
        while let Step::Run {
            phase,
            succeeding,
            percent,
        } = course.step()
        {
            let stage = Stage::Phase(phase.name);
            let result = told(stage, percent, ears, on, |ears| {
                self.phase(phase, succeeding, ears)
            })?;
            course = course.ended(result);
        }
        let gathered = self.leave(ears)?;
        if let Step::Collect { percent } = course.step() {
            told(Stage::Artifacts, percent, ears, on, |ears| {
                self.collect(&gathered, ears)
            })?;
        }
        Ok(())
    }

    fn phase(
        &mut self,
        phase: &'a Phase,
        succeeding: bool,
        ears: &mut Ears<'_>,
    ) -> Result<PhaseResult, Interruption> {
        let mut progress = Progress::of(phase);
        while let Some(command) = progress.current() {
            let status = self.command(command.text, succeeding, ears)?;
            if status == 0 {
                progress = progress.ended(CommandResult::Succeeded);
                continue;
            }
            progress = progress.ended(CommandResult::Failed);
            ears.output
                .say(&texts::command_failed(command.text, status));
            self.failure.get_or_insert_with(|| Failure::Command {
                phase: phase.name,
                command: command.text.to_owned(),
                status,
            });
        }
        Ok(progress.result())
    }

    fn command(
        &mut self,
        text: &str,
        succeeding: bool,
        ears: &mut Ears<'_>,
    ) -> Result<u8, Interruption> {
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(Session::start(self.place, ears)?),
        };
        session.succeeding(if succeeding { "1" } else { "0" })?;
        ears.output.say(&texts::running(text));
        let number = self.commands.number(text).ok_or_else(|| {
            Interruption::Machine("a command is missing from the build's folder".to_owned())
        })?;
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
        self.finished.exported = gathered.exported(self.spec);
        Ok(gathered)
    }

    fn collect(
        &mut self,
        gathered: &Gathered,
        ears: &mut Ears<'_>,
    ) -> Result<PhaseResult, Interruption> {
        let Place {
            sandbox,
            folders,
            limits,
            ..
        } = self.place;
        let source = sandbox.places(folders).source;
        let wanted = self.gathering.wanted(gathered, &source.to_string_lossy());
        let collected = wanted.and_then(|wanted| {
            artifacts::collect(
                &folders.source,
                self.artifacts,
                &wanted,
                limits.artifacts,
                ears,
            )
        });
        match collected {
            Ok(collected) => {
                self.finished.artifacts = collected;
                Ok(PhaseResult::Succeeded)
            }
            Err(Error::Interrupted(interruption)) => Err(interruption),
            Err(error @ Error::Io(_)) => Err(Interruption::Machine(error.to_string())),
            Err(error) => {
                let sentence = error.to_string();
                ears.output.say(&sentence);
                self.failure.get_or_insert(Failure::Artifacts(sentence));
                Ok(PhaseResult::Failed)
            }
        }
    }
}

/// Tells of the beginning and the end of a stage, in the log and to the caller.
fn told(
    stage: Stage,
    percent: u8,
    ears: &mut Ears<'_>,
    on: &mut dyn FnMut(Event),
    work: impl FnOnce(&mut Ears<'_>) -> Result<PhaseResult, Interruption>,
) -> Result<PhaseResult, Interruption> {
    on(Event::Started { stage, percent });
    ears.output.say(&texts::stage_started(stage));
    let started = Instant::now();
    let result = work(ears)?;
    let took = started.elapsed();
    ears.output.say(&texts::stage_ended(stage, result, took));
    on(Event::Ended {
        stage,
        result,
        took,
    });
    Ok(result)
}
