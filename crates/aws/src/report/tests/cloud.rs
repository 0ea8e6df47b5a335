//! As much of AWS as the function `report` calls, in memory, behind the SDK's own clients.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use chela_contract::Micros;
use serde_json::{Value, json};

/// The tests' account. Clones are the same account.
#[derive(Clone, Debug, Default)]
pub(super) struct Cloud(Arc<Mutex<Account>>);

#[derive(Debug, Default)]
pub(super) struct Account {
    /// The ledger's objects.
    pub(super) objects: BTreeMap<String, Object>,
    /// What the secret holds at each reading; the last stays.
    pub(super) secret: VecDeque<Value>,
    /// Builds of `CodeBuild`, as `BatchGetBuilds` tells them.
    pub(super) builds: BTreeMap<String, Value>,
    /// The status of the pipeline's execution.
    pub(super) execution: Option<&'static str>,
    /// An id that may not be looked up.
    pub(super) denied: Option<String>,
    /// What was called, and about what.
    pub(super) calls: Vec<(String, String)>,
    writes: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Object {
    body: Vec<u8>,
    tag: String,
    written: Micros,
}

type Answer = (u16, String, Option<String>);

impl Cloud {
    pub(super) fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap()
    }

    pub(super) fn client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }
}

impl HttpConnector for Cloud {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (status, body, tag) = self.account().answer(&request);
        let status = StatusCode::try_from(status).unwrap();
        let mut answer = HttpResponse::new(status, body.into());
        if let Some(tag) = tag {
            answer.headers_mut().insert("etag", tag);
        }
        HttpConnectorFuture::ready(Ok(answer))
    }
}

impl Account {
    pub(super) fn put(&mut self, key: &str, body: impl Into<Vec<u8>>, written: Micros) -> String {
        self.writes += 1;
        let tag = format!("\"{}\"", self.writes);
        let object = Object {
            body: body.into(),
            tag: tag.clone(),
            written,
        };
        self.objects.insert(key.to_owned(), object);
        tag
    }

    pub(super) fn read(&self, key: &str) -> Option<Value> {
        serde_json::from_slice(&self.objects.get(key)?.body).ok()
    }

    pub(super) fn called(&self, action: &str) -> Vec<String> {
        let calls = self.calls.iter().filter(|(name, _)| name == action);
        calls.map(|(_, about)| about.clone()).collect()
    }

    fn answer(&mut self, request: &HttpRequest) -> Answer {
        let body = request.body().bytes().unwrap_or_default();
        match request.headers().get("x-amz-target") {
            Some(target) => {
                let action = target.rsplit('.').next().unwrap().to_owned();
                self.service(&action, &serde_json::from_slice(body).unwrap())
            }
            None => self.s3(request, body),
        }
    }

    fn service(&mut self, action: &str, asked: &Value) -> Answer {
        let about = match action {
            "ChangeMessageVisibility" => &asked["ReceiptHandle"],
            "GetSecretValue" => &asked["SecretId"],
            "BatchGetBuilds" => &asked["ids"],
            _ => &asked["pipelineExecutionId"],
        };
        self.calls.push((action.to_owned(), about.to_string()));
        let told = match action {
            "GetSecretValue" => self.secret(),
            "BatchGetBuilds" => self.builds(asked),
            "GetPipelineExecution" => self.execution(asked),
            _ => Ok(json!({})),
        };
        match told {
            Ok(told) => (200, told.to_string(), None),
            Err(code) => (
                400,
                json!({"__type": code, "message": "no"}).to_string(),
                None,
            ),
        }
    }

    fn secret(&mut self) -> Result<Value, &'static str> {
        let more = self.secret.len() > 1;
        let now = self.secret.front().cloned();
        if more {
            self.secret.pop_front();
        }
        now.ok_or("ResourceNotFoundException")
    }

    fn builds(&self, asked: &Value) -> Result<Value, &'static str> {
        let ids = asked["ids"].as_array().unwrap().iter();
        let ids: Vec<&str> = ids.map(|id| id.as_str().unwrap()).collect();
        if self.denied.as_deref().is_some_and(|id| ids.contains(&id)) {
            return Err("AccessDeniedException");
        }
        let found: Vec<&Value> = ids.iter().filter_map(|id| self.builds.get(*id)).collect();
        Ok(json!({ "builds": found }))
    }

    fn execution(&self, asked: &Value) -> Result<Value, &'static str> {
        let status = self.execution.ok_or("PipelineExecutionNotFoundException")?;
        let id = &asked["pipelineExecutionId"];
        Ok(json!({ "pipelineExecution": { "pipelineExecutionId": id, "status": status } }))
    }

    fn s3(&mut self, request: &HttpRequest, body: &[u8]) -> Answer {
        let uri: url::Url = request.uri().parse().unwrap();
        let key = uri
            .path()
            .trim_start_matches("/ledger")
            .trim_start_matches('/');
        let key = percent_encoding::percent_decode_str(key)
            .decode_utf8()
            .unwrap();
        self.calls
            .push((request.method().to_owned(), key.to_string()));
        if request.method() == "GET" && key.is_empty() {
            return self.list(&uri);
        }
        let seen = self.objects.get(key.as_ref()).cloned();
        let condition = request.headers().get("if-match");
        let exclusive = request.headers().get("if-none-match").is_some();
        match (request.method(), seen) {
            ("GET", Some(object)) => {
                let body = String::from_utf8(object.body).unwrap();
                (200, body, Some(object.tag))
            }
            ("GET", None) => refused(404, "NoSuchKey"),
            (_, Some(_)) if exclusive => refused(412, "PreconditionFailed"),
            (_, Some(object)) if condition.is_some_and(|tag| tag != object.tag) => {
                refused(412, "PreconditionFailed")
            }
            (_, None) if condition.is_some() => refused(404, "NoSuchKey"),
            ("PUT", _) => {
                let tag = self.put(&key, body, crate::clock::now());
                (200, String::new(), Some(tag))
            }
            ("DELETE", _) => {
                self.objects.remove(key.as_ref());
                (204, String::new(), None)
            }
            (method, _) => panic!("{method} is not expected of {key}"),
        }
    }

    /// Two at a time, so that there is more than one page.
    fn list(&self, uri: &url::Url) -> Answer {
        let asked: BTreeMap<_, _> = uri.query_pairs().into_owned().collect();
        let after = asked.get("start-after").cloned().unwrap_or_default();
        let all = self.objects.range(after.clone()..);
        let mut all = all.filter(|(key, _)| key.starts_with(&asked["prefix"]) && **key > after);
        let page: String = all
            .by_ref()
            .take(2)
            .map(|(key, object)| entry(key, object))
            .collect();
        let more = all.next().is_some();
        let body =
            format!("<ListBucketResult><IsTruncated>{more}</IsTruncated>{page}</ListBucketResult>");
        (200, body, None)
    }
}

fn entry(key: &str, object: &Object) -> String {
    let at = object.written;
    format!("<Contents><Key>{key}</Key><LastModified>{at}</LastModified></Contents>")
}

fn refused(status: u16, code: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    (status, body, None)
}
