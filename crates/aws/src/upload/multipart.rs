//! An upload in parts.

use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use chela_contract::CommitId;
use tokio::task::{JoinError, JoinSet};

use super::parts::{Part, Received};
use super::requests::{Requests, Sent};
use super::{UploadError, metadata};
use crate::failure::Failure;

/// An upload in parts that has begun.
pub struct Upload {
    requests: Requests,
    id: String,
}

type Sending = JoinSet<Result<CompletedPart, Failure>>;

impl Upload {
    pub async fn begin(requests: Requests, commit: &CommitId) -> Result<Self, Failure> {
        let place = &requests.place;
        let request = requests
            .s3
            .create_multipart_upload()
            .bucket(&place.bucket)
            .key(&place.key)
            .content_type(metadata::TYPE)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .set_metadata(Some(metadata::of(commit, &[])));
        let call = requests.call("s3:PutObject");
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Err(Failure::of(call, error)),
        };
        match answer.upload_id {
            Some(id) => Ok(Self { requests, id }),
            None => Err(Failure::Passing {
                call,
                why: "the answer names no upload".to_owned(),
            }),
        }
    }

    /// Sends the parts as they come, several at a time.
    pub async fn send(
        &self,
        begun: [Part; 2],
        mut received: Received,
    ) -> Result<Vec<CompletedPart>, Failure> {
        let mut sending = Sending::new();
        let mut sent = Vec::new();
        let mut number = 0;
        for part in begun {
            number += 1;
            sending.spawn(self.part(number, part));
        }
        while let Some(part) = received.next().await {
            number += 1;
            sending.spawn(self.part(number, part));
            // What went wrong ends the upload early.
            while let Some(done) = sending.try_join_next() {
                sent.push(joined(done)?);
            }
        }
        while let Some(done) = sending.join_next().await {
            sent.push(joined(done)?);
        }
        sent.sort_by_key(CompletedPart::part_number);
        Ok(sent)
    }

    fn part(
        &self,
        number: i32,
        part: Part,
    ) -> impl Future<Output = Result<CompletedPart, Failure>> + use<> {
        let place = part.place;
        let request = self
            .requests
            .s3
            .upload_part()
            .bucket(&self.requests.place.bucket)
            .key(&self.requests.place.key)
            .upload_id(&self.id)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(part.bytes.into());
        let call = self.requests.call("s3:PutObject");
        async move {
            let answer = request.send().await;
            drop(place);
            let answer = answer.map_err(|error| Failure::of(call, error))?;
            Ok(CompletedPart::builder()
                .part_number(number)
                .set_e_tag(answer.e_tag)
                .set_checksum_crc32(answer.checksum_crc32)
                .build())
        }
    }

    /// Makes the object out of its parts.
    pub async fn complete(&self, parts: Vec<CompletedPart>) -> Result<Sent, UploadError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts));
        let request = self
            .requests
            .s3
            .complete_multipart_upload()
            .bucket(&self.requests.place.bucket)
            .key(&self.requests.place.key)
            .upload_id(&self.id)
            .set_if_none_match(self.requests.none_match())
            .multipart_upload(parts.build());
        match request.send().await {
            Ok(answer) => Ok(Sent::Version(self.requests.version(answer.version_id())?)),
            Err(error) => self.requests.not_sent(error),
        }
    }

    /// Gives it up. Where that does not work either, the bucket's lifecycle rule does it.
    pub async fn abort(&self) {
        let request = self
            .requests
            .s3
            .abort_multipart_upload()
            .bucket(&self.requests.place.bucket)
            .key(&self.requests.place.key)
            .upload_id(&self.id);
        if let Err(error) = request.send().await {
            let failure = Failure::of(self.requests.call("s3:AbortMultipartUpload"), error);
            tracing::warn!(%failure, "parts of an upload are left");
        }
    }
}

fn joined(
    done: Result<Result<CompletedPart, Failure>, JoinError>,
) -> Result<CompletedPart, Failure> {
    match done {
        Ok(sent) => sent,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
