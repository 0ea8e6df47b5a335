//! Logs and artifacts as they are.

mod made;

use std::{fs, os::unix::fs::symlink};

use chela_pages::{BuildState, PageKey};
use made::client::{get, get_with, header, text};
use made::{Made, Server, end};
use rstest::rstest;

#[test]
fn a_log_is_downloaded_as_it_was_written() {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    let log: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    shelf.write(key, &log);
    let server = Server::start(&shelf);
    let mut response = get(&server.url(&format!("{}/log", key.build_path())));
    assert_eq!(
        header(&response, "content-type"),
        "text/plain; charset=utf-8"
    );
    assert_eq!(header(&response, "content-length"), log.len().to_string());
    assert_eq!(header(&response, "accept-ranges"), "bytes");
    let how = header(&response, "content-disposition");
    assert!(how.starts_with("inline; filename=\"build.log\""), "{how}");
    assert!(
        response.body_mut().read_to_vec().unwrap() == log,
        "other bytes"
    );
}

#[rstest]
#[case("bytes=0-3", 206, "bytes 0-3/10", "0123")]
#[case("bytes=7-", 206, "bytes 7-9/10", "789")]
#[case("bytes=-2", 206, "bytes 8-9/10", "89")]
#[case("bytes=5-500", 206, "bytes 5-9/10", "56789")]
#[case("bytes=10-", 416, "bytes */10", "")]
#[case("bytes=1-2,4-5", 200, "", "0123456789")]
#[case("nonsense", 200, "", "0123456789")]
fn a_part_of_a_log_can_be_had(
    #[case] range: &str,
    #[case] status: u16,
    #[case] part: &str,
    #[case] body: &str,
) {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    shelf.write(key, b"0123456789");
    let server = Server::start(&shelf);
    let url = server.url(&format!("{}/log", key.build_path()));
    let response = get_with(&url, &[("range", range)]);
    assert_eq!(response.status(), status);
    assert_eq!(header(&response, "content-range"), part);
    assert_eq!(text(response), body);
}

#[test]
fn a_download_that_broke_off_goes_on_with_what_was_written_since() {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    shelf.write(key, b"01234");
    let server = Server::start(&shelf);
    let url = server.url(&format!("{}/log", key.build_path()));
    let mut log = text(get(&url));
    shelf.write(key, b"56789");
    log += &text(get_with(&url, &[("range", "bytes=5-")]));
    assert_eq!(log, "0123456789");
}

#[test]
fn a_part_of_an_older_file_is_not_mixed_with_this_one() {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    shelf.write(key, b"0123456789");
    let server = Server::start(&shelf);
    let url = server.url(&format!("{}/log", key.build_path()));
    let response = get_with(&url, &[("range", "bytes=5-"), ("if-range", "\"x\"")]);
    assert_eq!(response.status(), 200);
}

#[test]
fn a_log_that_has_not_begun_is_empty() {
    let shelf = Made::new();
    let key = shelf.add_running(|_| ());
    let server = Server::start(&shelf);
    let response = get(&server.url(&format!("{}/log", key.build_path())));
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-length"), "0");
    assert_eq!(text(response), "");
}

/// Where the build's page leads to for its first artifact.
fn artifact_link(server: &Server, key: PageKey) -> String {
    let page = text(get(&server.url(&key.build_path())));
    let mut links = page.split("href=\"");
    let link = links.find(|link| link.contains("/artifacts/"));
    let (link, _) = link
        .and_then(|link| link.split_once('"'))
        .expect("the page links to its artifact");
    server.url(&format!("/builds/{link}"))
}

#[test]
fn an_artifact_is_saved_and_never_shown() {
    let shelf = Made::new();
    let key = shelf.add_running(|view| end(view, BuildState::Success));
    shelf.leave(key, "site/index.html", b"<script>alert(1)</script>");
    let server = Server::start(&shelf);
    let response = get(&artifact_link(&server, key));
    assert_eq!(
        header(&response, "content-type"),
        "application/octet-stream"
    );
    assert_eq!(
        header(&response, "content-disposition"),
        "attachment; filename=\"index.html\"; filename*=UTF-8''index%2Ehtml"
    );
    assert_eq!(text(response), "<script>alert(1)</script>");
}

#[test]
fn an_artifacts_name_breaks_out_of_no_header() {
    let shelf = Made::new();
    let key = shelf.add_running(|view| end(view, BuildState::Success));
    shelf.leave(key, "a/é\"\r\nset-cookie: x=\u{202e}..\\", b"x");
    let server = Server::start(&shelf);
    let response = get(&artifact_link(&server, key));
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "set-cookie"), "");
    let how = header(&response, "content-disposition");
    assert!(
        how.starts_with(
            "attachment; filename=\"___U_000D__U_000A_set-cookie__x__U_202E_.._\"; filename*="
        ),
        "{how}"
    );
}

#[test]
fn an_artifact_that_is_a_link_leads_nowhere() {
    let shelf = Made::new();
    let key = shelf.add_running(|view| end(view, BuildState::Success));
    let path = shelf.leave(key, "passwd", b"");
    fs::remove_file(&path).unwrap();
    symlink("/etc/passwd", &path).unwrap();
    let server = Server::start(&shelf);
    let url = server.url(&format!("{}/artifacts/0/passwd", key.build_path()));
    assert_eq!(get(&url).status(), 404);
}
