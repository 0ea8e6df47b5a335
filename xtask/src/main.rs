//! The project's own chores: `cargo xtask help` lists them.

mod bench;
mod checks;
mod fuzz;
mod glibc;
mod lambda;
mod packages;
mod pagure;
mod program;
mod python;
mod shell;
mod tools;
mod wheel;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own chores")]
struct Chores {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Formatting, lints, types and unit tests: what to run while working
    Check,
    /// Everything: the checks, then the end-to-end tests against a real Pagure
    Test {
        #[command(flatten)]
        build: wheel::Build,
    },
    /// The end-to-end tests alone
    ///
    /// For example: cargo xtask e2e aws -- -k rebuild -x
    E2e {
        /// Which of them; all without it
        suite: Option<checks::Suite>,
        #[command(flatten)]
        build: wheel::Build,
        /// Passed on to pytest
        #[arg(last = true)]
        pytest: Vec<String>,
    },
    /// Print ratios against peers, measured in one run
    Bench {
        /// Which of them; all without it
        part: Option<bench::Part>,
        #[command(flatten)]
        build: wheel::Build,
    },
    /// Run every fuzz target for a while
    Fuzz {
        /// Seconds for each
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Build the plugin's wheel into target/wheels
    Wheel {
        #[command(flatten)]
        build: wheel::Build,
    },
    /// Pack the two functions for AWS Lambda into target/functions
    Lambda,
    /// A real Pagure in target/pagure, with the plugin installed
    #[command(subcommand)]
    Pagure(pagure::Pagure),
}

#[expect(
    clippy::print_stderr,
    reason = "a chore speaks to the person who started it"
)]
fn main() -> ExitCode {
    match run(Chores::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Without a backtrace: it is the command that failed, not this program.
            let causes: Vec<_> = problem.chain().map(ToString::to_string).collect();
            eprintln!("error: {}", causes.join(": "));
            ExitCode::FAILURE
        }
    }
}

#[expect(
    clippy::print_stdout,
    reason = "where the zips are is what the chore is asked for"
)]
fn run(chore: Chore) -> anyhow::Result<()> {
    match chore {
        Chore::Check => checks::check(),
        Chore::Test { build } => checks::test(&build),
        Chore::E2e {
            suite,
            build,
            pytest,
        } => checks::end_to_end(suite, &build, &pytest),
        Chore::Bench { part, build } => bench::bench(part, &build),
        Chore::Fuzz { seconds } => fuzz::fuzz(seconds),
        Chore::Wheel { build } => wheel::wheel(&build).map(drop),
        Chore::Lambda => lambda::lambda().map(|folder| println!("{}", folder.display())),
        Chore::Pagure(what) => pagure::run(&what),
    }
}
