//! What the demonstration needs of a forge, on loopback: a repository over smart HTTP, and the
//! route that takes reports.

mod flags;
mod git;
mod pack;
mod packet;
mod pages;
mod repository;
mod route;
mod sample;
mod upload_pack;

use std::{io, net::Ipv4Addr, sync::Arc};

use axum::Router;
use chela_contract::{Job, webhook};
use chela_pagure::ProjectName;
use tokio::{
    net::TcpListener,
    sync::mpsc::{self, UnboundedReceiver},
    task::JoinHandle,
};
use url::Url;

pub use flags::{Flag, Flags};
pub use sample::PullRequest;

/// A forge that runs; it ends when it is dropped.
pub struct Forge {
    /// Its address.
    pub url: Url,
    /// Its project.
    pub project: ProjectName,
    /// The pull requests that are open there.
    pub pull_requests: [PullRequest; 2],
    /// The project's flags.
    pub flags: Arc<Flags>,
    server: JoinHandle<()>,
}

impl Forge {
    /// Starts it on a free port of 127.0.0.1; each change of a flag comes out of the channel.
    pub async fn start(
        project: ProjectName,
        job: Job,
        key: webhook::Key,
    ) -> io::Result<(Self, UnboundedReceiver<Flag>)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let url = Url::parse(&url).map_err(io::Error::other)?;
        let (sender, changes) = mpsc::unbounded_channel();
        let flags = Arc::new(Flags::new(job, sender));
        let (repository, pull_requests) = sample::make();
        let repository = Arc::new(repository);
        let known = route::Known {
            project: project.clone(),
            key,
            repository: Arc::clone(&repository),
            pull_requests: pull_requests.iter().map(|pr| pr.id).collect(),
            flags: Arc::clone(&flags),
        };
        let routes = Router::new()
            .merge(git::routes(&project, repository))
            .merge(pages::routes(&project, &pull_requests, Arc::clone(&flags)))
            .merge(route::routes(Arc::new(known)));
        let server = tokio::spawn(async move {
            // It ends with the process or when it is dropped, and never with an error.
            let _ = axum::serve(listener, routes).await;
        });
        let forge = Self {
            url,
            project,
            pull_requests,
            flags,
            server,
        };
        Ok((forge, changes))
    }

    /// Ready when nothing listens any more.
    pub async fn stop(mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }
}

impl Drop for Forge {
    fn drop(&mut self) {
        self.server.abort();
    }
}
