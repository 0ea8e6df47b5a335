//! A build from its first phase to its artifacts.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Instant, SystemTime},
};

use chela_buildspec::Buildspec;

use crate::{
    gather::Gathering,
    limits::Limits,
    log::{LogSink, Output},
    outcome::{Event, Failure, Finished, Outcome},
    prepare::{self, prepare},
    sandbox::{Folders, Sandbox},
    session::{Ears, Interruption, Place},
    stop::{Bell, Stop},
    texts,
    variables::Variables,
    walk::Walk,
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
    let mut finished = Finished {
        outcome: Outcome::Succeeded,
        exported: BTreeMap::new(),
        artifacts: Vec::new(),
    };
    let job = Job {
        spec,
        folders: &folders,
        artifacts,
        variables,
        sandbox,
        limits,
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
    folders: &'a Folders,
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
        let variables = self.variables(&mut ears.output);
        let gathering = Gathering::of(self.spec);
        let questions = gathering.questions();
        let commands = prepare(self.spec, self.sandbox, self.folders, &variables, questions)
            .map_err(|error| Interruption::Machine(error.to_string()))?;
        let bell = Bell::new()?;
        ears.stop.rings(&bell);
        let place = Place {
            sandbox: self.sandbox,
            folders: self.folders,
            limits: self.limits,
            shell: prepare::shell(self.spec.env.shell),
            bell: &bell,
        };
        let walk = Walk {
            spec: self.spec,
            place,
            commands,
            gathering,
            artifacts: self.artifacts,
            session: None,
            failure: None,
            finished,
        };
        walk.run(ears, on)
    }

    /// The build's variables; the log says what is done otherwise than it was written.
    fn variables(&self, output: &mut Output<'_>) -> Variables {
        for note in &self.spec.notes {
            output.say(&note.to_string());
        }
        let places = self.sandbox.places(self.folders);
        let variables = Variables::of(self.spec, self.variables, &places, SystemTime::now());
        for name in &variables.left_out {
            output.say(&texts::unsettable(name));
        }
        variables
    }
}
