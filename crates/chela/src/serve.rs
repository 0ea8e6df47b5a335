//! `chela serve`: the receiver, until it is told to end.

use anyhow::Context as _;
use chela_serve::{Server, logging};
use chela_settings::{Environment, Settings, check};
use tokio::runtime::{Builder, Runtime};

use crate::{cli::ConfigArgs, output::Exit};

/// Answering is light work; builds, fetches and reports have threads of their own.
const THREADS: usize = 2;

/// Starts, and stops when told.
pub fn run(args: &ConfigArgs) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let settings = Settings::load(args.config.as_deref(), &environment)?;
    logging::begin(&settings.serve);
    for warning in check(&settings) {
        tracing::warn!("{warning}");
    }
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let server = Server::start(settings, &environment, None).await?;
        chela_demo::interruption().await;
        tracing::info!("stopping");
        server.stop().await;
        Ok(Exit::Done)
    });
    // Dropped, it would wait for the builds that have outlasted their time to drain.
    runtime.shutdown_background();
    done
}

/// For everything that waits for the network.
pub fn runtime() -> anyhow::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(THREADS).enable_all().build();
    runtime.context("the system gives no threads")
}
