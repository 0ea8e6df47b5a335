//! `chela demo`: everything in one process.

use std::{
    error::Error,
    fs, io,
    net::SocketAddr,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use chela_demo::{Afterwards, Demo, Ended, Look, Needs, Receiver};
use chela_serve::{NoWalls, Server, StartError};
use chela_settings::{Environment, Settings};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpListener;

use crate::{cli::DemoArgs, output::Exit, serve};

const NO_SANDBOX: &str = "No sandbox works on this machine, so the demonstration's own, harmless \
                          builds run without one. For other people's code install bubblewrap.";

/// Shows it.
pub fn run(args: &DemoArgs) -> anyhow::Result<Exit> {
    let afterwards = if args.keep {
        Afterwards::Stay
    } else {
        Afterwards::End
    };
    let demo = Demo {
        afterwards,
        ..Demo::new(Look::of_stdout())
    };
    let mut out = io::stdout();
    let stop = chela_demo::interruption();
    let runtime = serve::runtime()?;
    let ended = runtime.block_on(demo.run(receiver, stop, &mut out));
    // Dropped, it would wait for what could not be stopped.
    runtime.shutdown_background();
    Ok(match ended? {
        Ended::AsExpected => Exit::Done,
        Ended::Otherwise | Ended::Interrupted => Exit::Refused,
    })
}

type Anything = Box<dyn Error + Send + Sync>;

/// `chela serve`, with settings for the demonstration's forge alone.
async fn receiver(needs: Needs) -> Result<Receiver, Anything> {
    // As root the builds have a user of their own, who must be able to pass.
    fs::set_permissions(&needs.directory, fs::Permissions::from_mode(0o711))?;
    let token = needs.directory.join("token");
    keep(&token, &needs.token)?;
    let started = start(&needs, &token, "auto").await;
    let (server, notices) = match started {
        Err(StartError::Walls(NoWalls::Missing(_))) => (
            start(&needs, &token, "none").await?,
            vec![NO_SANDBOX.to_owned()],
        ),
        other => (other?, Vec::new()),
    };
    let ci_url = format!("http://{}/", server.address()).parse()?;
    Ok(Receiver {
        ci_url,
        notices,
        stop: Box::pin(server.stop()),
    })
}

async fn start(needs: &Needs, token: &Path, walls: &str) -> Result<Server, StartError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let text = settings(needs, token, walls, listener.local_addr()?);
    let environment = Environment::default();
    let file = Path::new("the demonstration's settings");
    let settings = Settings::parse(Some((file, &text)), &environment);
    let settings = settings.expect("they are written here");
    Server::start_on(listener, settings, &environment, None).await
}

fn settings(needs: &Needs, token: &Path, walls: &str, address: SocketAddr) -> String {
    let Needs {
        forge,
        project,
        job,
        directory,
        ..
    } = needs;
    let (project, job) = (project.fullname(), job.parts().1);
    let (data, token) = (directory.join("data"), token.display());
    let data = data.display();
    format!(
        "[serve]\nurl = \"http://{address}\"\ndata = \"{data}\"\ndrain = \"0s\"\n\
         [pagure]\nurl = \"{forge}\"\n\
         [sandbox]\nkind = \"{walls}\"\n\
         [projects.\"{project}\"]\ntoken_file = \"{token}\"\n\
         [projects.\"{project}\".jobs.{job}]\n"
    )
}

fn keep(path: &Path, token: &SecretString) -> io::Result<()> {
    use io::Write as _;
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(token.expose_secret().as_bytes())
}
