//! The program: serves and demonstrates; sends build requests and reports, checks recorded ones,
//! prints the schemas.

mod cli;
mod config;
mod demo;
mod input;
mod output;
mod report;
mod schema;
mod send;
mod serve;
mod texts;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    cli::{Cli, Command, ConfigCommand},
    output::{Exit, Output},
};

fn main() -> ExitCode {
    // Ends with exit code 2 by itself if the arguments are wrong, and with 0 after --help.
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    run(cli.command, &output).unwrap_or_else(|error| {
        output.error(&error);
        Exit::Usage.into()
    })
}

/// An error is a mistake in the call: what is refused or fails later has an [`Exit`] of its own.
fn run(command: Command, output: &Output) -> anyhow::Result<ExitCode> {
    let exit = match command {
        Command::Send(args) => output.show(&send::run(&args)?),
        Command::Report(args) => output.show(&report::run(&args, output)?),
        Command::Verify(args) => output.show(&verify::run(&args)?),
        Command::Schema(args) => output.show(&schema::run(args.message)),
        Command::Serve(args) => serve::run(&args)?,
        Command::Config(ConfigCommand::Check(args)) => output.show(&config::check(&args)?),
        Command::Config(ConfigCommand::Default) => output.show(&config::Documented),
        Command::Pages(args) => output.show(&config::pages(&args)?),
        Command::Demo(args) => demo::run(&args)?,
        Command::Confine { arguments } => return Ok(chela_runner::confine::main(arguments)?),
    };
    Ok(exit.into())
}
