//! Takes connections: few resources each, a bounded number of them, and none for those who are slow
//! with their headers.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time,
};
use tower_service::Service as _;

/// Each costs some kilobytes. A live view is one.
const MAX_CONNECTIONS: usize = 1024;
/// For a request's line and headers.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// For a piece of an answer to be taken. Milliseconds.
const TAKE_TIME: u32 = 60_000;
/// When the system has no more file descriptors, or memory.
const SHORT_OF: Duration = Duration::from_millis(100);

/// Until `stopping` is true, and then until the connections have ended with the request that each
/// is in.
pub async fn serve(listener: TcpListener, router: Router, mut stopping: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place.expect("nobody closes it"), listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => break,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, router.clone(), stopping.clone(), place));
            }
            Err(error) => pause(&error).await,
        }
    }
    drop(listener);
    let all = u32::try_from(MAX_CONNECTIONS).expect("so many fit");
    let _ = places.acquire_many(all).await;
}

/// A connection that broke off before it was taken says nothing about the next one.
async fn pause(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        tracing::error!(%error, "cannot take a connection");
        time::sleep(SHORT_OF).await;
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    mut stopping: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    // One who takes nothing any more is given up; a failure leaves the system's own patience.
    let _ = set_tcp_user_timeout(&stream, TAKE_TIME);
    // An answer is written in one piece; waiting to fill a packet only delays it.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(router.clone(), request));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // What goes wrong with a connection is the other side's business.
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(mut router: Router, request: Request<Incoming>) -> Result<Response, Infallible> {
    router.call(request.map(Body::new)).await
}
