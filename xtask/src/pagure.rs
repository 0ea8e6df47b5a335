//! `cargo xtask pagure`: the test bed, for people.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};

use crate::{program, python, shell, wheel};

/// What to do with a Pagure.
#[derive(Subcommand)]
pub enum Pagure {
    /// Set it up from nothing and start it, with `chela serve` and pull requests that get flags
    Up(Up),
    /// Stop it; its data and logs stay until the next start
    Down(Which),
    /// Say which of its processes run
    Status(Which),
}

/// Which Pagure, and how.
#[derive(Args)]
pub struct Up {
    #[command(flatten)]
    which: Which,
    /// The database it runs on
    #[arg(long, value_enum, default_value_t = Database::Postgresql)]
    db: Database,
    #[command(flatten)]
    build: wheel::Build,
}

/// Which Pagure: several can run side by side.
#[derive(Args)]
pub struct Which {
    /// Its name
    #[arg(long, default_value = "main")]
    name: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Database {
    Sqlite,
    Postgresql,
    Mariadb,
}

impl Database {
    fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgresql => "postgresql",
            Self::Mariadb => "mariadb",
        }
    }
}

/// Hand it to the test bed.
pub fn run(what: &Pagure) -> Result<()> {
    python::prepare()?;
    match what {
        Pagure::Up(up) => {
            let wheel = wheel::wheel(&up.build)?;
            shell::run(start(up, &wheel).env("CHELA_PROGRAM", program::program()?))
        }
        Pagure::Down(which) => shell::run(&mut bed("down", which)),
        Pagure::Status(which) => shell::run(&mut bed("status", which)),
    }
}

fn start(up: &Up, wheel: &Path) -> Command {
    let mut command = bed("up", &up.which);
    command
        .args(["--db", up.db.name()])
        .arg("--wheel")
        .arg(wheel);
    command
}

fn bed(action: &str, which: &Which) -> Command {
    let mut command = python::tool("python", "tests/bed");
    command.args(["-m", "chela_bed", action, "--name", &which.name]);
    command
}
