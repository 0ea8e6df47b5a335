//! One build for a program that plays a build service: an order in, events out.
//!
//! The first line of standard input is the order, in JSON, and is answered with `ready`, or with
//! `refused` if there is no buildspec to follow. A second line begins the build, and the end of
//! standard input stops it. Standard output has one JSON object a line: `started` and `ended` for
//! each stage, then `finished`.
#![allow(clippy::print_stdout, reason = "its events are its output")]

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, Permissions},
    io::{self, BufRead, Read, Write},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::ExitCode,
    thread,
};

use chela_buildspec::{Buildspec, PhaseName, PhaseResult, Stage};
use chela_runner::{
    Build, Event, FileLog, Finished, Kind, Limits, Network, Outcome, Sandbox, Stop, confine,
    detect, run,
};
use serde::Deserialize;
use serde_json::{Value, json};

type Failed = Box<dyn std::error::Error>;

/// What to build. The folder is the build's own, and has the tree in `source`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    folder: PathBuf,
    buildspec: Spec,
    variables: BTreeMap<String, String>,
}

/// Where the buildspec is.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Spec {
    /// In the tree, at this path.
    File(PathBuf),
    /// Here.
    Text(String),
}

const LONGEST_LOG: u64 = 16 << 20;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    // The sandboxes without bubblewrap start this program again.
    let ended = match arguments.next_if(|first| first == OsStr::new("confine")) {
        Some(_) => confine::main(arguments).map_err(Failed::from),
        None => serve().map(|()| ExitCode::SUCCESS),
    };
    ended.unwrap_or_else(|error| {
        // Where nobody listens, nothing is lost.
        let _ = writeln!(io::stderr(), "{error}");
        ExitCode::FAILURE
    })
}

fn serve() -> Result<(), Failed> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    let spec = match spec(&order) {
        Ok(spec) => spec,
        Err(sentence) => return say(&json!({"event": "refused", "message": sentence})),
    };
    say(&json!({"event": "ready"}))?;
    // Bound, lest the lock be held while the build runs.
    let begun = io::stdin().lock().read_line(&mut line)? > 0;
    if begun {
        build(&order, &spec)?;
    }
    Ok(())
}

fn spec(order: &Order) -> Result<Buildspec, String> {
    let text = match &order.buildspec {
        Spec::Text(text) => text.clone().into_bytes(),
        Spec::File(path) => fs::read(order.folder.join("source").join(path))
            .map_err(|error| format!("{}: {error}", path.display()))?,
    };
    chela_buildspec::parse(&text).map_err(|error| error.to_string())
}

fn build(order: &Order, spec: &Buildspec) -> Result<(), Failed> {
    let (scratch, artifacts) = (order.folder.join("scratch"), order.folder.join("artifacts"));
    for folder in [&scratch, &artifacts] {
        fs::create_dir(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o711))?;
    }
    let mut log = FileLog::create(&order.folder.join("log"), LONGEST_LOG, |_length| {})?;
    let stop = Stop::default();
    stop_at_the_end_of_input(stop.clone());
    let build = Build {
        spec,
        source: &order.folder.join("source"),
        scratch: &scratch,
        artifacts: &artifacts,
        variables: &order.variables,
        sandbox: &sandbox()?,
        limits: &Limits::default(),
        log: &mut log,
    };
    let mut deaf = None;
    let finished = run(build, &stop, &mut |event| {
        if let Err(error) = say(&told(event)) {
            deaf = Some(error);
            stop.stop();
        }
    });
    deaf.map_or(Ok(()), Err)?;
    say(&ended(&finished))
}

/// The best walls that stand here; with the network, which a build service gives its builds.
fn sandbox() -> io::Result<Sandbox> {
    let mut sandbox = Sandbox::new(Kind::None)?;
    sandbox.network = Network::On;
    sandbox.kind = detect(&sandbox).best().unwrap_or(Kind::None);
    Ok(sandbox)
}

fn stop_at_the_end_of_input(stop: Stop) {
    thread::spawn(move || {
        let mut rest = Vec::new();
        // An input that breaks has ended too.
        let _ = io::stdin().lock().read_to_end(&mut rest);
        stop.stop();
    });
}

fn told(event: Event) -> Value {
    match event {
        Event::Started { stage, .. } => json!({"event": "started", "stage": name(stage)}),
        Event::Ended { stage, result, .. } => {
            json!({"event": "ended", "stage": name(stage), "succeeded": result == PhaseResult::Succeeded})
        }
    }
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Phase(PhaseName::Install) => "INSTALL",
        Stage::Phase(PhaseName::PreBuild) => "PRE_BUILD",
        Stage::Phase(PhaseName::Build) => "BUILD",
        Stage::Phase(PhaseName::PostBuild) => "POST_BUILD",
        Stage::Artifacts => "UPLOAD_ARTIFACTS",
    }
}

fn ended(finished: &Finished) -> Value {
    let outcome = match &finished.outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed(_) => "failed",
        Outcome::Errored(_) => "errored",
        Outcome::TimedOut(_) => "timed out",
        Outcome::Stopped => "stopped",
    };
    json!({
        "event": "finished",
        "outcome": outcome,
        "message": finished.outcome.to_string(),
        "exported": finished.exported,
    })
}

fn say(event: &Value) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    writeln!(out, "{event}")?;
    Ok(out.flush()?)
}
