use rstest::rstest;

use super::*;
use crate::engine::tests::{id, stored};
use crate::testing::{Asked, Reply, s3};

const ID: &str = "0199a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a11";

fn ledger(answers: impl IntoIterator<Item = (&'static str, Reply)>) -> (Ledger, Asked) {
    let (s3, asked) = s3(answers);
    (Ledger::new(s3, "ledger".to_owned()), asked)
}

fn record() -> Record {
    stored(Service::CodeBuild)
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn written(tag: &str) -> Reply {
    Reply::yes().header("etag", tag)
}

fn found(value: &impl Serialize, tag: &str) -> Reply {
    written(tag).body(json(value))
}

fn changed() -> Reply {
    Reply::no(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions did not hold",
    )
}

fn conflict() -> Reply {
    Reply::no(
        409,
        "ConditionalRequestConflict",
        "A conflicting operation occurred",
    )
}

fn denied(message: &str) -> Reply {
    Reply::no(403, "AccessDenied", message)
}

#[tokio::test]
async fn a_claim_writes_the_record_where_there_is_none() {
    let (ledger, asked) = ledger([("put_object", written("\"a\""))]);
    let claimed = ledger.claim(&record()).await.unwrap();
    assert_eq!(claimed, Claimed::New(Tag::new("\"a\"")));
    let line = format!(
        "put_object ledger/builds/{ID} none-match=* {}",
        json(&record())
    );
    assert_eq!(asked.lines(), [line]);
}

#[tokio::test]
async fn a_claim_of_a_claimed_build_tells_what_is_there() {
    let mut before = record();
    before.stored = None;
    let answers = [
        ("put_object", changed()),
        ("get_object", found(&before, "\"b\"")),
    ];
    let (ledger, asked) = ledger(answers);
    let claimed = ledger.claim(&record()).await.unwrap();
    assert_eq!(claimed, Claimed::Before(before, Tag::new("\"b\"")));
    assert_eq!(asked.lines()[1], format!("get_object ledger/builds/{ID}"));
}

#[tokio::test]
async fn a_claim_that_finds_nothing_after_all_is_made_again() {
    let answers = [
        ("put_object", changed()),
        ("get_object", Reply::no(404, "NoSuchKey", "")),
        ("put_object", written("\"a\"")),
    ];
    let (ledger, _) = ledger(answers);
    let claimed = ledger.claim(&record()).await.unwrap();
    assert_eq!(claimed, Claimed::New(Tag::new("\"a\"")));
}

#[tokio::test]
async fn a_write_that_meets_another_is_made_again() {
    let (ledger, asked) = ledger([
        ("put_object", conflict()),
        ("put_object", conflict()),
        ("put_object", written("\"b\"")),
    ]);
    let done = ledger.update(&record(), &Tag::new("\"a\"")).await.unwrap();
    assert_eq!(done, Written::Done(Tag::new("\"b\"")));
    let line = format!(
        "put_object ledger/builds/{ID} match=\"a\" {}",
        json(&record())
    );
    assert_eq!(asked.lines(), [line.clone(), line.clone(), line]);
}

#[tokio::test]
async fn a_write_that_meets_others_for_ever_fails_for_now() {
    let (ledger, asked) = ledger((0..5).map(|_| ("put_object", conflict())));
    let failure = ledger
        .update(&record(), &Tag::new("\"a\""))
        .await
        .unwrap_err();
    assert!(failure.may_pass(), "{failure}");
    assert_eq!(asked.lines().len(), 5);
}

#[rstest]
#[case::by_another(changed())]
#[case::away(Reply::no(404, "NoSuchKey", ""))]
#[tokio::test]
async fn an_update_of_what_was_changed_says_so(#[case] reply: Reply) {
    let (ledger, _) = ledger([("put_object", reply)]);
    let done = ledger.update(&record(), &Tag::new("\"a\"")).await.unwrap();
    assert_eq!(done, Written::Changed);
}

#[tokio::test]
async fn a_denied_write_names_the_right_and_the_object() {
    let (ledger, _) = ledger([("put_object", denied("Access Denied"))]);
    let failure = ledger.claim(&record()).await.unwrap_err().to_string();
    let needed = format!("s3:PutObject on ledger/builds/{ID}");
    assert!(failure.contains(&needed), "{failure}");
}

#[rstest]
#[case::not_there(Reply::no(404, "NoSuchKey", "The specified key does not exist."))]
#[case::not_to_be_listed(denied("Access Denied"))]
#[case::not_to_be_listed_in_words(denied(
    "User: arn:aws:sts::123456789012:assumed-role/trigger/x is not authorized to perform: \
     s3:ListBucket on resource: \"arn:aws:s3:::ledger\" because no identity-based policy allows \
     the s3:ListBucket action"
))]
#[tokio::test]
async fn an_absent_record_is_none(#[case] reply: Reply) {
    let (ledger, _) = ledger([("get_object", reply)]);
    assert_eq!(ledger.record(id()).await.unwrap(), None);
}

#[tokio::test]
async fn a_record_that_may_not_be_read_is_not_absent() {
    let reply = denied(
        "User: arn:aws:sts::123456789012:assumed-role/trigger/x is not authorized to perform: \
         s3:GetObject on resource: \"arn:aws:s3:::ledger/builds/x\"",
    );
    let (ledger, _) = ledger([("get_object", reply)]);
    let failure = ledger.record(id()).await.unwrap_err();
    assert!(matches!(failure, Failure::Denied { .. }), "{failure}");
}

