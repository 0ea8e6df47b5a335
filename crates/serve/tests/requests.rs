//! What the receiver takes, and what it answers: real HTTP, a real data folder.
#![expect(clippy::unwrap_used, reason = "a test ends with what goes wrong")]

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use chela_contract::{
    BuildId, BuildRequest, Event, Job, Micros, Project, PullRequest, Reason, Refname, Report,
    RequestedBy, Source, Status,
    webhook::{Headers, Key},
};
use chela_serve::Server;
use chela_settings::{Environment, Settings};
use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use ureq::http::Response;

const TOKEN: &str = "the token of demo/hello";
/// Nobody listens there: reports stay in the outbox.
const PAGURE: &str = "http://127.0.0.1:9/";

struct Running {
    server: Server,
    folder: TempDir,
}

async fn start(extra: &str) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let server = open(folder.path(), extra).await;
    Running { server, folder }
}

async fn open(folder: &Path, extra: &str) -> Server {
    let token = folder.join("token");
    fs::write(&token, TOKEN).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let (data, token) = (folder.join("data"), token.display());
    let text = format!(
        "[serve]\nurl = \"https://ci.example.org\"\ndata = \"{}\"\ndrain = \"0s\"\n\
         [pagure]\nurl = \"{PAGURE}\"\n[sandbox]\nkind = \"none\"\n\
         [projects.\"demo/hello\"]\ntoken_file = \"{token}\"\n\
         [projects.\"demo/hello\".jobs.test]\n{extra}",
        data.display()
    );
    let environment = Environment::default();
    let settings = Settings::parse(Some((Path::new("test.toml"), &text)), &environment).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    Server::start_on(listener, settings, &environment, None)
        .await
        .unwrap()
}

fn now() -> Micros {
    jiff::Timestamp::now().into()
}

/// A stranger's pull request: it is held, so nothing is fetched.
fn request() -> BuildRequest {
    BuildRequest {
        build_id: BuildId::new(now()),
        job: Job::new("local/test").unwrap(),
        project: Project {
            name: "hello".to_owned(),
            namespace: Some("demo".to_owned()),
            fullname: "demo/hello".to_owned(),
            username: None,
            url: format!("{PAGURE}demo/hello").parse().unwrap(),
        },
        source: Source {
            clone_url: format!("{PAGURE}forks/ada/demo/hello.git").parse().unwrap(),
            refname: Refname::Branch("fix".to_owned()),
            commit: Some("7a1b0c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b".parse().unwrap()),
        },
        requested_by: Some(RequestedBy {
            user: "ada".to_owned(),
            can_push: false,
            reason: Reason::Opened,
            at: now(),
        }),
        pull_request: Some(PullRequest {
            id: 7,
            title: "Fix".to_owned(),
            url: format!("{PAGURE}demo/hello/pull-request/7")
                .parse()
                .unwrap(),
            author: "ada".to_owned(),
            author_can_push: false,
            target_branch: "main".to_owned(),
            from_fork: true,
        }),
        report_url: format!("{PAGURE}api/0/ci/webhook/demo/hello")
            .parse()
            .unwrap(),
    }
}

fn key() -> Key {
    Key::new(TOKEN.into()).unwrap()
}

/// A message on its way.
struct Sent {
    headers: Headers,
    media: &'static str,
    body: String,
}

fn signed(request: &BuildRequest) -> Sent {
    sign(&request.build_id.to_string(), request.to_body())
}

fn sign(id: &str, body: String) -> Sent {
    let headers = key().sign(id, now(), body.as_bytes());
    Sent {
        headers,
        media: "application/json",
        body,
    }
}

