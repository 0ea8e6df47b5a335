//! S3 for tests: it says what is written down, and writes down what it is asked.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::operation as of;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};

/// An answer of S3.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// What S3 was asked, one line each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked(Arc<Mutex<Vec<String>>>);

impl Reply {
    pub(crate) fn yes() -> Self {
        Self {
            status: 200,
            ..Self::default()
        }
    }

    /// A refusal in S3's own form.
    pub(crate) fn no(status: u16, code: &str, message: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Self::bare(status).body(body)
    }

    /// A refusal without a word.
    pub(crate) fn bare(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn response(&self) -> HttpResponse {
        let status = self.status.try_into().unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(self.body.clone()));
        for (name, value) in &self.headers {
            response.headers_mut().insert(*name, value.clone());
        }
        response
    }
}

impl Asked {
    pub(crate) fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// The answers that are left, by operation.
type Script = Arc<Mutex<HashMap<&'static str, VecDeque<Reply>>>>;

/// One rule: note the request, give the next answer.
macro_rules! rule {
    ($call:ident, $asked:expr, $script:expr, $line:expr) => {{
        let (asked, script) = ($asked.clone(), Arc::clone($script));
        mock!(Client::$call).then_compute_response(move |input| {
            let line: String = $line(input);
            asked.note(format!("{} {}", stringify!($call), line.trim_end()));
            let mut script = script.lock().unwrap();
            let next = script
                .get_mut(stringify!($call))
                .and_then(VecDeque::pop_front);
            let reply = next.unwrap_or_else(|| panic!("no answer is left to {line}"));
            MockResponse::Http(reply.response())
        })
    }};
}

/// An S3 that gives these answers to these operations, each once and in order.
pub(crate) fn s3(answers: impl IntoIterator<Item = (&'static str, Reply)>) -> (Client, Asked) {
    let script = Script::default();
    for (call, reply) in answers {
        script
            .lock()
            .unwrap()
            .entry(call)
            .or_default()
            .push_back(reply);
    }
    let asked = Asked::default();
    let rules = [objects(&asked, &script), uploads(&asked, &script)].concat();
    let once = |config: aws_sdk_s3::config::Builder| config.retry_config(RetryConfig::disabled());
    (
        mock_client!(aws_sdk_s3, RuleMode::MatchAny, &rules, once),
        asked,
    )
}

fn objects(asked: &Asked, script: &Script) -> Vec<Rule> {
    vec![
        rule!(
            get_object,
            asked,
            script,
            |input: &of::get_object::GetObjectInput| { place(input.bucket(), input.key()) }
        ),
        rule!(
            head_object,
            asked,
            script,
            |input: &of::head_object::HeadObjectInput| { place(input.bucket(), input.key()) }
        ),
        rule!(
            put_object,
            asked,
            script,
            |input: &of::put_object::PutObjectInput| {
                [
                    place(input.bucket(), input.key()),
                    word(" none-match=", input.if_none_match()),
                    word(" match=", input.if_match()),
                    word(" type=", input.content_type()),
                    pairs(input.metadata()),
                    bytes(input.body()),
                ]
                .concat()
            }
        ),
        rule!(
            delete_object,
            asked,
            script,
            |input: &of::delete_object::DeleteObjectInput| {
                place(input.bucket(), input.key()) + &word(" match=", input.if_match())
            }
        ),
        rule!(
            list_objects_v2,
            asked,
            script,
            |input: &of::list_objects_v2::ListObjectsV2Input| {
                place(input.bucket(), input.prefix()) + &word(" after=", input.start_after())
            }
        ),
    ]
}

fn uploads(asked: &Asked, script: &Script) -> Vec<Rule> {
    vec![
        rule!(
            create_multipart_upload,
            asked,
            script,
            |input: &of::create_multipart_upload::CreateMultipartUploadInput| {
                [
                    place(input.bucket(), input.key()),
                    word(" type=", input.content_type()),
                    word(" sum=", input.checksum_algorithm().map(of_sum)),
                    pairs(input.metadata()),
                ]
                .concat()
            }
        ),
        rule!(
            upload_part,
            asked,
            script,
            |input: &of::upload_part::UploadPartInput| {
                [
                    place(input.bucket(), input.key()),
                    word(" upload=", input.upload_id()),
                    format!(" part={}", input.part_number().unwrap()),
                    word(" sum=", input.checksum_algorithm().map(of_sum)),
                    bytes(input.body()),
                ]
                .concat()
            }
        ),
        rule!(
            complete_multipart_upload,
            asked,
            script,
            |input: &of::complete_multipart_upload::CompleteMultipartUploadInput| {
                [
                    place(input.bucket(), input.key()),
                    word(" upload=", input.upload_id()),
                    word(" none-match=", input.if_none_match()),
                    parts(input.multipart_upload().unwrap()),
                ]
                .concat()
            }
        ),
        rule!(
            abort_multipart_upload,
            asked,
            script,
            |input: &of::abort_multipart_upload::AbortMultipartUploadInput| {
                place(input.bucket(), input.key()) + &word(" upload=", input.upload_id())
            }
        ),
    ]
}

fn place(bucket: Option<&str>, key: Option<&str>) -> String {
    format!("{}/{}", bucket.unwrap(), key.unwrap())
}

fn word(name: &str, value: Option<&str>) -> String {
    value
        .map(|value| format!("{name}{value}"))
        .unwrap_or_default()
}

fn of_sum(sum: &aws_sdk_s3::types::ChecksumAlgorithm) -> &str {
    sum.as_str()
}

fn pairs(metadata: Option<&HashMap<String, String>>) -> String {
    let mut pairs: Vec<String> = metadata
        .into_iter()
        .flatten()
        .map(|(name, value)| format!(" {name}={value}"))
        .collect();
    pairs.sort();
    pairs.concat()
}

fn bytes(body: &ByteStream) -> String {
    let bytes = body.bytes().unwrap();
    if bytes.len() < 1000 {
        format!(" {}", String::from_utf8_lossy(bytes))
    } else {
        format!(" {} bytes of {:?}", bytes.len(), char::from(bytes[0]))
    }
}

fn parts(upload: &aws_sdk_s3::types::CompletedMultipartUpload) -> String {
    let each = upload.parts().iter().map(|part| {
        let (tag, sum) = (part.e_tag().unwrap(), part.checksum_crc32().unwrap());
        format!(" {}:{tag}:{sum}", part.part_number().unwrap())
    });
    each.collect()
}
