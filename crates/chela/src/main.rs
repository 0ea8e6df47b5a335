//! The program: sends build requests and reports, checks recorded ones, prints the schemas.

mod cli;
mod input;
mod output;
mod report;
mod schema;
mod send;
mod texts;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    cli::{Cli, Command},
    output::{Exit, Output},
};

fn main() -> ExitCode {
    // Ends with exit code 2 by itself if the arguments are wrong, and with 0 after --help.
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    let exit = run(cli.command, &output).unwrap_or_else(|error| {
        output.error(&error);
        Exit::Usage
    });
    exit.into()
}

/// An error is a mistake in the call: what is refused or fails later has an [`Exit`] of its own.
fn run(command: Command, output: &Output) -> anyhow::Result<Exit> {
    Ok(match command {
        Command::Send(args) => output.show(&send::run(&args)?),
        Command::Report(args) => output.show(&report::run(&args, output)?),
        Command::Verify(args) => output.show(&verify::run(&args)?),
        Command::Schema(args) => output.show(&schema::run(args.message)),
    })
}
