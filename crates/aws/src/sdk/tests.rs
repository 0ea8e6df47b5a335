use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use super::*;
use crate::failure::{Call, Failure};

/// What a function's environment has.
fn variables(endpoint: &str) -> impl Fn(&str) -> Option<String> {
    move |name| {
        let value = match name {
            "AWS_REGION" => "eu-central-1",
            "AWS_ACCESS_KEY_ID" => "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY" => "not-said-to-anybody",
            "AWS_SESSION_TOKEN" => "a-session",
            "AWS_ENDPOINT_URL" => endpoint,
            _ => return None,
        };
        Some(value.to_owned())
    }
}

/// Answers one request that there is nothing, and hands out the request's head.
fn nothing(listener: TcpListener) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).unwrap();
        String::from_utf8(head).unwrap()
    })
}

#[tokio::test]
async fn a_call_is_signed_with_the_function_s_credentials_and_goes_to_the_endpoint() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let clients = Clients::from_variables(variables(&endpoint));
    let answering = nothing(listener);
    let request = clients
        .s3
        .get_object()
        .bucket("ledger")
        .key("builds/a b%2F");
    request.send().await.unwrap_err();
    let head = answering.join().unwrap();
    assert!(
        head.starts_with("GET /ledger/builds/a%20b%252F?x-id=GetObject HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains("x-amz-security-token: a-session\r\n"),
        "{head}"
    );
    assert!(head.contains("Credential=AKIDEXAMPLE/"), "{head}");
    assert!(head.contains("/eu-central-1/s3/aws4_request"), "{head}");
    assert!(!head.contains("not-said-to-anybody"), "{head}");
    assert_eq!(clients.region(), "eu-central-1");
}

/// One try of a call.
async fn refused(clients: &Clients) -> Failure {
    let config = clients.sqs.config().to_builder();
    let sqs = aws_sdk_sqs::Client::from_conf(config.retry_config(RetryConfig::disabled()).build());
    let request = sqs.send_message().queue_url("q").message_body("x");
    let error = request.send().await.unwrap_err();
    Failure::of(Call::new("sqs:SendMessage", "the queue q"), error)
}

#[tokio::test]
async fn nobody_at_the_other_end_may_pass() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let failure = refused(&Clients::from_variables(variables(&endpoint))).await;
    assert!(matches!(failure, Failure::Passing { .. }), "{failure}");
    assert!(failure.to_string().contains("refused"), "{failure}");
}

#[tokio::test]
async fn a_function_without_credentials_says_so() {
    let all = variables("http://127.0.0.1:1");
    let clients = Clients::from_variables(|name| all(name).filter(|_| name != "AWS_ACCESS_KEY_ID"));
    let failure = refused(&clients).await;
    assert!(matches!(failure, Failure::Expired { .. }), "{failure}");
    assert!(
        failure.to_string().contains("AWS_ACCESS_KEY_ID"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_function_without_a_region_says_so() {
    let all = variables("");
    let clients = Clients::from_variables(|name| all(name).filter(|_| name != "AWS_REGION"));
    let failure = refused(&clients).await;
    assert!(failure.to_string().contains("Missing Region"), "{failure}");
}

#[test]
fn credentials_are_never_shown() {
    let clients = Clients::from_variables(variables("http://127.0.0.1:1"));
    let given = Given(credentials(&variables("")));
    let shown = format!("{clients:?} {given:?}");
    assert!(!shown.contains("not-said-to-anybody"), "{shown}");
    assert!(!shown.contains("a-session"), "{shown}");
}
