//! Strangers write buildspecs: no bytes may panic the reader, every error is one line, and every
//! plan runs to its end.

#![no_main]

use chela_buildspec::{Buildspec, Course, PhaseResult, Step, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    match parse(text) {
        Ok(plan) => run(&plan),
        Err(error) => assert!(!error.to_string().contains('\n')),
    }
});

fn run(plan: &Buildspec) {
    let mut course = Course::of(plan);
    for _ in 0..6 {
        course = match course.step() {
            Step::End(_) => return collect(plan),
            _ => course.ended(PhaseResult::Succeeded),
        };
    }
    unreachable!("four phases and the artifacts have an end");
}

fn collect(plan: &Buildspec) {
    let Some(artifacts) = &plan.artifacts else {
        return;
    };
    let lookup = |name: &str| (name.len() < 4).then(|| name.to_owned());
    if let Ok(selection) = artifacts.primary.selection("/build", &lookup) {
        let path = b"a/b/.c/d.txt";
        assert!(
            selection
                .place(path)
                .is_none_or(|place| path.ends_with(place))
        );
    }
}
