//! Which sandbox a build gets, out of what works on this machine.

use std::{io, path::PathBuf};

use chela_receiver::Origin;
use chela_runner::{Confine, Kind, Missing, Network, Sandbox, User, detect};
use chela_settings::{Job, Kind as Wish, Network as Reach, Sandbox as Settings, User as Who};

use crate::texts;

/// What every build gets, but for its network.
pub struct Walls {
    sandbox: Sandbox,
}

/// Why no build can be walled in as the settings want it.
#[derive(Debug, thiserror::Error)]
pub enum NoWalls {
    /// The machine cannot.
    #[error("sandbox.kind: {0}; or write \"none\" if every build here is trusted")]
    Missing(#[from] Missing),
    /// There is no such user.
    #[error("sandbox.user: there is no user {0:?} on this machine")]
    NoUser(String),
    /// The program cannot find itself, or the system's users.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Walls {
    /// Tries what the settings want.
    pub fn build(settings: &Settings, confine: Option<Confine>) -> Result<Self, NoWalls> {
        let mut sandbox = Sandbox::new(Kind::None)?;
        if let Some(confine) = confine {
            sandbox.confine = confine;
        }
        sandbox.readable.clone_from(&settings.read_only);
        if sandbox.user.is_some()
            && let Some(user) = &settings.user
        {
            sandbox.user = Some(look_up(user)?);
        }
        sandbox.kind = kind(settings.kind, &sandbox)?;
        Ok(Self { sandbox })
    }

    /// What the walls are made of.
    pub fn kind(&self) -> Kind {
        self.sandbox.kind
    }

    /// The walls around one build.
    pub fn around(&self, origin: Origin, job: &Job) -> Result<Sandbox, &'static str> {
        let reach = match origin {
            Origin::Committer => job.network,
            Origin::Stranger if self.sandbox.kind == Kind::Bubblewrap => job.strangers_network,
            Origin::Stranger => return Err(texts::NO_WALLS_FOR_STRANGERS),
        };
        let network = match reach {
            Reach::On => Network::On,
            Reach::Off => Network::Off,
        };
        Ok(Sandbox {
            network,
            ..self.sandbox.clone()
        })
    }
}

fn kind(wish: Wish, sandbox: &Sandbox) -> Result<Kind, NoWalls> {
    if wish == Wish::None {
        return Ok(Kind::None);
    }
    let found = detect(sandbox);
    match wish {
        Wish::Landlock => Ok(found.landlock.map(|()| Kind::Landlock)?),
        Wish::Auto if found.bubblewrap.is_err() && found.landlock.is_ok() => Ok(Kind::Landlock),
        Wish::Auto | Wish::Bubblewrap | Wish::None => {
            Ok(found.bubblewrap.map(|()| Kind::Bubblewrap)?)
        }
    }
}

fn look_up(user: &Who) -> Result<User, NoWalls> {
    let users = std::fs::read_to_string(PathBuf::from("/etc/passwd"))?;
    let found = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, uid, gid) = (
            fields.next()?,
            fields.next()?,
            fields.next()?,
            fields.next()?,
        );
        let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
        let is_it = match user {
            Who::Name(wanted) => name == wanted,
            Who::Id(wanted) => uid == *wanted,
        };
        is_it.then_some(User { uid, gid })
    });
    match (found, user) {
        (Some(user), _) => Ok(user),
        (None, Who::Id(id)) => Ok(User { uid: *id, gid: *id }),
        (None, Who::Name(name)) => Err(NoWalls::NoUser(name.clone())),
    }
}
