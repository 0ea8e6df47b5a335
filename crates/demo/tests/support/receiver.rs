//! A small receiver: verifies, answers 202, fetches, runs the checks and reports.

use std::collections::HashSet;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use chela_contract::{BuildId, BuildRequest, Report, Shown, Status, webhook::Key};
use chela_demo::{Needs, Receiver};
use chela_outbound::{
    Audience, Destination, Message, Policy, Sender, Setting, USER_AGENT, Verdict,
};
use chela_source::{Fetcher, Limits};
use tokio::net::TcpListener;
use url::Url;

use super::now;

/// What it makes of the builds.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// Runs the checks.
    Honest,
    /// Says that all went well.
    Flattering,
    /// Takes requests and never reports.
    Silent,
    /// Takes a request when it comes for the second time.
    Busy,
    /// Takes no request.
    Refusing,
}

struct Works {
    needs: Needs,
    manner: Manner,
    url: Url,
    key: Key,
    seen: Mutex<HashSet<BuildId>>,
}

pub type Failed = Box<dyn std::error::Error + Send + Sync>;

pub async fn start(needs: Needs, manner: Manner) -> Result<Receiver, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url: Url = format!("http://{}/", listener.local_addr()?).parse()?;
    let works = Arc::new(Works {
        key: Key::new(needs.token.clone())?,
        needs,
        manner,
        url: url.clone(),
        seen: Mutex::default(),
    });
    let routes = Router::new().route("/hook", post(take)).with_state(works);
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(Receiver {
        ci_url: url.join("hook")?,
        notices: vec!["Without a sandbox, because this is a test.".to_owned()],
        stop: Box::pin(async move { server.abort() }),
    })
}

async fn take(
    State(works): State<Arc<Works>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let [id, timestamp, signature] =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(header);
    if works
        .key
        .verify(id, timestamp, signature, &body, now())
        .is_err()
    {
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    let request = BuildRequest::from_body(&body).expect("a valid request");
    match works.manner {
        Manner::Refusing => return (StatusCode::FORBIDDEN, String::new()),
        Manner::Silent => return (StatusCode::ACCEPTED, String::new()),
        Manner::Busy if works.is_new(&request) => {
            return (StatusCode::SERVICE_UNAVAILABLE, String::new());
        }
        Manner::Honest | Manner::Flattering | Manner::Busy => {}
    }
    let queued = works.report(&request, Status::Pending, "Queued").to_body();
    tokio::task::spawn_blocking(move || works.build(&request));
    (StatusCode::ACCEPTED, queued)
}

impl Works {
    fn is_new(&self, request: &BuildRequest) -> bool {
        let mut seen = self.seen.lock().expect("nobody panics with it");
        seen.insert(request.build_id)
    }

    fn build(&self, request: &BuildRequest) {
        let place = self.needs.directory.join(request.build_id.to_string());
        let fetcher = Fetcher::new(self.policy(), Limits::default());
        fetcher.fetch(&request.source, &place).expect("the commit");
        self.tell(&self.report(request, Status::Pending, "Phase BUILD"));
        let checked = Command::new("sh")
            .arg("check.sh")
            .current_dir(&place)
            .output();
        let good = checked.expect("sh runs").status.success();
        let status = match (self.manner, good) {
            (Manner::Honest | Manner::Busy, false) => Status::Failure,
            _ => Status::Success,
        };
        self.tell(&self.report(request, status, "The checks have run"));
    }

    fn report(&self, request: &BuildRequest, status: Status, text: &str) -> Report {
        let page = self.url.join(&request.build_id.to_string()).expect("a URL");
        Report {
            build_id: Some(request.build_id),
            context: None,
            commit: request.source.commit.clone().expect("a commit"),
            pull_request: request.pull_request.as_ref().map(|pr| pr.id),
            shown: Shown::new(now(), status, Some(50), &page, text),
        }
    }

    fn tell(&self, report: &Report) {
        let url = self.needs.project.report_url(self.needs.forge.as_str());
        let policy = self.policy();
        let url = url.expect("a URL");
        let destination = Destination::parse(url.as_str(), None, None, &policy).expect("allowed");
        let body = report.to_body();
        let message = Message {
            id: "report",
            body: body.as_bytes(),
            key: &self.key,
            user_agent: USER_AGENT,
        };
        let result = Sender::default().send(&destination, &message, &policy, now());
        let verdict = Verdict::of_report(&result, Audience::Program);
        assert_eq!(verdict, Verdict::Accepted);
    }

    fn policy(&self) -> Policy {
        let port = self.needs.forge.port().expect("not the usual one");
        Policy::default()
            .with(Setting::AllowHttp, &format!("127.0.0.1:{port}"))
            .and_then(|policy| policy.with(Setting::AllowHosts, "127.0.0.1"))
            .expect("readable entries")
    }
}
