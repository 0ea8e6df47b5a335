use std::cell::RefCell;

use super::*;
use crate::{
    Stage,
    testing::{at, build, commit},
};

/// Notes what happens, and fails or loses interest when it is told to.
#[derive(Default)]
struct Notes {
    happened: RefCell<Vec<String>>,
    /// From this on, nobody wants the build.
    over_from: Option<&'static str>,
    /// This cannot be kept.
    fails_at: Option<&'static str>,
}

impl Ledger for Notes {
    type Error = String;

    fn happened(&self, _: &Build, what: Happened) -> Result<Standing, String> {
        let text = format!("{what:?}");
        let word = text.split([' ', '(']).next().unwrap_or_default().to_owned();
        if self.fails_at == Some(word.as_str()) {
            return Err("the disk is full".to_owned());
        }
        let mut happened = self.happened.borrow_mut();
        happened.push(word.clone());
        let over = |from| happened.iter().any(|word| word == from);
        if word == "Ended" || self.over_from.is_some_and(over) {
            Ok(Standing::Over)
        } else {
            Ok(Standing::Wanted)
        }
    }
}

struct Source(Result<Brought, NotBrought>);

impl Sources for Source {
    fn bring(&self, _: &Build) -> Result<Brought, NotBrought> {
        self.0.clone()
    }
}

fn there() -> Source {
    Source(Ok(Brought {
        commit: commit('a'),
        place: "/nowhere".into(),
        notes: Vec::new(),
    }))
}

/// Runs three phases, unless it is told to stop.
struct Phases;

impl Engine for Phases {
    fn run(&self, _: &Build, _: &Brought, tell: &mut dyn FnMut(Happened) -> Standing) -> End {
        for name in ["install", "build", "post_build"] {
            let phase = Happened::Phase {
                name: name.to_owned(),
                percent: 1,
            };
            if tell(phase) == Standing::Over {
                return End::Stopped;
            }
        }
        End::Succeeded
    }
}

fn walked(notes: &Notes, source: &Source) -> (Result<(), String>, Vec<String>) {
    let done = walk(&build(Stage::Running), notes, source, &Phases);
    (done, notes.happened.take())
}

#[test]
fn a_build_walks_from_its_source_to_its_end() {
    let (done, happened) = walked(&Notes::default(), &there());
    assert_eq!(done, Ok(()));
    assert_eq!(happened, ["Fetched", "Phase", "Phase", "Phase", "Ended"]);
}

#[test]
fn a_source_that_cannot_be_had_ends_the_walk() {
    let yet = NotBrought::Yet {
        why: "no answer".to_owned(),
        until: at(9),
    };
    let (_, happened) = walked(&Notes::default(), &Source(Err(yet)));
    assert_eq!(happened, ["Postponed"]);
    let never = NotBrought::Never("no such commit".to_owned());
    let (_, happened) = walked(&Notes::default(), &Source(Err(never)));
    assert_eq!(happened, ["Ended"]);
}

#[test]
fn a_build_that_nobody_wants_any_more_is_not_begun() {
    let notes = Notes {
        over_from: Some("Fetched"),
        ..Notes::default()
    };
    assert_eq!(walked(&notes, &there()).1, ["Fetched"]);
}

#[test]
fn an_engine_is_told_to_stop() {
    let notes = Notes {
        over_from: Some("Phase"),
        ..Notes::default()
    };
    assert_eq!(walked(&notes, &there()).1, ["Fetched", "Phase", "Ended"]);
}

#[test]
fn a_ledger_that_fails_stops_the_engine_and_no_end_is_made_up() {
    let notes = Notes {
        fails_at: Some("Phase"),
        ..Notes::default()
    };
    let (done, happened) = walked(&notes, &there());
    assert_eq!(done, Err("the disk is full".to_owned()));
    assert_eq!(
        happened,
        ["Fetched"],
        "the next start walks the build again"
    );
}
