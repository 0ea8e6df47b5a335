//! A build as it goes on: server-sent events (HTML, section 9.2).
//!
//! `log` holds whole lines, and its id says where to go on after them; `unfinished` the line that
//! has not ended; `parts` what else of the page has changed; `end` says that nothing more comes.

use std::{
    io::{self, SeekFrom},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
};
use futures_util::{StreamExt, stream};
use tokio::{
    io::{AsyncReadExt, AsyncSeekExt},
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{LogFile, LogFilter, Mark, PageKey, Shelf, file, html, router::now, viewers::Place};

/// What is read of a log for one event. Of a reader who takes nothing, hyper keeps 16 events.
const PIECE: usize = 4 * 1024;
/// Changes that come faster are shown together.
const PACE: Duration = Duration::from_millis(100);
/// A proxy may cut a connection on which nothing comes, after a minute or so.
const SILENCE: Duration = Duration::from_secs(15);

/// One live view.
pub(crate) struct Live<S> {
    pub shelf: Arc<S>,
    pub key: PageKey,
    pub log: LogFile,
    pub from: Mark,
    pub place: Place,
    pub patience: Duration,
}

/// Why a view ends before its build.
#[derive(Debug)]
struct Over;

/// The stream of events. Whoever reads slowly holds up their own view and nothing else.
pub(crate) fn answer<S: Shelf>(live: Live<S>) -> impl IntoResponse {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(1);
    tokio::spawn(run(live, sender));
    let events = stream::poll_fn(move |context| receiver.poll_recv(context));
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        ),
        // nginx would collect events until they fill a page.
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    (headers, Body::from_stream(events.map(Ok::<_, io::Error>)))
}

async fn run<S: Shelf>(live: Live<S>, sender: mpsc::Sender<Bytes>) {
    let Live {
        shelf,
        key,
        log,
        from,
        place,
        patience,
    } = live;
    let mut view = View {
        shelf,
        key,
        reader: Reader::new(log.path.clone(), from),
        sender: Sender { sender, patience },
        shown: None,
    };
    // Either way the browser hears of it: by an event, or by the connection's end.
    let _over = view.follow(log).await;
    drop(place);
}

struct View<S> {
    shelf: Arc<S>,
    key: PageKey,
    reader: Reader,
    sender: Sender,
    /// The number of changes that the page shows.
    shown: Option<u64>,
}

impl<S: Shelf> View<S> {
    async fn follow(&mut self, mut log: LogFile) -> Result<(), Over> {
        loop {
            // Before the log is read: what it says has ended is whole.
            let progress = *log.progress.borrow_and_update();
            self.send_log().await?;
            if progress.ended {
                self.send_rest().await?;
            }
            if progress.ended || self.shown != Some(progress.changes) {
                self.send_parts().await?;
                self.shown = Some(progress.changes);
            }
            if progress.ended {
                return self.sender.event("end", None, "").await;
            }
            self.wait(&mut log).await?;
        }
    }

    async fn send_log(&mut self) -> Result<(), Over> {
        while let Some(lines) = self.reader.next().await? {
            if !lines.is_empty() {
                let html = html::lines(&lines).into_string();
                let mark = self.reader.filter.mark();
                self.sender.event("log", Some(mark), &html).await?;
            }
        }
        let rest = html::unfinished(self.reader.filter.unfinished()).into_string();
        if rest != self.reader.unfinished {
            self.sender.event("unfinished", None, &rest).await?;
            self.reader.unfinished = rest;
        }
        Ok(())
    }

    /// The last line, which has no line feed.
    async fn send_rest(&mut self) -> Result<(), Over> {
        let rest = self.reader.filter.clone().finish();
        let rest = html::unfinished(rest.as_ref()).into_string();
        self.sender.event("unfinished", None, &rest).await
    }

    async fn send_parts(&mut self) -> Result<(), Over> {
        let view = self.shelf.build(&self.key).await.map_err(|_| Over)?;
        let view = view.ok_or(Over)?;
        let parts = html::changing_parts(&self.key, &view, now()).into_string();
        self.sender.event("parts", None, &parts).await
    }

    /// Until there is something new, or the reader or the sender of news is gone.
    async fn wait(&mut self, log: &mut LogFile) -> Result<(), Over> {
        sleep(PACE).await;
        loop {
            let news = tokio::select! {
                news = timeout(SILENCE, log.progress.changed()) => news,
                () = self.sender.sender.closed() => return Err(Over),
            };
            match news {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(_)) => return Err(Over),
                Err(_) => self.sender.send(":\n\n".to_owned()).await?,
            }
        }
    }
}

/// Reads what is appended to a log.
struct Reader {
    path: PathBuf,
    file: Option<tokio::fs::File>,
    filter: LogFilter,
    /// What was last sent of the line that has not ended.
    unfinished: String,
}

impl Reader {
    fn new(path: PathBuf, from: Mark) -> Self {
        Self {
            path,
            file: None,
            filter: LogFilter::at(from),
            unfinished: String::new(),
        }
    }

    /// The lines that end in the next piece, or `None` at the end of what there is.
    async fn next(&mut self) -> Result<Option<Vec<crate::Line>>, Over> {
        let mut piece = vec![0; PIECE];
        let Some(file) = self.open().await? else {
            return Ok(None);
        };
        let length = file.read(&mut piece).await.map_err(|error| {
            tracing::error!(%error, "a log cannot be read on");
            Over
        })?;
        let mut lines = Vec::new();
        self.filter.push(&piece[..length], |line| lines.push(line));
        Ok((length > 0).then_some(lines))
    }

    async fn open(&mut self) -> Result<Option<&mut tokio::fs::File>, Over> {
        if self.file.is_none() {
            let opened = file::open(self.path.clone()).await.map_err(|_| Over)?;
            if let Some((file, size)) = opened {
                // A log does not shrink: such a place is none of this log's.
                if self.filter.mark().offset > size {
                    self.filter = LogFilter::default();
                }
                let mut file = tokio::fs::File::from_std(file);
                let from = SeekFrom::Start(self.filter.mark().offset);
                file.seek(from).await.map_err(|_| Over)?;
                self.file = Some(file);
            }
        }
        Ok(self.file.as_mut())
    }
}

struct Sender {
    sender: mpsc::Sender<Bytes>,
    patience: Duration,
}

impl Sender {
    /// One event. `html` has no line feed: it is of our own making.
    async fn event(&self, name: &str, id: Option<Mark>, html: &str) -> Result<(), Over> {
        let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
        self.send(format!("{id}event: {name}\ndata: {html}\n\n"))
            .await
    }

    async fn send(&self, text: String) -> Result<(), Over> {
        let sent = timeout(self.patience, self.sender.send(Bytes::from(text))).await;
        sent.map_err(|_| Over)?.map_err(|_| Over)
    }
}