impl Running {
    /// Off the runtime's threads: the client blocks.
    async fn post(&self, path: &str, sent: Sent) -> Answer {
        let url = format!("http://{}{path}", self.server.address());
        tokio::task::spawn_blocking(move || {
            let agent = ureq::Agent::config_builder()
                .http_status_as_error(false)
                .build()
                .new_agent();
            let Sent {
                headers,
                media,
                body,
            } = sent;
            let request = agent
                .post(url)
                .header("content-type", media)
                .header("webhook-id", headers.id)
                .header("webhook-timestamp", headers.timestamp.to_string())
                .header("webhook-signature", headers.signature);
            Answer::of(request.send(body).unwrap())
        })
        .await
        .unwrap()
    }

    async fn get(&self, path: &str) -> Answer {
        let url = format!("http://{}{path}", self.server.address());
        tokio::task::spawn_blocking(move || {
            let agent = ureq::Agent::config_builder()
                .http_status_as_error(false)
                .build()
                .new_agent();
            Answer::of(agent.get(url).call().unwrap())
        })
        .await
        .unwrap()
    }
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    retry_after: Option<String>,
    body: String,
}

impl Answer {
    fn of(mut response: Response<ureq::Body>) -> Self {
        let retry_after = response.headers().get("retry-after");
        let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
        Self {
            status: response.status().as_u16(),
            retry_after,
            body: response.body_mut().read_to_string().unwrap(),
        }
    }

