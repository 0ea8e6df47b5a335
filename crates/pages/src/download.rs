//! Files as they are: the whole log, an artifact.

use std::{fs::File, io, io::SeekFrom};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{TryStreamExt, future, stream};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::range::{Wanted, wanted};

/// What is read at a time, and so what a download takes of memory.
const PIECE: usize = 64 * 1024;

/// How a browser takes a file.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Shows it as text.
    Text,
    /// Saves it, whatever it is.
    Unknown,
}

/// The file, or the part of it that the request wants. What is appended meanwhile is left out.
pub(crate) fn answer(
    request: &HeaderMap,
    file: Option<(File, u64)>,
    kind: Kind,
    name: &str,
) -> Response {
    let size = file.as_ref().map_or(0, |(_, size)| *size);
    let (status, start, end) = match range(request, size) {
        Wanted::All => (StatusCode::OK, 0, size),
        Wanted::Part(start, end) => (StatusCode::PARTIAL_CONTENT, start, end),
        Wanted::Nothing => return beyond(size),
    };
    let body = match file {
        Some((file, _)) => part_of(file, start, end),
        None => Body::empty(),
    };
    let mut response = (status, headers(kind, name), body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {start}-{}/{size}", end - 1);
        headers.insert(header::CONTENT_RANGE, ascii(range));
    }
    response
}

fn range(request: &HeaderMap, size: u64) -> Wanted {
    // There is no validator that an If-Range could name, so that it never holds.
    if request.contains_key(header::IF_RANGE) {
        return Wanted::All;
    }
    let range = request.get(header::RANGE);
    let range = range.and_then(|value| value.to_str().ok());
    range.map_or(Wanted::All, |range| wanted(range, size))
}

fn beyond(size: u64) -> Response {
    let range = ascii(format!("bytes */{size}"));
    let headers = [(header::CONTENT_RANGE, range)];
    (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response()
}

fn headers(kind: Kind, name: &str) -> HeaderMap {
    let (kind, how) = match kind {
        Kind::Text => ("text/plain; charset=utf-8", "inline"),
        Kind::Unknown => ("application/octet-stream", "attachment"),
    };
    // Both spellings of RFC 6266; the first for what does not know the second.
    let simple: String = name.chars().map(simple).collect();
    let exact = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let how = format!("{how}; filename=\"{simple}\"; filename*=UTF-8''{exact}");
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::CONTENT_DISPOSITION, ascii(how)),
    ])
}

fn simple(c: char) -> char {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => c,
        _ => '_',
    }
}

fn ascii(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("printable ASCII makes a header")
}

/// Reads on as the reader takes it.
fn part_of(file: File, start: u64, end: u64) -> Body {
    let begin = Reading {
        file: tokio::fs::File::from_std(file),
        at: start,
        end,
    };
    let pieces = stream::once(begin.seek())
        .and_then(|reading| future::ok(stream::try_unfold(reading, Reading::next)));
    Body::from_stream(pieces.try_flatten())
}

struct Reading {
    file: tokio::fs::File,
    at: u64,
    end: u64,
}

impl Reading {
    async fn seek(mut self) -> io::Result<Self> {
        self.file.seek(SeekFrom::Start(self.at)).await?;
        Ok(self)
    }

    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let left = usize::try_from(self.end - self.at).unwrap_or(PIECE);
        if left == 0 {
            return Ok(None);
        }
        let mut piece = vec![0; left.min(PIECE)];
        let length = self.file.read(&mut piece).await?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        piece.truncate(length);
        self.at += length as u64;
        Ok(Some((Bytes::from(piece), self)))
    }
}
