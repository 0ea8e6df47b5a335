//! The documented file, the unit and the page say what the code does.

use std::{collections::BTreeSet, path::Path};

use chela_settings::{Complaint, DOCUMENTED, Environment, Error, Hint, Settings, check};

/// The file with its examples as if they were meant.
fn with_examples() -> String {
    let example = |line: &str| {
        let rest = line.strip_prefix('#')?;
        rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase())
            .then(|| rest.to_owned())
    };
    let lines = DOCUMENTED
        .lines()
        .map(|line| example(line).unwrap_or_else(|| line.to_owned()));
    lines.collect::<Vec<_>>().join("\n")
}

/// Both ways to name a token stand there; one of them counts.
fn all_examples_but(left_out: &str) -> String {
    let all = with_examples();
    let lines: Vec<&str> = all
        .lines()
        .filter(|line| !line.starts_with(left_out))
        .collect();
    lines.join("\n")
}

fn parse(text: &str) -> Result<Settings, Error> {
    Settings::parse(
        Some((Path::new("chela.toml"), text)),
        &Environment::default(),
    )
}

/// `[section]` and the names below it, as the file documents them.
fn documented() -> BTreeSet<(String, String)> {
    let mut section = String::new();
    let mut all = BTreeSet::new();
    for line in with_examples().lines() {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            assert!(
                all.insert((section.clone(), name.to_owned())),
                "{name} is documented once"
            );
        }
    }
    all
}

#[test]
fn the_built_in_file_lacks_the_two_addresses_only() {
    let Err(Error::Invalid(problems)) = Settings::parse(None, &Environment::default()) else {
        panic!("addresses have no default");
    };
    let missing: Vec<String> = problems
        .iter()
        .map(|problem| match &problem.complaint {
            Complaint::Missing { key, .. } => key.to_string(),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(missing, ["serve.url", "pagure.url"]);
}

#[test]
fn every_documented_setting_is_read() {
    for left_out in ["token_env", "token_file"] {
        let settings = parse(&all_examples_but(left_out)).unwrap();
        let project = settings.projects().next().unwrap();
        assert_eq!(project.jobs().count(), 1);
    }
}

/// An unknown setting is answered with all that may stand there: what is read.
#[test]
fn every_setting_that_is_read_is_documented() {
    let documented = documented();
    let sections: BTreeSet<&str> = documented
        .iter()
        .map(|(section, _)| section.as_str())
        .collect();
    assert!(sections.len() > 9, "{sections:?}");
    for section in sections {
        let lead = if section.starts_with("projects.") {
            format!(
                "{}\n[{section}]",
                all_examples_but("token_env").replace(&format!("[{section}]"), "#")
            )
        } else {
            format!("[{section}]")
        };
        let text = format!("{lead}\nqqqqqqqqqqqqqqqqqqqq = 1\n");
        let Err(Error::Invalid(problems)) = parse(&text) else {
            panic!("{section} takes what is no setting");
        };
        let choices = problems
            .iter()
            .find_map(|problem| match &problem.complaint {
                Complaint::Unknown {
                    hint: Hint::Choices(choices),
                    ..
                } => Some(choices.clone()),
                _ => None,
            });
        let read: BTreeSet<String> = choices
            .unwrap_or_else(|| panic!("{section}: {problems:?}"))
            .into_iter()
            .filter(|name| name != "jobs")
            .collect();
        let here = documented.iter().filter(|(at, _)| at == section);
        let named: BTreeSet<String> = here.map(|(_, name)| name.clone()).collect();
        assert_eq!(
            read, named,
            "what is read in [{section}], and what the file says of it"
        );
    }
}

#[test]
fn every_setting_and_section_is_explained() {
    let mut before = "";
    for line in DOCUMENTED.lines() {
        let setting = line.trim_start_matches('#');
        if setting.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) {
            assert!(before.starts_with("# "), "nothing explains {line}");
        }
        before = line;
    }
}

const PAGE: &str = include_str!("../../../docs/serve.md");
const UNIT: &str = include_str!("../../../packaging/chela.service");

fn blocks(language: &str) -> Vec<&'static str> {
    let opening = format!("```{language}\n");
    let after_opening = PAGE.split(opening.as_str()).skip(1);
    after_opening
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

#[test]
fn the_pages_settings_are_good_ones() {
    let text = blocks("toml").concat();
    let settings = parse(&text).unwrap();
    assert_eq!(settings.projects().count(), 2);
    assert_eq!(check(&settings), []);
}

#[test]
fn the_page_names_settings_that_there_are() {
    let settings = parse(&all_examples_but("token_env")).unwrap();
    assert_eq!(settings.serve.listen.port(), 8110);
    for address in [
        "127.0.0.1:8110/healthz",
        "proxy_pass http://127.0.0.1:8110;",
    ] {
        assert!(PAGE.contains(address), "the page and the default port");
    }
    let names = documented();
    for name in [
        "keep",
        "keep_builds",
        "parallel",
        "interrupted",
        "log_format",
    ] {
        assert!(PAGE.contains(&format!("`{name}")), "{name} is on the page");
        assert!(
            names.iter().any(|(_, one)| one == name),
            "{name} is a setting"
        );
    }
    for (section, name) in [
        ("serve", "drain"),
        ("log", "limit"),
        ("artifacts", "limit"),
        ("sandbox", "disk"),
        ("sandbox", "disk_left"),
        ("sandbox", "memory"),
    ] {
        assert!(
            PAGE.contains(&format!("`{section}.{name}`")),
            "{section}.{name} is on the page"
        );
        assert!(names.contains(&(section.to_owned(), name.to_owned())));
    }
}

#[test]
fn the_unit_waits_longer_than_the_default_drain() {
    let settings = parse(&all_examples_but("token_env")).unwrap();
    let line = UNIT
        .lines()
        .find_map(|line| line.strip_prefix("TimeoutStopSec="));
    let seconds: u64 = line.unwrap().parse().unwrap();
    assert!(seconds > 2 * settings.serve.drain.as_secs());
    assert!(UNIT.contains("\nStateDirectory=chela\n"));
    assert_eq!(settings.serve.data, Path::new("/var/lib/chela"));
}
