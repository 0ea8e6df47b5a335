//! Which files are artifacts, and where they go.

use chela_buildspec::{ArtifactSet, Unusable, parse, relative};
use rstest::rstest;

const SOURCE: &str = "/build/source";

fn set(lines: &str) -> ArtifactSet {
    let text = format!(
        "version: 0.2\nphases:\n  build:\n    commands: [make]\nartifacts: {{ {lines} }}\n"
    );
    let plan = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    plan.artifacts.expect("the section is there").primary
}

fn variable(name: &str) -> Option<String> {
    match name {
        "CODEBUILD_SRC_DIR" => Some(SOURCE.to_owned()),
        "OUT" => Some("out".to_owned()),
        "UP" => Some("../..".to_owned()),
        "ROOT" => Some("/".to_owned()),
        _ => None,
    }
}

fn place(lines: &str, path: &str) -> Option<String> {
    let selection = set(lines)
        .selection(SOURCE, &variable)
        .expect("it stays inside");
    let place = selection.place(path.as_bytes())?;
    Some(String::from_utf8(place.to_vec()).expect("a part of the path"))
}

#[rstest]
#[case("**/*", "a", true)]
#[case("**/*", "a/b/c", true)]
#[case("**/*", ".git/config", true)]
#[case("*", "a", true)]
#[case("*", ".profile", true)]
#[case("*", "a/b", false)]
#[case("**", "a/b", true)]
#[case("**/x", "x", true)]
#[case("**/x", "a/b/x", true)]
#[case("**/x", "a/b/xx", false)]
#[case("a/*", "a/b", true)]
#[case("a/*", "a/b/c", false)]
#[case("a/**/*", "a/b", true)]
#[case("a/**/*", "a/b/c/d", true)]
#[case("a/**/*", "b/a/c", false)]
#[case("a/**/b", "a/b", true)]
#[case("target/*.jar", "target/x.jar", true)]
#[case("target/*.jar", "target/x.jar.md5", false)]
#[case("./target//x.jar", "target/x.jar", true)]
#[case("lib?.so", "lib1.so", true)]
#[case("lib?.so", "libé.so", true)]
#[case("lib?.so", "lib.so", false)]
#[case("*a*b*", "xaxbx", true)]
#[case("*a*b*", "xbxax", false)]
#[case("pages/[id].js", "pages/[id].js", true)]
#[case("pages/[id].js", "pages/i.js", false)]
#[case("folder", "folder/file", false)]
#[case("A", "a", false)]
fn a_pattern_takes(#[case] pattern: &str, #[case] path: &str, #[case] taken: bool) {
    let place = place(&format!("files: ['{pattern}']"), path);
    assert_eq!(
        place.as_deref(),
        taken.then_some(path),
        "`{pattern}` over `{path}`"
    );
}

#[rstest]
#[case("files: ['**/*'], base-directory: out", "out/a/b", Some("a/b"))]
#[case("files: ['**/*'], base-directory: ./out/", "out/a/b", Some("a/b"))]
#[case("files: ['**/*'], base-directory: .", "out/a", Some("out/a"))]
#[case("files: ['**/*'], base-directory: out", "other/a", None)]
#[case("files: ['**/*'], base-directory: out", "out", None)]
#[case("files: ['**'], base-directory: out", "out", None)]
#[case("files: ['**'], base-directory: out", "out/a", Some("a"))]
#[case("files: ['**/*'], base-directory: a/b", "a/b/c", Some("c"))]
#[case(
    "files: ['*/my-file-3.txt'], base-directory: my-build-2",
    "my-build-2/sub/my-file-3.txt",
    Some("sub/my-file-3.txt")
)]
#[case(
    "files: ['**/*'], base-directory: 'my-build*', discard-paths: yes",
    "my-build-2/sub/my-file-3.txt",
    Some("my-file-3.txt")
)]
#[case(
    "files: ['**/*'], base-directory: 'my-build*'",
    "my-build-1/a",
    Some("a")
)]
#[case("files: ['**/*'], discard-paths: yes", "a/b/c", Some("c"))]
#[case("files: ['**/*'], discard-paths: no", "a/b/c", Some("a/b/c"))]
#[case("files: [a, b], exclude-paths: b", "b", None)]
#[case(
    "files: ['**/*'], exclude-paths: ['**/.*/**/*']",
    ".git/refs/heads/main",
    None
)]
#[case("files: ['**/*'], exclude-paths: ['**/.*/**/*']", "a/.cache/x", None)]
#[case(
    "files: ['**/*'], exclude-paths: ['**/.*/**/*']",
    "a/.profile",
    Some("a/.profile")
)]
#[case("files: ['**/*'], exclude-paths: ['**/.*']", "a/.profile", None)]
#[case(
    "files: ['**/*'], base-directory: out, exclude-paths: [x]",
    "out/x",
    None
)]
#[case("files: ['**/*'], base-directory: $OUT", "out/x", Some("x"))]
#[case("files: ['${OUT}/*']", "out/x", Some("out/x"))]
#[case(
    "files: ['**/*'], base-directory: $CODEBUILD_SRC_DIR/out",
    "out/x",
    Some("x")
)]
#[case("files: [$CODEBUILD_SRC_DIR/x]", "x", Some("x"))]
#[case("files: ['a${UNSET}b']", "ab", Some("ab"))]
#[case("files: ['cost$']", "cost$", Some("cost$"))]
fn a_file_goes_to(#[case] lines: &str, #[case] path: &str, #[case] expected: Option<&str>) {
    assert_eq!(place(lines, path).as_deref(), expected);
}

