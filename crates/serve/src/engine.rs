//! Runs builds on this machine, each in its walls.

use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path, sync::Arc};

use chela_buildspec::{Buildspec, Stage};
use chela_contract::Refname;
use chela_receiver::{
    Brought, Build, End, Engine, Happened, Origin, PhaseResult, Standing, variables,
};
use chela_runner::{FileLog, Limits, LogSink, Outcome};
use chela_settings::{Job, Settings, Whose};
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use crate::{
    folders::{BuildFolder, Folders},
    hands::Hands,
    projects::Projects,
    texts,
    walls::Walls,
};

/// The local runner.
pub struct LocalEngine {
    pub folders: Folders,
    pub projects: Projects,
    pub settings: Arc<Settings>,
    pub walls: Walls,
    pub hands: Hands,
}

impl Engine for LocalEngine {
    fn run(
        &self,
        build: &Build,
        source: &Brought,
        tell: &mut dyn FnMut(Happened) -> Standing,
    ) -> End {
        let folder = self.folders.of(build.id());
        let end = self
            .try_run(build, source, &folder, tell)
            .unwrap_or_else(|end| end);
        if let Err(error) = folder.clear() {
            tracing::warn!(%error, "cannot remove what the build needed while it ran");
        }
        end
    }
}

impl LocalEngine {
    fn try_run(
        &self,
        build: &Build,
        source: &Brought,
        folder: &BuildFolder,
        tell: &mut dyn FnMut(Happened) -> Standing,
    ) -> Result<End, End> {
        let errored = |error: &dyn std::fmt::Display| End::Errored(error.to_string());
        let job = self.projects.job_of(build).map_err(|e| errored(&e))?;
        let mut log = self.log(build, folder)?;
        for note in &source.notes {
            say(&mut log, note);
        }
        let spec = buildspec(job, build, folder).inspect_err(|end| tell_log(&mut log, end))?;
        let sandbox = self.walls.around(build.origin, job);
        let sandbox = sandbox.map_err(|why| End::Errored(why.to_owned()));
        let sandbox = sandbox.inspect_err(|end| tell_log(&mut log, end))?;
        let variables = all_variables(build, source, job).map_err(End::Errored)?;
        folder.make_inner().map_err(|e| errored(&e))?;
        let stop = self.hands.begin(build.id());
        let finished = chela_runner::run(
            chela_runner::Build {
                spec: &spec,
                source: &source.place,
                scratch: &folder.scratch(),
                artifacts: &folder.artifacts(),
                variables: &variables,
                sandbox: &sandbox,
                limits: &self.limits(job),
                log: &mut log,
            },
            &stop,
            &mut |event| {
                if tell(told(event)) == Standing::Over {
                    stop.stop();
                }
            },
        );
        if let Some(error) = log.failure() {
            tracing::error!(%error, "the build's log ends early");
        }
        Ok(end(finished.outcome, job))
    }

    fn log(&self, build: &Build, folder: &BuildFolder) -> Result<FileLog, End> {
        let (hands, id) = (self.hands.clone(), build.id());
        let limit = self.settings.log.limit.bytes();
        let log = FileLog::resume(&folder.log(), limit, move |bytes| hands.logged(id, bytes));
        let mut log = log.map_err(|e| End::Errored(texts::no_log(&e)))?;
        if build.runs > 1 {
            say(&mut log, texts::RUNS_AGAIN);
        }
        Ok(log)
    }

    fn limits(&self, job: &Job) -> Limits {
        let sandbox = &self.settings.sandbox;
        Limits {
            time: job.timeout,
            memory: sandbox.memory.bytes(),
            processes: sandbox.processes,
            disk: sandbox.disk.bytes(),
            files: sandbox.files,
            disk_left: sandbox.disk_left.bytes(),
            output: self.settings.log.printed.bytes(),
            file_size: sandbox.file_size.bytes(),
            open_files: sandbox.open_files,
            artifacts: self.settings.artifacts.limit.bytes(),
            ..Limits::default()
        }
    }
}

/// The contract's, `CodeBuild`'s and the job's own. Its secrets only for a committer's code.
fn all_variables(
    build: &Build,
    source: &Brought,
    job: &Job,
) -> Result<BTreeMap<String, String>, String> {
    let mut all = job.environment.clone();
    if build.origin == Origin::Committer {
        for (name, file) in &job.secret_files {
            let secret = file.read().map_err(|e| format!("{name}: {e}"))?;
            all.insert(
                name.clone(),
                secrecy::ExposeSecret::expose_secret(&secret).to_owned(),
            );
        }
    }
    let mut build = build.clone();
    build.commit = Some(source.commit.clone());
    all.extend(codebuild(&build));
    all.extend(variables(&build.request, build.commit.as_ref()));
    Ok(all)
}

