//! The rules of Landlock, and the arguments by which they reach [`crate::confine`].

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};

use super::{Folders, Kind, Network, Sandbox, system};
use crate::confine::Confinement;

/// Devices that programs expect.
const DEVICES: [&str; 6] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
];

pub(super) fn command(sandbox: &Sandbox, folders: &Folders, program: &[OsString]) -> Command {
    let confinement = Confinement {
        rules: (sandbox.kind == Kind::Landlock).then(|| Rules::of(sandbox, folders)),
        user: sandbox.user,
        program: program.to_vec(),
    };
    let mut command = Command::new(&sandbox.confine.program);
    command
        .args(&sandbox.confine.arguments)
        .args(confinement.arguments());
    command
        .env_clear()
        .env("PATH", crate::variables::PATH)
        .current_dir(&folders.source);
    command
}

/// What a confined process may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) readable: Vec<PathBuf>,
    pub(crate) writable: Vec<PathBuf>,
    pub(crate) network: Network,
}

impl Rules {
    fn of(sandbox: &Sandbox, folders: &Folders) -> Self {
        let system = system::PROGRAMS
            .iter()
            .chain(&system::ETC)
            .map(PathBuf::from);
        let accounts = [
            "/etc/passwd",
            "/etc/group",
            "/etc/hosts",
            "/etc/nsswitch.conf",
            "/proc",
        ];
        let mut readable: Vec<PathBuf> = system.chain(accounts.map(PathBuf::from)).collect();
        readable.extend(sandbox.readable.iter().cloned());
        readable.push(folders.control.clone());
        if sandbox.network == Network::On {
            readable.push(system::RESOLVER.into());
        }
        let mut writable: Vec<PathBuf> = folders.writable().map(Path::to_owned).to_vec();
        writable.extend(DEVICES.map(PathBuf::from));
        Self {
            readable,
            writable,
            network: sandbox.network,
        }
    }

    /// Puts this thread, and all that it starts, under the rules.
    pub(crate) fn restrict_this_thread(&self) -> Result<(), RulesetError> {
        let files = AccessFs::from_all(ABI::V1);
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(files)?;
        if self.network == Network::Off {
            ruleset = ruleset.handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?;
        }
        // What newer kernels can do besides, where they can.
        let newest = ABI::V10;
        ruleset = ruleset
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(newest))?
            .scope(Scope::from_all(newest))?;
        if self.network == Network::Off {
            ruleset = ruleset.handle_access(AccessNet::from_all(newest))?;
        }
        ruleset
            .create()?
            .add_rules(path_beneath_rules(
                &self.readable,
                AccessFs::from_read(newest),
            ))?
            .add_rules(path_beneath_rules(
                &self.writable,
                AccessFs::from_all(newest),
            ))?
            .restrict_self()?;
        Ok(())
    }
}
