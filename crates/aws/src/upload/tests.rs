use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use chela_source::Note;
use rstest::rstest;

use super::parts::PART;
use super::*;
use crate::testing::{Asked, Reply, s3};

const COMMIT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const OTHER: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn place(sharing: Sharing) -> Place {
    Place {
        bucket: "sources".to_owned(),
        key: "one.zip".to_owned(),
        sharing,
        commit: None,
    }
}

fn module() -> Note {
    Note::Submodule {
        path: chela_source::Place::new(b"vendor/caf\xc3\xa9"),
    }
}

fn fetched(bytes: usize) -> Fetched {
    Fetched {
        commit: COMMIT.parse().unwrap(),
        files: 1,
        bytes: bytes as u64,
        notes: vec![module()],
    }
}

/// Writes so many bytes, in pieces that fit into no part evenly.
fn fill(parts: Parts, bytes: usize) -> Result<Fetched, Error> {
    let fetched = fetched(bytes);
    let mut writer = parts.begin(&fetched.commit).map_err(Error::Output)?;
    let mut left = bytes;
    while left > 0 {
        let piece = left.min(1_000_003);
        writer
            .write_all(&vec![b'x'; piece])
            .map_err(Error::Output)?;
        left -= piece;
    }
    Ok(fetched)
}

/// The upload of so many bytes, how it went, what S3 was asked, and how often it was filled.
async fn uploaded(
    sharing: Sharing,
    bytes: usize,
    answers: impl IntoIterator<Item = (&'static str, Reply)>,
) -> (Result<Uploaded, UploadError>, Asked, u32) {
    let (s3, asked) = s3(answers);
    let times = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&times);
    let done = upload(s3, &place(sharing), move |parts| {
        counted.fetch_add(1, Ordering::SeqCst);
        fill(parts, bytes)
    })
    .await;
    (done, asked, times.load(Ordering::SeqCst))
}

fn version(version: &str) -> Reply {
    Reply::yes().header("x-amz-version-id", version)
}

fn begun() -> Reply {
    Reply::yes().body(
        "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
    )
}

fn part(tag: &str) -> Reply {
    Reply::yes()
        .header("etag", tag)
        .header("x-amz-checksum-crc32", "c1")
}

