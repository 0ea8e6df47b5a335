//! Which names may become files, judged before anything is made of them.

use std::collections::HashMap;

use gix_validate::path::component::{self, Error};

/// What becomes of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// It is written.
    Good,
    /// Left out: a backslash or a control character, which git allows.
    Odd,
    /// Left out: an earlier name differs only by case.
    Collides,
    /// The whole commit is refused, for this reason.
    Bad(&'static str),
}

/// The names of one directory.
#[derive(Debug, Default)]
pub struct Names {
    /// By what a file system without case would make of them.
    seen: HashMap<Vec<u8>, Vec<u8>>,
}

impl Names {
    /// Judges the next name.
    pub fn judge(&mut self, name: &[u8], mode: Option<component::Mode>) -> Name {
        let judged = alone(name, mode);
        if judged != Name::Good {
            return judged;
        }
        let folded = fold(name);
        match self.seen.get(&folded) {
            Some(earlier) if earlier == name => Name::Bad("its name stands there twice"),
            Some(_) => Name::Collides,
            None => {
                self.seen.insert(folded, name.to_vec());
                Name::Good
            }
        }
    }
}

/// Windows' own rules are not asked for: `aux.c` and `a:b` are ordinary names where builds run.
fn alone(name: &[u8], mode: Option<component::Mode>) -> Name {
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
    if name.iter().any(|&b| b == b'\\' || b.is_ascii_control()) {
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
    #[case(b"a\\b")]
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
    #[case(b"\xff\xfe")]
    #[case("Überschuß.txt".as_bytes())]
    fn an_ordinary_name_is_written(#[case] name: &[u8]) {
        assert_eq!(alone(name, None), Name::Good);
    }

    #[test]
    fn names_that_differ_by_case_collide_and_equal_ones_are_refused() {
        let mut names = Names::default();
        assert_eq!(names.judge("Äpfel".as_bytes(), None), Name::Good);
        assert_eq!(names.judge("äpfel".as_bytes(), None), Name::Collides);
        assert_eq!(names.judge(b"\xffA", None), Name::Good);
        assert_eq!(names.judge(b"\xfea", None), Name::Good);
        assert!(matches!(
            names.judge("Äpfel".as_bytes(), None),
            Name::Bad(_)
        ));
    }
}
