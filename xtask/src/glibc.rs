//! Which C library a program asks for.

use std::fmt;

use anyhow::{Context as _, Result, bail};
use object::LittleEndian;
use object::elf::{FileHeader64, VER_FLG_WEAK};
use object::read::elf::FileHeader as _;

/// A release of the GNU C library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glibc(pub u32, pub u32);

impl fmt::Display for Glibc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.0, self.1)
    }
}

/// The oldest glibc that a program runs with; `None` if it asks for no glibc.
///
/// `program` is an ELF file of 64 bits, little endian, as x86-64 and arm64 have it. Linux Standard
/// Base, "Symbol Versioning": a version that only weak symbols need may be absent.
pub fn oldest(program: &[u8]) -> Result<Option<Glibc>> {
    let header = FileHeader64::<LittleEndian>::parse(program)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, program)?;
    let Some((mut needed, strings)) = sections.gnu_verneed(endian, program)? else {
        return Ok(None);
    };
    let strings = sections.strings(endian, program, strings)?;
    let mut found = None;
    while let Some((_, mut versions)) = needed.next()? {
        while let Some(version) = versions.next()? {
            if version.vna_flags.get(endian).contains(VER_FLG_WEAK) {
                continue;
            }
            let name = version.name(endian, strings)?;
            found = found.max(version_of(&String::from_utf8_lossy(name))?);
        }
    }
    Ok(found)
}

/// Refuse a program that a machine with this glibc would not start.
pub fn check(name: &str, program: &[u8], has: Glibc) -> Result<()> {
    let needs = oldest(program).with_context(|| format!("{name} cannot be read as a program"))?;
    match needs {
        Some(needs) if needs > has => bail!(
            "{name} asks for glibc {needs}, because it was built here, and AWS Lambda has {has}. Build \
             it on Amazon Linux 2023, Debian 12 or Ubuntu 22.04; docs/aws.md, \"The zips\", says more"
        ),
        _ => Ok(()),
    }
}

/// `GLIBC_2.34`, or `GLIBC_2.2.5`; what is no glibc's asks for none.
fn version_of(version: &str) -> Result<Option<Glibc>> {
    // Relocations in little space, which some linkers make by default; new in that release.
    if version == "GLIBC_ABI_DT_RELR" {
        return Ok(Some(Glibc(2, 36)));
    }
    let Some(numbers) = version.strip_prefix("GLIBC_") else {
        return Ok(None);
    };
    let mut numbers = numbers.split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok(Some(Glibc(major, minor))),
        _ => bail!("{version} is no version of glibc that this knows"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn this() -> Vec<u8> {
        std::fs::read(std::env::current_exe().unwrap()).unwrap()
    }

    #[test]
    fn what_runs_here_asks_for_no_later_one_than_is_here() {
        let needs = oldest(&this()).unwrap().unwrap();
        assert!(
            needs >= Glibc(2, 17),
            "the oldest that Rust supports: {needs}"
        );
        check("this", &this(), needs).unwrap();
        check("this", &this(), Glibc(3, 0)).unwrap();
    }

    #[test]
    fn what_would_not_start_there_is_refused_with_the_way_out() {
        let needs = oldest(&this()).unwrap().unwrap();
        let said = check("trigger", &this(), Glibc(2, 2))
            .unwrap_err()
            .to_string();
        assert!(
            said.starts_with(&format!("trigger asks for glibc {needs}")),
            "{said}"
        );
        assert!(said.contains("has 2.2. Build it on"), "{said}");
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let said = check("trigger", b"#!/bin/sh\n", Glibc(3, 0))
            .unwrap_err()
            .to_string();
        assert_eq!(said, "trigger cannot be read as a program");
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version_of("GLIBC_2.2.5").unwrap(), Some(Glibc(2, 2)));
        assert!(version_of("GLIBC_2.4").unwrap() < version_of("GLIBC_2.34").unwrap());
        assert_eq!(version_of("GCC_3.0").unwrap(), None);
        assert_eq!(version_of("GLIBC_ABI_DT_RELR").unwrap(), Some(Glibc(2, 36)));
        assert!(version_of("GLIBC_PRIVATE").is_err());
    }
}