    fn detail(&self) -> String {
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        problem["detail"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_build_is_held_and_a_replay_is_answered_alike() {
    let running = start("").await;
    let request = request();
    let first = running.post("/", signed(&request)).await;
    assert_eq!(first.status, 202);
    let report = Report::from_body(first.body.as_bytes(), now()).unwrap();
    assert_eq!(report.shown.status, Status::Pending);
    assert_eq!(
        report.shown.description,
        "Waits for a committer to ask for a rebuild of 7a1b0c2d3e4f"
    );
    assert!(
        report
            .shown
            .url
            .starts_with("https://ci.example.org/builds/")
    );
    assert_eq!(running.post("/hook", signed(&request)).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_known_after_a_restart() {
    let running = start("").await;
    let request = request();
    let first = running.post("/", signed(&request)).await;
    running.server.stop().await;
    let folder = running.folder;
    let server = open(folder.path(), "").await;
    let again = Running { server, folder };
    assert_eq!(again.post("/", signed(&request)).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_is_verified_and_starts_nothing() {
    let running = start("").await;
    let body = chela_contract::ping_body(now(), "demo/hello", "local/test");
    assert_eq!(
        running.post("/", sign("ping", body.clone())).await.status,
        204
    );
    let mut forged = sign("ping", body);
    forged.headers.signature = "v1,AAAA".to_owned();
    assert_eq!(running.post("/", forged).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_project_and_a_wrong_signature_look_alike() {
    let running = start("").await;
    let mut forged = signed(&request());
    forged.headers.signature = key().sign("other", now(), b"{}").signature;
    let forged = running.post("/", forged).await;
    let mut elsewhere = request();
    elsewhere.project.fullname = "demo/other".to_owned();
    let unknown = running.post("/", signed(&elsewhere)).await;
    assert_eq!(forged.status, 401);
    assert_eq!(unknown, forged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_be_read_now_is_not_the_askers_fault() {
    let running = start("").await;
    fs::remove_file(running.folder.path().join("token")).unwrap();
    let answer = running.post("/", signed(&request())).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.retry_after.as_deref(), Some("30"));
}

/// What is wrong with a request that is signed rightly, the answer and a part of its sentence.
type Mistake = fn(&mut BuildRequest);

#[rstest]
#[case::job(|r: &mut BuildRequest| r.job = Job::new("local/deploy").unwrap(), "no such job: local/deploy")]
#[case::engine(|r: &mut BuildRequest| r.job = Job::new("codebuild/test").unwrap(), "local/test for demo/hello")]
#[case::report(
    |r: &mut BuildRequest| r.report_url = "http://127.0.0.1:9/api/0/ci/webhook/demo/other".parse().unwrap(),
    "reports go to http://127.0.0.1:9/api/0/ci/webhook/demo/hello only"
)]
#[case::elsewhere(
    |r: &mut BuildRequest| r.report_url = "https://evil.example.org/api/0/ci/webhook/demo/hello".parse().unwrap(),
    "reports go to"
)]
#[case::names(|r: &mut BuildRequest| r.project.name = "other".to_owned(), "is not one project")]
#[case::repository(
    |r: &mut BuildRequest| r.pull_request.as_mut().unwrap().from_fork = false,
    "demo/hello.git below an address"
)]
#[case::credentials(
    |r: &mut BuildRequest| r.source.clone_url = "http://u:secret@127.0.0.1:9/x.git".parse().unwrap(),
    "neither credentials nor a query: http://127.0.0.1:9/x.git"
)]
#[case::future(|r: &mut BuildRequest| r.build_id = BuildId::new(now().plus_seconds(400)), "in the future")]
#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_something_else_is_refused_for_good(
    #[case] change: Mistake,
    #[case] sentence: &str,
) {
    let running = start("").await;
    let mut request = request();
    change(&mut request);
    let answer = running.post("/", signed(&request)).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    assert!(answer.detail().contains(sentence), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_not_the_builds_is_refused() {
    let running = start("").await;
    let answer = running
        .post("/", sign("another", request().to_body()))
        .await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.detail(),
        "webhook-id is not the request's data.build_id"
    );
}

#[rstest]
#[case::no_json("{", 400)]
#[case::no_project("{\"type\":\"build.requested\",\"data\":{}}", 400)]
#[case::other_type(
    "{\"type\":\"x\",\"data\":{\"project\":{\"fullname\":\"demo/hello\"}}}",
    422
)]
#[case::half(
    "{\"type\":\"build.requested\",\"data\":{\"project\":{\"fullname\":\"demo/hello\"}}}",
    400
)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused(#[case] body: &str, #[case] status: u16) {
    let running = start("").await;
    let answer = running.post("/", sign("m", body.to_owned())).await;
    assert_eq!(answer.status, status, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_json_of_a_sane_size_is_read() {
    let running = start("").await;
    let mut form = signed(&request());
    form.media = "application/x-www-form-urlencoded";
    assert_eq!(running.post("/", form).await.status, 415);
    let long = sign("m", " ".repeat(256 * 1024 + 1));
    assert_eq!(running.post("/", long).await.status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused_where_the_operator_says_so() {
    let running = start("[builds]\nstrangers = \"refuse\"\n").await;
    let answer = running.post("/", signed(&request())).await;
    assert_eq!(answer.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_held_builds_are_sent_away_for_a_while() {
    let running = start("[builds]\nheld_per_project = 1\n").await;
    assert_eq!(running.post("/", signed(&request())).await.status, 202);
    let mut other = request();
    other.pull_request.as_mut().unwrap().id = 8;
    let answer = running.post("/", signed(&other)).await;
    assert_eq!(
        (answer.status, answer.retry_after.as_deref()),
        (503, Some("30"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_that_it_is_well_and_no_page_is_guessed() {
    let running = start("").await;
    let health = running.get("/healthz").await;
    assert_eq!(
        (health.status, health.body.as_str()),
        (200, r#"{"status":"ok"}"#)
    );
    let page = format!("/builds/{:032x}", 1);
    assert_eq!(running.get(&page).await.status, 404);
    assert_eq!(running.get("/").await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_held_builds_page_says_why_it_waits() {
    let running = start("").await;
    let answer = running.post("/", signed(&request())).await;
    let report = Report::from_body(answer.body.as_bytes(), now()).unwrap();
    let path = report
        .shown
        .url
        .strip_prefix("https://ci.example.org")
        .unwrap();
    let page = running.get(path).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Waits for a committer"), "{}", page.body);
    assert_eq!(report.event(), Event::PullRequest);
}