/// "Environment variables in build environments" of the `CodeBuild` User Guide, as far as they make
/// sense here; the runner adds those of its own.
fn codebuild(build: &Build) -> BTreeMap<String, String> {
    let request = &build.request;
    let commit = build.commit.as_ref().map_or("", |commit| commit.as_str());
    let (head, trigger) = match &request.source.refname {
        Refname::Branch(name) => (format!("refs/heads/{name}"), format!("branch/{name}")),
        Refname::Tag(name) => (format!("refs/tags/{name}"), format!("tag/{name}")),
    };
    let mut all = vec![
        (
            "CODEBUILD_BUILD_ID",
            format!("{}:{}", request.job.as_str(), build.id()),
        ),
        ("CODEBUILD_BUILD_URL", build.page.to_string()),
        ("CODEBUILD_INITIATOR", "chela".to_owned()),
        ("CODEBUILD_RESOLVED_SOURCE_VERSION", commit.to_owned()),
        (
            "CODEBUILD_SOURCE_REPO_URL",
            request.source.clone_url.to_string(),
        ),
        ("CODEBUILD_WEBHOOK_HEAD_REF", head),
    ];
    match &request.pull_request {
        Some(pull) => all.extend([
            ("CODEBUILD_SOURCE_VERSION", format!("pr/{}", pull.id)),
            (
                "CODEBUILD_WEBHOOK_BASE_REF",
                format!("refs/heads/{}", pull.target_branch),
            ),
            ("CODEBUILD_WEBHOOK_TRIGGER", format!("pr/{}", pull.id)),
        ]),
        None => all.extend([
            ("CODEBUILD_SOURCE_VERSION", commit.to_owned()),
            ("CODEBUILD_WEBHOOK_TRIGGER", trigger),
        ]),
    }
    let set = |(name, value): (&str, String)| (name.to_owned(), value.replace('\0', ""));
    all.into_iter().map(set).collect()
}

/// The commit's own, or the target branch's.
fn buildspec(job: &Job, build: &Build, folder: &BuildFolder) -> Result<Buildspec, End> {
    let (tree, whose) = match job.from {
        Whose::Target if build.request.pull_request.is_some() => (folder.pinned(), "target branch"),
        _ => (folder.source(), "commit"),
    };
    let name = job.buildspec.as_str();
    let bytes = read_beneath(&tree, name)
        .map_err(|error| End::Failed(texts::no_buildspec(name, whose, &error)))?;
    chela_buildspec::parse(&bytes).map_err(|error| End::Failed(format!("{name}: {error}")))
}

/// A file of a tree that strangers made: its links are followed within the tree only.
fn read_beneath(tree: &Path, name: &str) -> std::io::Result<Vec<u8>> {
    let folder = File::open(tree)?;
    let how = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let file = File::from(openat2(&folder, name, how, Mode::empty(), within)?);
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    let most = chela_buildspec::MAX_BYTES as u64 + 1;
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn told(event: chela_runner::Event) -> Happened {
    match event {
        chela_runner::Event::Started { stage, percent } => {
            let name = phase(stage);
            Happened::Phase { name, percent }
        }
        chela_runner::Event::Ended { result, .. } => Happened::PhaseEnded(match result {
            chela_buildspec::PhaseResult::Succeeded => PhaseResult::Succeeded,
            chela_buildspec::PhaseResult::Failed => PhaseResult::Failed,
        }),
    }
}

/// As `CodeBuild` spells its phases.
fn phase(stage: Stage) -> String {
    match stage {
        Stage::Phase(name) => name.to_string(),
        Stage::Artifacts => "UPLOAD_ARTIFACTS".to_owned(),
    }
}

fn end(outcome: Outcome, job: &Job) -> End {
    match outcome {
        Outcome::Succeeded => End::Succeeded,
        Outcome::Failed(failure) => End::Failed(failure.to_string()),
        Outcome::Errored(sentence) => End::Errored(sentence),
        Outcome::TimedOut(_) => End::TimedOut(texts::duration(job.timeout)),
        Outcome::Stopped => End::Stopped,
    }
}

fn tell_log(log: &mut FileLog, end: &End) {
    if let End::Failed(why) | End::Errored(why) = end {
        say(log, why);
    }
}

fn say(log: &mut FileLog, text: &str) {
    log.write(format!("[chela] {text}\n").as_bytes());
}
