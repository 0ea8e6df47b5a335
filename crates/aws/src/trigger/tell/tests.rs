use std::time::Duration;

use chela_receiver::Overtaken;

use super::*;
use crate::record::{Service, Target};
use crate::trigger::source::TimeLimit;
use crate::trigger::testing::{at, commit, id, request};
use crate::trigger::world::Wait;

fn record() -> Record {
    Record {
        request: request(1),
        accepted: at(1),
        origin: None,
        target: Target {
            service: Service::CodeBuild,
            name: "hello".to_owned(),
        },
        commit: None,
        stored: None,
        pipeline: None,
        execution: None,
        ended: None,
    }
}

fn page() -> Url {
    "https://console.example.org/hello".parse().unwrap()
}

fn started_at(second: i64) -> Record {
    let execution = Execution {
        id: "hello:1".to_owned(),
        link: "https://console.example.org/runs/1".parse().unwrap(),
        at: at(second),
    };
    Record {
        execution: Some(execution),
        ..record()
    }
}

fn body(message: Option<Message>) -> serde_json::Value {
    let Some(Message::Say(said)) = message else {
        panic!("there is something to say, not {message:?}");
    };
    assert_eq!((said.build, said.project.as_str()), (id(1), "demo/hello"));
    serde_json::from_str(&said.body).unwrap()
}

#[test]
fn a_hold_is_a_pending_report_of_the_commit_with_a_link() {
    let held = held(&record(), Held::Stranger, &page());
    insta::assert_json_snapshot!(body(held));
}

#[test]
fn a_start_is_a_report_of_the_moment_before_it_with_the_builds_own_link() {
    let record = started_at(9);
    let started = started(&record, record.execution.as_ref().unwrap());
    insta::assert_json_snapshot!(body(started));
}

#[test]
fn an_end_links_to_what_was_started() {
    let by = Overtaken {
        by: id(2),
        commit: Some(commit('b')),
    };
    let record = started_at(9);
    let verdict = crate::trigger::next::overtaken(&record, &by);
    let ended = ended(&record, &verdict, at(12));
    insta::assert_json_snapshot!(body(last(&record, &ended, &page())));
}

#[test]
fn an_end_is_later_than_all_before_it() {
    let verdict = Verdict::error("no");
    assert_eq!(ended(&record(), &verdict, at(5)).at, at(5));
    assert!(ended(&record(), &verdict, at(0)).at > at(1));
    assert!(ended(&started_at(9), &verdict, at(5)).at > at(9));
}

#[test]
fn the_texts_of_what_is_not_started_name_a_remedy() {
    let minute = Duration::from_mins(1);
    let why = "the reason".to_owned();
    let all = [
        texts::started(&[]),
        texts::started(&["A link is left out".to_owned()]),
        texts::started(&["A link is left out".to_owned(), why.clone()]),
        Wait::Capacity(why.clone()).text(),
        Wait::Source(why.clone()).text(),
        Wait::Service(why).text(),
        texts::gave_up("the reason"),
        texts::REFUSED.to_owned(),
        texts::no_project("demo/hello"),
        texts::died(3),
        texts::NO_COMMIT.to_owned(),
        texts::too_slow(TimeLimit::Setting(minute)),
        texts::too_slow(TimeLimit::Invocation(minute)),
        texts::NO_STORAGE.to_owned(),
        texts::GONE.to_owned(),
    ];
    for text in &all {
        assert!(text.chars().count() <= 255, "the flag would cut it: {text}");
    }
    insta::assert_snapshot!(all.join("\n"));
}
