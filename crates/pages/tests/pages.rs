//! What the pages of builds show, and what every answer has.

mod made;

use chela_contract::{BuildId, Refname};
use chela_pages::{BuildState, Limits, Link, LogSize, PageKey, Phase, PhaseState, PullRequestView};
use made::client::{get, get_with, header, send, text};
use made::{EMPTY_LIST, LIST, Made, Server, end, running};
use rstest::rstest;
use ureq::http::Method;

#[test]
fn a_page_shows_what_is_known_of_a_build() {
    let shelf = Made::new();
    let key = shelf.add_running(|view| {
        view.pull_request = Some(PullRequestView {
            id: 7,
            title: "Fix a typo".into(),
            link: Link::parse("https://pagure.example.org/demo/hello/pull-request/7"),
        });
        view.phases = vec![
            Phase {
                name: "install".into(),
                state: PhaseState::Success,
                started: view.started,
                ended: view.started.map(|at| at.plus_seconds(61)),
            },
            Phase {
                name: "build".into(),
                state: PhaseState::Waiting,
                started: None,
                ended: None,
            },
        ];
        view.notes = vec!["Pagure refused the report: no such commit".into()];
        view.list = Some(LIST);
        end(view, BuildState::Failure);
    });
    shelf.write(key, b"\x1b[31mred\x1b[0m line\nlast");
    shelf.leave(key, "dist/app.tar", b"12345");
    let page = text(get(&Server::start(&shelf).url(&key.build_path())));

    for part in [
        "<title>failure: demo/hello, local/test</title>",
        r#"<a href="https://pagure.example.org/demo/hello"><bdi>demo/hello</bdi></a>"#,
        r#"<a href="https://pagure.example.org/demo/hello/pull-request/7">#7 <bdi>Fix a typo</bdi></a>"#,
        r#"<strong class="state failure">failure</strong> <bdi>Phase build</bdi>"#,
        "7a1b5e0c3d2f4a6b8c9d0e1f2a3b4c5d6e7f8091",
        "<bdi>ada</bdi>",
        "2026-11-23 20:15:27 UTC",
        "<span>1 min 3 s</span>",
        r#"<span class="state success">success</span> <bdi>install</bdi> <span class="quiet"><span>1 min 1 s</span></span>"#,
        r#"<span class="state waiting">waiting</span> <bdi>build</bdi>"#,
        "Pagure refused the report: no such commit",
        r#"<div id="L1" data-n="1"><span class="c1">red</span> line</div>"#,
        r#"<div id="L2" data-n="2">last</div>"#,
        "<bdi>dist/app.tar</bdi>",
        "5 bytes",
        "22 bytes",
        &format!(r#"href="..{}""#, LIST.list_path()),
    ] {
        assert!(page.contains(part), "no {part} in:\n{page}");
    }
}

#[test]
fn the_page_works_without_scripts() {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    shelf.write(key, b"one\ntw");
    let server = Server::start(&shelf);
    let page = text(get(&server.url(&key.build_path())));
    assert!(page.contains(r#"<noscript><meta http-equiv="refresh""#));
    assert!(page.contains(r#"data-from="4.2.0""#));
    let (_, log) = page.split_once(r#"<div id="lines">"#).unwrap();
    // Between them the element of the line that has not ended.
    assert_eq!(made::client::lines(log), ["one", "", "tw"]);

    shelf.change(key, |view| end(view, BuildState::Success));
    let page = text(get(&server.url(&key.build_path())));
    assert!(!page.contains("refresh"), "a build that ended is reloaded");
    assert!(
        !page.contains("data-events"),
        "a build that ended is watched"
    );
}

#[test]
fn a_build_without_a_log_has_a_page() {
    let shelf = Made::new();
    let key = shelf.add_running(|view| {
        view.state = BuildState::Held;
        view.started = None;
        view.commit = None;
    });
    let page = text(get(&Server::start(&shelf).url(&key.build_path())));
    assert!(page.contains("There is none yet."));
    assert!(page.contains(r#"data-from="0.1.0""#));
    assert!(page.contains("not known yet"));
}

#[test]
fn a_long_log_is_shown_by_its_end() {
    let shelf = Made::new();
    let key = shelf.add_running(|view| end(view, BuildState::Success));
    let lines: Vec<String> = (0..40_000).map(|n| format!("line {n}")).collect();
    shelf.write(key, (lines.join("\n") + "\n").as_bytes());
    let limits = Limits {
        shown_lines: 100,
        ..Limits::default()
    };
    let page = text(get(
        &Server::start_with(&shelf, limits).url(&key.build_path())
    ));
    assert!(page.contains("line 39999<"));
    assert!(page.contains("line 39900<"));
    assert!(!page.contains("line 39899<"));
    assert!(page.contains("are in the whole log"));
    assert!(!page.contains("data-n="), "lines are numbered from the cut");
}

#[test]
fn a_log_that_was_cut_off_says_so() {
    let shelf = Made::new();
    let key = shelf.add_running(|view| {
        view.log = Some(LogSize {
            bytes: 1,
            truncated: true,
        });
    });
    let page = text(get(&Server::start(&shelf).url(&key.build_path())));
    assert!(page.contains("The build wrote more than is kept"));
}

#[test]
fn hostile_names_and_bytes_are_text() {
    let evil = "<script>alert(1)</script>\" onload=\"x\u{202e}\u{7}";
    let shelf = Made::new();
    let key = shelf.add_running(|view| {
        view.project.text = evil.into();
        view.project.link = Link::parse("javascript:alert(1)");
        view.job = evil.into();
        view.pull_request = Some(PullRequestView {
            id: 1,
            title: evil.into(),
            link: None,
        });
        view.refname = Refname::Branch(evil.into());
        view.requested_by = Some(evil.into());
        view.description = evil.into();
        view.notes = vec![evil.into()];
        view.phases = vec![Phase {
            name: evil.into(),
            state: PhaseState::Running,
            started: None,
            ended: None,
        }];
    });
    shelf.write(key, evil.as_bytes());
    shelf.write(
        key,
        b"\n\x1b]0;title\x07\xff\xfe\x1b[31;8m</div><img src=x>\n",
    );
    shelf.leave(key, evil, b"");
    let server = Server::start(&shelf);
    for path in [key.build_path(), LIST.list_path()] {
        let page = text(get(&server.url(&path)));
        assert!(!page.contains("<script>alert"), "a script on {path}");
        assert!(!page.contains("<img"), "a picture on {path}");
        assert!(!page.contains("\" onload"), "an attribute on {path}");
        assert!(!page.contains("javascript:"), "a link on {path}");
        let hidden = |c: char| c == '\u{202e}' || (c.is_control() && c != '\n');
        assert!(!page.contains(hidden), "a hidden character on {path}");
        assert!(
            page.contains("⟨U+202E⟩⟨U+0007⟩"),
            "what is hidden is not shown on {path}"
        );
    }
}

/// Addresses of a server with one build that has ended, and what they answer.
fn addresses(key: PageKey) -> Vec<(String, u16)> {
    let page = key.build_path();
    let none = PageKey::from_bytes([1; 16]).build_path();
    vec![
        (page.clone(), 200),
        (format!("{page}/log"), 200),
        (format!("{page}/events"), 200),
        (format!("{page}/artifacts/0/name"), 200),
        (LIST.list_path(), 200),
        (none.clone(), 404),
        (format!("{none}/log"), 404),
        (format!("{none}/events"), 404),
        (format!("{none}/artifacts/0/name"), 404),
        (format!("{page}/artifacts/1/name"), 404),
        (format!("{page}/artifacts/-1/name"), 404),
        (format!("{page}/artifacts/x/name"), 404),
        (format!("{page}/artifacts/0"), 404),
        (format!("{page}/"), 404),
        (format!("{page}/..%2f..%2fetc%2fpasswd"), 404),
        (page.to_uppercase(), 404),
        ("/builds/%ff%fe".to_owned(), 404),
        ("/builds/".to_owned(), 404),
        ("/builds".to_owned(), 404),
        ("/".to_owned(), 404),
        (PageKey::from_bytes([1; 16]).list_path(), 404),
        (format!("{}?before=x", LIST.list_path()), 404),
        ("/assets/0000000000000000.css".to_owned(), 404),
    ]
}

#[test]
fn every_answer_is_guarded_and_no_page_is_kept() {
    let shelf = Made::new();
    let key = shelf.add_running(|view| end(view, BuildState::Success));
    shelf.write(key, b"log\n");
    shelf.leave(key, "name", b"artifact");
    let server = Server::start(&shelf);
    let mut answers = Vec::new();
    for (path, status) in addresses(key) {
        let response = get(&server.url(&path));
        assert_eq!(response.status(), status, "{path}");
        answers.push((path, response));
    }
    let page = server.url(&key.build_path());
    let log = format!("{page}/log");
    answers.push(("POST".into(), send(Method::POST, &page, &[])));
    answers.push(("416".into(), get_with(&log, &[("range", "bytes=99-")])));
    shelf.break_down();
    answers.push(("503".into(), get(&page)));

    for (path, response) in &answers {
        let policy = header(response, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-robots-tag", "noindex, nofollow"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(header(response, name), value, "{name} of {path}");
        }
    }
}

#[test]
fn every_address_that_is_nothing_gives_the_same_page() {
    let shelf = Made::new();
    let key = shelf.add_running(|view| end(view, BuildState::Success));
    let server = Server::start(&shelf);
    let expected = text(get(&server.url("/nothing")));
    for (path, _) in addresses(key).iter().filter(|(_, status)| *status == 404) {
        assert_eq!(text(get(&server.url(path))), expected, "{path}");
    }
}

#[test]
fn head_answers_like_get_without_a_body() {
    let shelf = Made::new();
    let key = shelf.add_running(|view| end(view, BuildState::Success));
    shelf.write(key, b"log\n");
    shelf.leave(key, "name", b"artifact");
    let server = Server::start(&shelf);
    for (path, status) in addresses(key) {
        let url = server.url(&path);
        let response = send(Method::HEAD, &url, &[]);
        assert_eq!(response.status(), status, "{path}");
        let same = get(&url);
        for name in ["content-type", "content-length", "content-disposition"] {
            assert_eq!(
                header(&response, name),
                header(&same, name),
                "{name} of {path}"
            );
        }
        assert_eq!(text(response), "", "{path}");
    }
}

#[rstest]
fn only_reading_is_possible(
    #[values("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "X")] word: &str,
) {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    let server = Server::start(&shelf);
    for path in ["", "/log", "/events", "/artifacts/0/name"] {
        let url = server.url(&format!("{}{path}", key.build_path()));
        let response = send(word.parse().unwrap(), &url, &[]);
        assert_eq!(response.status(), 405, "{path}");
        assert_eq!(header(&response, "allow"), "GET,HEAD", "{path}");
    }
}

#[test]
fn a_shelf_that_cannot_be_read_is_asked_again_later() {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    let server = Server::start(&shelf);
    shelf.break_down();
    for path in ["", "/log", "/events", "/artifacts/0/name"] {
        let response = get(&server.url(&format!("{}{path}", key.build_path())));
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(header(&response, "retry-after"), "10", "{path}");
    }
}

#[test]
fn style_and_script_are_kept_for_good() {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    let server = Server::start(&shelf);
    let page = text(get(&server.url(&key.build_path())));
    let assets: Vec<&str> = page.split("\"../assets/").skip(1).collect();
    assert_eq!(assets.len(), 2);
    for (asset, kind) in assets.iter().zip(["text/css", "text/javascript"]) {
        let name = asset.split('"').next().unwrap();
        let response = get(&server.url(&format!("/assets/{name}")));
        assert_eq!(response.status(), 200);
        assert!(header(&response, "content-type").starts_with(kind));
        let cache = header(&response, "cache-control");
        assert_eq!(cache, "public, max-age=31536000, immutable");
        assert!(!text(response).is_empty());
    }
}

#[test]
fn a_list_leads_to_the_builds_and_to_older_ones() {
    let shelf = Made::new();
    let keys: Vec<PageKey> = (0..12)
        .map(|n| {
            shelf.add_running(|view| {
                view.id = BuildId::new(view.created.plus_seconds(n));
                view.job = format!("local/job{n}").into();
            })
        })
        .collect();
    let server = Server::start(&shelf);
    let url = server.url(&LIST.list_path());
    let page = text(get(&url));
    let link = |n: usize| format!("href=\"..{}\"", keys[n].build_path());
    for n in 2..12 {
        assert!(page.contains(&link(n)), "build {n} is missing");
    }
    assert!(!page.contains(&link(1)));
    let newest = page.find(&link(11)).unwrap();
    assert!(newest < page.find(&link(10)).unwrap());

    let older = page
        .split("href=\"?")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let page = text(get(&format!("{url}?{older}")));
    assert!(page.contains(&link(1)) && page.contains(&link(0)));
    assert!(!page.contains(&link(2)));
    assert!(!page.contains("Older builds"));
}

#[test]
fn an_empty_list_says_that_it_is_empty() {
    let server = Server::start(&Made::new());
    let page = text(get(&server.url(&EMPTY_LIST.list_path())));
    assert!(page.contains("There are none."));
    assert!(page.contains(&format!("Builds of {}", running().project.text)));
}