fn completed() -> Reply {
    version("v1").body("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
}

fn occupied() -> Reply {
    Reply::no(412, "PreconditionFailed", "")
}

fn conflict() -> Reply {
    Reply::no(409, "ConditionalRequestConflict", "")
}

/// What another delivery has stored.
fn there(commit: &str) -> Reply {
    version("v0")
        .header("x-amz-meta-commit", commit)
        .header("x-amz-meta-notes", "one%3B two; caf%C3%A9")
}

#[rstest]
#[case::for_one_build(Sharing::Exclusive, " none-match=*")]
#[case::for_a_pipeline(Sharing::Overwrite, "")]
#[tokio::test]
async fn a_small_source_is_one_request(#[case] sharing: Sharing, #[case] condition: &str) {
    let (done, asked, _) = uploaded(sharing, 5, [("put_object", version("v1"))]).await;
    let done = done.unwrap();
    assert_eq!(
        (done.version.as_str(), done.commit.to_string()),
        ("v1", COMMIT.to_owned())
    );
    assert_eq!(done.notes, [module().to_string()]);
    let line = format!(
        "put_object sources/one.zip{condition} type=application/zip commit={COMMIT} \
         notes=\"vendor/caf%C3%A9\" is a submodule and left empty%3B let the build fetch it (`git \
         submodule` needs a clone of its own) xxxxx"
    );
    assert_eq!(asked.lines(), [line]);
}

#[rstest]
#[case::nothing(0)]
#[case::exactly_one_part(PART)]
#[tokio::test]
async fn what_fits_into_one_part_is_one_request(#[case] bytes: usize) {
    let answers = [("put_object", version("v1"))];
    let (done, asked, _) = uploaded(Sharing::Exclusive, bytes, answers).await;
    assert_eq!(done.unwrap().version, "v1");
    assert_eq!(asked.lines().len(), 1);
}

#[tokio::test]
async fn a_large_source_goes_in_parts_and_in_order() {
    let parts = ["\"a\"", "\"b\"", "\"c\"", "\"d\"", "\"e\""].map(|tag| ("upload_part", part(tag)));
    let answers = [
        ("create_multipart_upload", begun()),
        ("complete_multipart_upload", completed()),
    ];
    let answers = answers.into_iter().chain(parts);
    let (done, asked, _) = uploaded(Sharing::Exclusive, 4 * PART + 7, answers).await;
    assert_eq!(done.unwrap().version, "v1");
    let full = |n: u32| {
        format!("upload_part sources/one.zip upload=u1 part={n} sum=CRC32 {PART} bytes of 'x'")
    };
    let lines = asked.lines();
    let create = format!(
        "create_multipart_upload sources/one.zip type=application/zip sum=CRC32 commit={COMMIT}"
    );
    let last = "upload_part sources/one.zip upload=u1 part=5 sum=CRC32 xxxxxxx".to_owned();
    assert_eq!(
        lines[..6],
        [create, full(1), full(2), full(3), full(4), last]
    );
    let complete = "complete_multipart_upload sources/one.zip upload=u1 none-match=* 1:\"a\":c1 \
                    2:\"b\":c1 3:\"c\":c1 4:\"d\":c1 5:\"e\":c1";
    assert_eq!(lines[6..], [complete]);
}

#[tokio::test]
async fn what_another_delivery_has_stored_is_taken() {
    let answers = [("put_object", occupied()), ("head_object", there(COMMIT))];
    let (done, asked, times) = uploaded(Sharing::Exclusive, 5, answers).await;
    let done = done.unwrap();
    assert_eq!(done.version, "v0");
    assert_eq!(
        done.notes,
        [module().to_string()],
        "the same commit lacks the same"
    );
    assert_eq!(asked.lines()[1], "head_object sources/one.zip");
    assert_eq!(times, 1);
}

#[rstest]
#[case::that_one(COMMIT, true)]
#[case::another_one(OTHER, false)]
#[tokio::test]
async fn of_what_is_stored_already_only_the_commit_that_was_asked_for_is_taken(
    #[case] stored: &'static str,
    #[case] is_taken: bool,
) {
    let (s3, _) = s3([("put_object", occupied()), ("head_object", there(stored))]);
    let place = Place {
        commit: Some(COMMIT.parse().unwrap()),
        ..place(Sharing::Exclusive)
    };
    match upload(s3, &place, |parts| fill(parts, 5)).await {
        Ok(uploaded) => assert!(is_taken, "{uploaded:?}"),
        Err(UploadError::Foreign { .. }) => assert!(!is_taken),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn another_commit_of_a_branch_that_is_stored_already_wins() {
    let answers = [("put_object", occupied()), ("head_object", there(OTHER))];
    let (done, ..) = uploaded(Sharing::Exclusive, 5, answers).await;
    let done = done.unwrap();
    assert_eq!(done.commit.to_string(), OTHER);
    assert_eq!(done.notes, ["one; two", "café"]);
}

#[tokio::test]
async fn an_upload_in_parts_that_comes_second_is_given_up() {
    let answers = [
        ("create_multipart_upload", begun()),
        ("upload_part", part("\"a\"")),
        ("upload_part", part("\"b\"")),
        ("complete_multipart_upload", occupied()),
        ("abort_multipart_upload", Reply::bare(204)),
        ("head_object", there(COMMIT)),
    ];
    let (done, asked, _) = uploaded(Sharing::Exclusive, PART + 1, answers).await;
    assert_eq!(done.unwrap().version, "v0");
    let abort = "abort_multipart_upload sources/one.zip upload=u1";
    assert_eq!(asked.lines()[4..], [abort, "head_object sources/one.zip"]);
}

#[rstest]
#[case::another_came_between(conflict())]
#[case::it_is_gone(Reply::no(404, "NoSuchUpload", ""))]
#[tokio::test]
async fn an_upload_that_meets_another_begins_again(#[case] reply: Reply) {
    let once = [
        ("create_multipart_upload", begun()),
        ("upload_part", part("\"a\"")),
        ("upload_part", part("\"b\"")),
    ];
    let ends = [
        ("complete_multipart_upload", reply),
        ("abort_multipart_upload", Reply::bare(204)),
        ("complete_multipart_upload", completed()),
    ];
    let answers = once.clone().into_iter().chain(once).chain(ends);
    let (done, asked, times) = uploaded(Sharing::Exclusive, PART + 1, answers).await;
    assert_eq!(done.unwrap().version, "v1");
    assert_eq!((times, asked.lines().len()), (2, 9));
}

#[tokio::test]
async fn an_upload_that_meets_others_for_ever_fails_for_now() {
    let answers = (0..4).map(|_| ("put_object", conflict()));
    let (done, _, times) = uploaded(Sharing::Exclusive, 5, answers).await;
    let error = done.unwrap_err();
    assert!(error.may_pass(), "{error}");
    assert_eq!(times, 4);
}

#[tokio::test]
async fn a_part_that_fails_ends_the_upload_and_what_fills_it() {
    let answers = [
        ("create_multipart_upload", begun()),
        (
            "upload_part",
            Reply::no(403, "AccessDenied", "Access Denied"),
        ),
        ("upload_part", part("\"b\"")),
        ("upload_part", part("\"c\"")),
        ("upload_part", part("\"d\"")),
        ("abort_multipart_upload", Reply::bare(204)),
    ];
    let (done, asked, times) = uploaded(Sharing::Exclusive, 1000 * PART, answers).await;
    let error = done.unwrap_err().to_string();
    assert!(error.contains("s3:PutObject on sources/one.zip"), "{error}");
    let abort = "abort_multipart_upload sources/one.zip upload=u1";
    assert_eq!(asked.lines().last().unwrap(), abort);
    assert_eq!(times, 1);
}

#[tokio::test]
async fn a_source_that_fails_late_leaves_no_parts() {
    let (s3, asked) = s3([
        ("create_multipart_upload", begun()),
        ("upload_part", part("\"a\"")),
        ("upload_part", part("\"b\"")),
        ("upload_part", part("\"c\"")),
        ("abort_multipart_upload", Reply::bare(204)),
    ]);
    let done = upload(s3, &place(Sharing::Exclusive), |parts| {
        fill(parts, 2 * PART + 5)?;
        Err(Error::NotACommit {
            commit: COMMIT.parse().unwrap(),
        })
    })
    .await;
    let error = done.unwrap_err();
    assert!(
        matches!(error, UploadError::Source(Error::NotACommit { .. })),
        "{error}"
    );
    let abort = "abort_multipart_upload sources/one.zip upload=u1";
    assert_eq!(asked.lines().last().unwrap(), abort);
}

#[tokio::test]
async fn a_source_that_fails_early_asks_s3_for_nothing() {
    let (s3, asked) = s3([]);
    let done = upload(s3, &place(Sharing::Exclusive), |_| {
        Err(Error::NotACommit {
            commit: COMMIT.parse().unwrap(),
        })
    })
    .await;
    assert!(matches!(done, Err(UploadError::Source(_))), "{done:?}");
    assert!(asked.lines().is_empty());
}

#[rstest]
#[case::off(Reply::yes())]
#[case::suspended(version("null"))]
#[tokio::test]
async fn a_bucket_without_versions_is_told_of(#[case] reply: Reply) {
    let (done, ..) = uploaded(Sharing::Exclusive, 5, [("put_object", reply)]).await;
    let error = done.unwrap_err();
    assert!(!error.may_pass());
    let sentence = "the bucket sources keeps no versions, and so nothing says which source a build \
                    gets: turn its versioning on";
    assert_eq!(error.to_string(), sentence);
}

#[tokio::test]
async fn something_foreign_is_not_taken_for_a_source() {
    let answers = [("put_object", occupied()), ("head_object", version("v0"))];
    let (done, ..) = uploaded(Sharing::Exclusive, 5, answers).await;
    let error = done.unwrap_err();
    assert!(matches!(error, UploadError::Foreign { .. }), "{error}");
}

#[tokio::test]
async fn what_is_gone_again_is_stored_again() {
    let answers = [
        ("put_object", occupied()),
        ("head_object", Reply::bare(404)),
        ("put_object", version("v1")),
    ];
    let (done, _, times) = uploaded(Sharing::Exclusive, 5, answers).await;
    assert_eq!(done.unwrap().version, "v1");
    assert_eq!(times, 2);
}

#[rstest]
#[case::busy(Reply::no(503, "SlowDown", ""), true)]
#[case::denied(Reply::no(403, "AccessDenied", ""), false)]
#[case::expired(Reply::no(400, "ExpiredToken", ""), true)]
#[tokio::test]
async fn some_failures_may_pass(#[case] reply: Reply, #[case] may_pass: bool) {
    let (done, ..) = uploaded(Sharing::Exclusive, 5, [("put_object", reply)]).await;
    assert_eq!(done.unwrap_err().may_pass(), may_pass);
}
