//! The token: rotated, wrong, missing.

use super::*;

const OLD: &str = "KOLDTOKEN";

fn secret(pagure: Pagure, values: &[Value]) -> Bed {
    let tokens = |clients: &Clients| Tokens::secret(clients.secrets.clone(), "ci".to_owned());
    let bed = Bed::with(pagure, tokens);
    bed.cloud.account().secret = values.iter().cloned().collect();
    bed
}

fn text(token: &str) -> Value {
    json!({"SecretString": token})
}

/// Knows one token only.
fn knowing(token: &'static str) -> Pagure {
    Pagure::answering(move |one| {
        if one.is_signed_with(token) {
            (200, r#"{"applied": true}"#.to_owned())
        } else {
            (401, String::new())
        }
    })
}

fn end() -> String {
    build_event("SUCCEEDED", ago(20))
}

fn readings(bed: &Bed) -> usize {
    bed.cloud.account().called("GetSecretValue").len()
}

#[tokio::test]
async fn a_token_is_read_once_for_many_reports() {
    let bed = secret(knowing(TOKEN), &[text(TOKEN)]);
    bed.keep(&running(Service::CodeBuild));
    bed.batch(&[phase_event("INSTALL", ago(30)), end()]).await;
    bed.batch(&[end()]).await;
    assert_eq!((bed.pagure.heard().len(), readings(&bed)), (3, 1));
}

#[tokio::test]
async fn a_rotated_token_is_read_again_and_the_report_arrives() {
    let bed = secret(knowing(TOKEN), &[text(OLD), text(TOKEN)]);
    let build = bed.keep(&running(Service::CodeBuild));
    assert!(bed.batch(&[end()]).await.is_empty());
    assert_eq!((bed.pagure.heard().len(), readings(&bed)), (2, 2));
    assert_eq!(bed.open(build), None);
}

#[tokio::test]
async fn a_wrong_token_is_read_again_once_and_all_wait() {
    let bed = secret(knowing(TOKEN), &[text(OLD)]);
    let build = bed.keep(&running(Service::CodeBuild));
    assert_eq!(bed.batch(&[end(), end()]).await, ["m0", "m1"]);
    assert_eq!(readings(&bed), 2);
    assert!(bed.open(build).is_some());
    bed.batch(&[end()]).await;
    assert_eq!(readings(&bed), 3, "each invocation may look once");
}

#[tokio::test]
async fn a_project_that_was_added_to_the_secret_is_found() {
    let other = text(r#"{"demo/other": "x"}"#);
    let both = text(&format!(
        r#"{{"demo/other": "x", "demo/hello": "{TOKEN}"}}"#
    ));
    let bed = secret(knowing(TOKEN), &[other, both]);
    bed.keep(&running(Service::CodeBuild));
    assert!(bed.batch(&[end()]).await.is_empty());
}

#[tokio::test]
async fn without_a_token_the_report_waits() {
    for value in [
        text(""),
        text("{"),
        json!({"SecretBinary": "YWJj"}),
        json!({}),
    ] {
        let bed = secret(knowing(TOKEN), &[value]);
        let build = bed.keep(&running(Service::CodeBuild));
        assert_eq!(bed.batch(&[end()]).await, ["m0"]);
        assert!(bed.open(build).is_some());
    }
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_named() {
    let bed = secret(Pagure::gone(), &[]);
    let tokens = Tokens::secret(bed.clients.secrets.clone(), "ci".to_owned());
    let error = tokens
        .key(&"demo/hello".parse().unwrap())
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("secretsmanager:GetSecretValue on ci"),
        "{text}"
    );
}