#[rstest]
#[case("files: [$UP/x]")]
#[case("files: ['**/*'], base-directory: $UP")]
#[case("files: ['**/*'], base-directory: '${ROOT}etc'")]
#[case("files: ['**/*'], exclude-paths: $UP")]
#[case("files: ['${CODEBUILD_SRC_DIR}-of-another/x']")]
fn a_variable_cannot_lead_out_of_the_sources(#[case] lines: &str) {
    set(lines)
        .selection(SOURCE, &variable)
        .expect_err("it leads out");
}

#[test]
fn a_name_that_is_no_utf_8_is_taken_too() {
    let selection = set("files: ['**/*.txt']")
        .selection(SOURCE, &variable)
        .expect("inside");
    assert_eq!(
        selection.place(b"a/caf\xe9.txt"),
        Some(&b"a/caf\xe9.txt"[..])
    );
}

#[test]
fn patterns_without_end_are_refused() {
    let long = |_: &str| Some("x/".repeat(6_000));
    let many = set("files: [$A, $B]").selection(SOURCE, &long);
    assert_eq!(many, Err(Unusable::TooLong { bytes: 23_998 }));
}

#[test]
fn a_hostile_pattern_is_decided_at_once() {
    let pattern = "**/*a*a*a*a*a*b/".repeat(500);
    let path = format!("{}/", "a".repeat(200)).repeat(500) + "end";
    assert_eq!(place(&format!("files: ['{pattern}']"), &path), None);
}

#[rstest]
#[case("plain", Some("plain"))]
#[case("out-$OUT", Some("out-out"))]
#[case("${OUT}_1", Some("out_1"))]
#[case("$OUT_1", Some(""))]
#[case("$(date)", None)]
#[case("`date`", None)]
#[case("${OUT:-x}", None)]
#[case("$1", None)]
fn a_name_is_expanded_or_left_to_the_shell(#[case] written: &str, #[case] expected: Option<&str>) {
    let name = set(&format!("files: [a], name: '{written}'"))
        .name
        .expect("a name");
    assert_eq!(name.expand(&variable).as_deref(), expected);
}

#[rstest]
#[case("plain", "\"plain\"")]
#[case("my-$(date +%F)", "\"my-$(date +%F)\"")]
#[case("a\"b", "\"a\\\"b\"")]
fn a_name_is_one_word_for_the_shell(#[case] written: &str, #[case] word: &str) {
    let name = set(&format!("files: [a], name: '{written}'"))
        .name
        .expect("a name");
    assert_eq!(name.shell_word(), word);
}

#[rstest]
#[case("a/b", Some("a/b"))]
#[case("./a//b/", Some("a/b"))]
#[case("", Some(""))]
#[case("/a", None)]
#[case("a/../b", None)]
#[case("..", None)]
#[case("a\nb", None)]
fn a_path_stays_below_its_folder(#[case] path: &str, #[case] expected: Option<&str>) {
    assert_eq!(relative(path).as_deref(), expected);
}