#[rstest]
#[case::no_bucket(Reply::no(404, "NoSuchBucket", ""))]
#[case::broken(Reply::yes().body("{"))]
#[case::too_large(Reply::yes().body(" ".repeat(2 << 20)))]
#[tokio::test]
async fn a_record_that_is_none_is_for_good(#[case] reply: Reply) {
    let (ledger, _) = ledger([("get_object", reply)]);
    let failure = ledger.record(id()).await.unwrap_err();
    assert!(matches!(failure, Failure::Final { .. }), "{failure}");
}

#[rstest]
#[case::new(written("\"a\""))]
#[case::open_already(changed())]
#[tokio::test]
async fn a_build_is_open_after_it_was_opened(#[case] reply: Reply) {
    let (ledger, asked) = ledger([("put_object", reply)]);
    ledger.open_new(id()).await.unwrap();
    let line = format!(
        "put_object ledger/open/{ID} none-match=* {}",
        json(&Open::default())
    );
    assert_eq!(asked.lines(), [line]);
}

#[rstest]
#[case::open(Reply::bare(204), Removed::Gone)]
#[case::closed_already(Reply::no(404, "NoSuchKey", ""), Removed::Gone)]
#[case::opened_again(changed(), Removed::Changed)]
#[tokio::test]
async fn a_build_is_closed_if_nobody_has_written(#[case] reply: Reply, #[case] removed: Removed) {
    let (ledger, asked) = ledger([("delete_object", reply)]);
    assert_eq!(
        ledger.close(id(), &Tag::new("\"a\"")).await.unwrap(),
        removed
    );
    let line = format!("delete_object ledger/open/{ID} match=\"a\"");
    assert_eq!(asked.lines(), [line]);
}

fn page(keys: &[String], truncated: bool) -> Reply {
    let contents: Vec<String> = keys
        .iter()
        .map(|key| {
            format!(
                "<Contents><Key>{key}</Key><LastModified>2026-11-22T20:15:28.123Z</LastModified>\
                 </Contents>"
            )
        })
        .collect();
    let body = format!(
        "<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{}</ListBucketResult>",
        contents.concat()
    );
    Reply::yes().body(body)
}

#[tokio::test]
async fn what_is_open_comes_page_by_page() {
    let keys = [format!("open/{ID}"), "open/something-else".to_owned()];
    let (ledger, asked) = ledger([
        ("list_objects_v2", page(&keys, true)),
        ("list_objects_v2", page(&[], false)),
    ]);
    let (first, next) = ledger.opened(None).await.unwrap();
    assert_eq!(first, [(id(), "2026-11-22T20:15:28.123Z".parse().unwrap())]);
    let (second, end) = ledger.opened(next).await.unwrap();
    assert_eq!((second, end), (Vec::new(), None));
    let lines = [
        "list_objects_v2 ledger/open/",
        "list_objects_v2 ledger/open/ after=open/something-else",
    ];
    assert_eq!(asked.lines(), lines);
}

#[tokio::test]
async fn an_execution_leads_to_its_build() {
    let (ledger, asked) = ledger([
        ("put_object", written("\"a\"")),
        ("put_object", changed()),
        ("get_object", Reply::yes().body(format!("{ID}\n"))),
        ("get_object", denied("Access Denied")),
    ]);
    let target = record().target;
    ledger.link(&target, "hello:1", id()).await.unwrap();
    ledger.link(&target, "hello:1", id()).await.unwrap();
    let service = Service::CodeBuild;
    assert_eq!(
        ledger.build_of(service, "hello:1").await.unwrap(),
        Some(id())
    );
    assert_eq!(ledger.build_of(service, "hello:2").await.unwrap(), None);
    let put = format!("put_object ledger/executions/codebuild/hello%3A1 none-match=* {ID}");
    assert_eq!(asked.lines()[..2], [put.clone(), put]);
}

#[tokio::test]
async fn a_link_to_no_build_is_for_good() {
    let (ledger, _) = ledger([("get_object", Reply::yes().body("hello"))]);
    let failure = ledger
        .build_of(Service::CodeBuild, "hello:1")
        .await
        .unwrap_err();
    assert!(matches!(failure, Failure::Final { .. }), "{failure}");
}

#[tokio::test]
async fn a_head_is_written_over_the_one_that_was_seen() {
    let (ledger, asked) = ledger([
        ("get_object", Reply::no(404, "NoSuchKey", "")),
        ("put_object", written("\"a\"")),
        ("put_object", changed()),
    ]);
    let key = HeadKey::of(&record().request).unwrap();
    assert_eq!(ledger.head(&key).await.unwrap(), None);
    let head: Head = serde_json::from_value(serde_json::json!({ "newest": ID })).unwrap();
    let done = ledger.head_put(&key, &head, None).await.unwrap();
    assert_eq!(done, Written::Done(Tag::new("\"a\"")));
    let changed = ledger.head_put(&key, &head, Some(&Tag::new("\"a\""))).await;
    assert_eq!(changed.unwrap(), Written::Changed);
    let place = "ledger/heads/demo/hello/7/codebuild%2Fhello";
    let lines = [
        format!("get_object {place}"),
        format!("put_object {place} none-match=* {}", json(&head)),
        format!("put_object {place} match=\"a\" {}", json(&head)),
    ];
    assert_eq!(asked.lines(), lines);
}

#[test]
fn a_commit_s_build_has_no_head() {
    let mut request = record().request;
    request.pull_request = None;
    assert_eq!(HeadKey::of(&request), None);
}
