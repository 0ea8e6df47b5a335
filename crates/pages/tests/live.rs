//! A build as it goes on, seen by a browser.

mod made;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use chela_pages::{BuildState, Limits, PageKey, Phase, PhaseState};
use made::client::{Events, get, header, lines};
use made::{Made, Server, end};

fn events(server: &Server, key: PageKey) -> String {
    server.url(&format!("{}/events", key.build_path()))
}

/// The lines of all `log` events.
fn all_lines(events: &[made::client::Event]) -> Vec<String> {
    let logs = events.iter().filter(|event| event.name == "log");
    logs.flat_map(|event| lines(&event.data)).collect()
}

#[test]
fn a_viewer_sees_the_log_grow_the_phases_change_and_the_end() {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    let server = Server::start(&shelf);
    let mut view = Events::open(&events(&server, key), &[]);
    assert!(view.next("parts").data.contains("running"));

    shelf.write(key, b"first\n");
    let event = view.next("log");
    assert_eq!(lines(&event.data), ["first"]);
    assert_eq!(event.id.as_deref(), Some("6.2.0"));

    shelf.write(key, b"10%");
    assert_eq!(lines(&view.next("unfinished").data), ["10%"]);
    shelf.write(key, b"\r90%");
    assert_eq!(lines(&view.next("unfinished").data), ["90%"]);
    shelf.write(key, b"\ndone");
    assert_eq!(lines(&view.next("log").data), ["90%"]);
    assert_eq!(lines(&view.next("unfinished").data), ["done"]);

    shelf.change(key, |view| {
        view.phases.push(Phase {
            name: "post_build".into(),
            state: PhaseState::Running,
            started: None,
            ended: None,
        });
    });
    assert!(view.next("parts").data.contains("post_build"));

    shelf.change(key, |view| end(view, BuildState::Failure));
    let rest = view.rest();
    let names: Vec<&str> = rest.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["unfinished", "parts", "end"]);
    assert_eq!(lines(&rest[0].data), ["done"]);
    assert!(rest[1].data.contains(r#"class="state failure""#));
}

#[test]
fn a_browser_that_comes_back_goes_on_where_it_was() {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    let server = Server::start(&shelf);
    let url = events(&server, key);
    shelf.write(key, b"one\n\x1b[31mtwo\n");
    let mut view = Events::open(&url, &[]);
    let last = view.next("log").id.unwrap();
    drop(view);

    shelf.write(key, b"three\nfour\n");
    // The address still has the place at which the page was made; the header is newer.
    let url = format!("{url}?from=0.1.0");
    let mut view = Events::open(&url, &[("last-event-id", &last)]);
    let event = view.next("log");
    assert_eq!(lines(&event.data), ["three", "four"]);
    assert!(event.data.contains(r#"id="L3""#), "the number is lost");
    assert!(
        event.data.contains(r#"<span class="c1">three"#),
        "the colour is lost"
    );
}

#[test]
fn a_page_goes_on_where_its_html_ends() {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    shelf.write(key, b"one\ntwo\nthr");
    let server = Server::start(&shelf);
    let page = made::client::text(get(&server.url(&key.build_path())));
    let from = page.split("data-from=\"").nth(1).unwrap();
    let from = from.split('"').next().unwrap();
    let mut view = Events::open(&format!("{}?from={from}", events(&server, key)), &[]);
    assert_eq!(lines(&view.next("unfinished").data), ["thr"]);
    shelf.write(key, b"ee\n");
    assert_eq!(lines(&view.next("log").data), ["three"]);
}

#[test]
fn a_place_that_is_none_is_the_beginning() {
    let shelf = Made::new();
    let key = shelf.add_running(|view| end(view, BuildState::Success));
    shelf.write(key, b"one\n");
    let server = Server::start(&shelf);
    let url = format!("{}?from=%3Cscript%3E", events(&server, key));
    let rest = Events::open(&url, &[("last-event-id", "9999999999999999999.1.0")]).rest();
    assert_eq!(all_lines(&rest), ["one"]);
    assert_eq!(rest.last().unwrap().name, "end");
}

#[test]
fn a_place_beyond_the_log_is_the_beginning() {
    let shelf = Made::new();
    let key = shelf.add_running(|view| end(view, BuildState::Success));
    shelf.write(key, b"one\n");
    let server = Server::start(&shelf);
    let far = "9223372036854775807.18446744073709551615.271";
    let rest = Events::open(&events(&server, key), &[("last-event-id", far)]).rest();
    assert_eq!(all_lines(&rest), ["one"]);
    assert_eq!(rest.last().unwrap().name, "end");
}

#[test]
fn a_character_cut_by_a_piece_of_reading_stays_whole() {
    let shelf = Made::new();
    let key = shelf.add_running(|view| end(view, BuildState::Success));
    // Whatever the size of a piece, one of these lies across its border.
    let log = "é日\u{1f600}".repeat(20_000).replace("é日", "é日\n");
    shelf.write(key, log.as_bytes());
    let server = Server::start(&shelf);
    let rest = Events::open(&events(&server, key), &[]).rest();
    let logs = rest.iter().filter(|event| event.name == "log").count();
    assert!(logs > 5, "the log came in {logs} pieces only");
    let shown: String = all_lines(&rest).join("\n");
    assert_eq!(format!("{shown}\n\u{1f600}"), log);
    assert!(rest.iter().all(|event| event.data.len() < 1 << 20));
}

#[test]
fn a_server_that_stops_does_not_call_it_the_end() {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    let server = Server::start(&shelf);
    let mut view = Events::open(&events(&server, key), &[]);
    view.next("parts");
    shelf.stop_telling(key);
    assert!(view.rest().iter().all(|event| event.name != "end"));
}

#[test]
fn there_is_room_for_so_many_viewers() {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    let server = Server::start_with(
        &shelf,
        Limits {
            viewers_of_one_build: 1,
            ..Limits::default()
        },
    );
    let url = events(&server, key);
    let mut view = Events::open(&url, &[]);
    view.next("parts");
    let refused = get(&url);
    assert_eq!(refused.status(), 503);
    assert_eq!(header(&refused, "retry-after"), "10");
    drop(view);
    wait_until("the place is free again", || get_status(&url) == 200);
}

#[test]
fn a_reader_who_takes_nothing_holds_up_nobody_and_is_left() {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    // More than the system's buffers for a connection take.
    shelf.write(key, &b"a line of a long log\n".repeat(1 << 20));
    let server = Server::start_with(
        &shelf,
        Limits {
            patience: Duration::from_millis(50),
            ..Limits::default()
        },
    );
    let mut slow = TcpStream::connect(server.address).unwrap();
    let path = format!("{}/events", key.build_path());
    write!(slow, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut first = [0; 1];
    slow.read_exact(&mut first).unwrap();

    assert_eq!(get(&server.url(&key.build_path())).status(), 200);
    wait_until("the view is over", || shelf.viewers(key) == 0);
}

#[test]
fn a_viewer_who_leaves_is_forgotten() {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    let server = Server::start(&shelf);
    let mut view = Events::open(&events(&server, key), &[]);
    view.next("parts");
    assert_eq!(shelf.viewers(key), 1);
    drop(view);
    wait_until("the view is over", || shelf.viewers(key) == 0);
}

fn get_status(url: &str) -> u16 {
    get(url).status().as_u16()
}

fn wait_until(what: &str, mut seen: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !seen() {
        assert!(Instant::now() < end, "not seen: {what}");
        std::thread::yield_now();
    }
}
