//! `zip URL COMMIT FILE`: what `cargo xtask bench` measures beside git.
#![allow(clippy::print_stdout, reason = "it prints its result")]

use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};

use chela_contract::{Refname, Source};
use chela_outbound::Policy;
use chela_source::{Fetcher, Limits};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = env::args().skip(1);
    let mut next = || words.next().ok_or("usage: zip URL COMMIT FILE");
    let source = Source {
        clone_url: next()?.parse()?,
        refname: Refname::Branch("main".to_owned()),
        commit: Some(next()?.parse()?),
    };
    let target = PathBuf::from(next()?);
    let scratch = target.parent().unwrap_or(Path::new("."));
    let fetcher = Fetcher::new(Policy::unguarded(), Limits::default());
    let result = fetcher.zip(&source, scratch, |_| File::create_new(&target))?;
    println!("{} files, {} bytes", result.files, result.bytes);
    Ok(())
}
