//! Which names may become files, judged before anything is made of them.

use std::collections::HashMap;

use gix_object::tree::EntryKind;
use gix_validate::path::component::{self, Error, Mode};

/// The longest name that Linux takes (`NAME_MAX`).
const MAX_NAME: usize = 255;

/// What becomes of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// It is written.
    Good,
    /// Left out: a control character, which git allows.
    Odd,
    /// Left out: an earlier name differs only by case, and one of the two is no ordinary file.
    Collides,
    /// The whole commit is refused, for this reason.
    Bad(&'static str),
}

/// The names of one directory.
#[derive(Debug, Default)]
pub struct Names {
    /// By what a file system without case would make of them.
    seen: HashMap<Vec<u8>, Vec<(Vec<u8>, EntryKind)>>,
}

impl Names {
    /// Judges the next name.
    ///
    /// Two files `README` and `readme` are ordinary where builds run. A link or a directory beside
    /// another spelling of its name is how a file system without case is tricked into writing
    /// through a link.
    pub fn judge(&mut self, name: &[u8], kind: EntryKind) -> Name {
        let judged = alone(name, (kind == EntryKind::Link).then_some(Mode::Symlink));
        if judged != Name::Good {
            return judged;
        }
        let earlier = self.seen.entry(fold(name)).or_default();
        if earlier.iter().any(|(earlier, _)| earlier == name) {
            return Name::Bad("its name stands there twice");
        }
        let is_file = |kind| matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable);
        let collides = earlier
            .iter()
            .any(|&(_, earlier)| !is_file(earlier) || !is_file(kind));
        earlier.push((name.to_vec(), kind));
        if collides { Name::Collides } else { Name::Good }
    }
}

/// Windows' own rules are not asked for: `aux.c` and `a:b` are ordinary names where builds run.
fn alone(name: &[u8], mode: Option<Mode>) -> Name {
    const RULES: component::Options = component::Options {
        protect_windows: false,
        protect_hfs: true,
        protect_ntfs: true,
    };
    let check = gix_validate::path::component;
    match check(name.into(), mode, RULES) {
        Ok(_) => {}
        Err(Error::Empty) => return Name::Bad("its name is empty"),
        Err(Error::Relative) => return Name::Bad("its name is `.` or `..`"),
        Err(Error::PathSeparator) => return Name::Bad("its name holds a slash"),
        Err(Error::SymlinkedGitModules) => {
            return Name::Bad(".gitmodules must not be a symbolic link");
        }
        Err(_) => return Name::Bad("its name is `.git`, or means that to some file system"),
    }
    // Windows reads a backslash as a slash: nothing behind one may say `.git` or `..` either.
    let dangerous = name
        .split(|&b| b == b'\\')
        .map(|part| check(part.into(), None, RULES))
        .any(|checked| matches!(checked, Err(Error::DotGitDir | Error::Relative)));
    if dangerous {
        return Name::Bad("its name hides `.git` or `..` behind a backslash");
    }
    if name.len() > MAX_NAME {
        return Name::Bad("its name is longer than 255 bytes");
    }
    if name.iter().any(u8::is_ascii_control) {
        return Name::Odd;
    }
    Name::Good
}

fn fold(name: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(name) {
        Ok(text) => text.to_lowercase().into_bytes(),
        Err(_) => name.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(b".git")]
    #[case(b".GIT")]
    #[case(b".gIt")]
    #[case(b"git~1")]
    #[case(b"GIT~1")]
    #[case(b".git ")]
    #[case(b".git.")]
    #[case(b".git. . .")]
    #[case(b".git::$INDEX_ALLOCATION")]
    #[case(b".git:stream")]
    #[case(b".g\xe2\x80\x8cit")]
    #[case(b"\xef\xbb\xbf.git")]
    #[case(b".git\\config")]
    #[case(b"a\\.git")]
    #[case(b"..\\up")]
    #[case(b".")]
    #[case(b"..")]
    #[case(b"")]
    #[case(b"/etc")]
    #[case(b"a/b")]
    fn a_name_that_git_refuses_is_refused(#[case] name: &[u8]) {
        assert!(matches!(alone(name, None), Name::Bad(_)), "{name:?}");
    }

    #[rstest]
    #[case(b"a\nb")]
    #[case(b"\x1b[2J")]
    #[case(b"a\x7f")]
    fn an_odd_name_is_left_out(#[case] name: &[u8]) {
        assert_eq!(alone(name, None), Name::Odd);
    }

    #[rstest]
    #[case(b".gitignore")]
    #[case(b".github")]
    #[case(b"git")]
    #[case(b"...")]
    #[case(b"-rf")]
    #[case(b"aux.c")]
    #[case(b"a b")]
    #[case(b"a\\x2db")]
    #[case(b"\xff\xfe")]
    #[case("Überschuß.txt".as_bytes())]
    fn an_ordinary_name_is_written(#[case] name: &[u8]) {
        assert_eq!(alone(name, None), Name::Good);
    }

    #[test]
    fn a_name_is_as_long_as_linux_takes_it() {
        assert_eq!(alone(&[b'n'; 255], None), Name::Good);
        assert!(matches!(alone(&[b'n'; 256], None), Name::Bad(_)));
    }

    #[rstest]
    #[case(EntryKind::Blob, EntryKind::BlobExecutable, Name::Good)]
    #[case(EntryKind::Blob, EntryKind::Link, Name::Collides)]
    #[case(EntryKind::Link, EntryKind::Blob, Name::Collides)]
    #[case(EntryKind::Link, EntryKind::Tree, Name::Collides)]
    #[case(EntryKind::Tree, EntryKind::Tree, Name::Collides)]
    #[case(EntryKind::Commit, EntryKind::Blob, Name::Collides)]
    fn of_names_that_differ_by_case_only_files_stand_beside_each_other(
        #[case] first: EntryKind,
        #[case] second: EntryKind,
        #[case] expected: Name,
    ) {
        let mut names = Names::default();
        assert_eq!(names.judge("Äpfel".as_bytes(), first), Name::Good);
        assert_eq!(names.judge("äpfel".as_bytes(), second), expected);
    }

    #[test]
    fn a_name_that_stands_there_twice_is_refused_also_if_it_was_left_out() {
        let mut names = Names::default();
        assert_eq!(names.judge(b"\xffA", EntryKind::Blob), Name::Good);
        assert_eq!(names.judge(b"\xfea", EntryKind::Blob), Name::Good);
        assert_eq!(names.judge(b"\xffa", EntryKind::Tree), Name::Collides);
        for name in [b"\xffa", b"\xfea"] {
            let judged = names.judge(name, EntryKind::Blob);
            assert!(matches!(judged, Name::Bad(_)), "{name:?}: {judged:?}");
        }
    }
}
