//! Symbolic links are made when everything else stands, and only if they stay inside the tree.

use std::io;
use std::sync::Arc;

use gix_hash::ObjectId;

use crate::sink::Directory;

/// The longest target that Linux takes (`PATH_MAX` with its NUL).
pub const MAX_TARGET: usize = 4095;

/// A link to make. What it leads to is read when it is made: many links to much would fill memory.
#[derive(Debug)]
pub struct Link {
    /// The directory's path, which its other links share.
    pub above: Arc<[u8]>,
    pub name: Vec<u8>,
    /// The blob that says where it leads.
    pub target: ObjectId,
}

/// What became of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It is there.
    Yes,
    /// It would leave the tree.
    LeavesTheTree,
}

/// Makes a link below `root`, where each directory is one that we made.
pub fn make(root: &Directory, link: &Link, target: &[u8]) -> io::Result<Made> {
    let above = link.above.split(|&b| b == b'/');
    let above: Vec<&[u8]> = above.filter(|name| !name.is_empty()).collect();
    let is_directory = |path: &[&[u8]]| open(root, path).is_ok();
    if !stays_inside(&above, target, is_directory) {
        return Ok(Made::LeavesTheTree);
    }
    open(root, &above)?.link(&link.name, target)?;
    Ok(Made::Yes)
}

fn open(root: &Directory, path: &[&[u8]]) -> io::Result<Directory> {
    let mut directory = root.again()?;
    for name in path {
        directory = directory.enter(name)?;
    }
    Ok(directory)
}

/// Whether whoever follows the link stays inside, whatever other links are on the way.
///
/// By induction every other link stays inside too, so going down is safe. Going up is judged by
/// the path as it is written, which is only where one stands if nothing before it was a link.
fn stays_inside<'a>(
    above: &[&'a [u8]],
    target: &'a [u8],
    is_directory: impl Fn(&[&[u8]]) -> bool,
) -> bool {
    if target.is_empty() || target.len() > MAX_TARGET || target[0] == b'/' || target.contains(&0) {
        return false;
    }
    let mut at = above.to_vec();
    for part in target.split(|&b| b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                if !is_directory(&at) || at.pop().is_none() {
                    return false;
                }
            }
            name => at.push(name),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// In `a/b/`, where `a/b` and `a/c` are directories and all else is not.
    #[rstest]
    #[case("x", true)]
    #[case("missing/deep", true)]
    #[case("../x", true)]
    #[case("../../x", true)]
    #[case("../../../x", false)]
    #[case("../c/../x", true)]
    #[case("../l/../x", false)]
    #[case("./.././../", true)]
    #[case("x/..", false)]
    #[case("/etc/passwd", false)]
    #[case("//etc/passwd", false)]
    #[case("", false)]
    #[case("a\0b", false)]
    fn a_link_stays_inside_the_tree(#[case] target: &str, #[case] expected: bool) {
        let directories: [&[&[u8]]; 4] = [&[], &[b"a"], &[b"a", b"b"], &[b"a", b"c"]];
        let inside = stays_inside(&[b"a", b"b"], target.as_bytes(), |path| {
            directories.contains(&path)
        });
        assert_eq!(inside, expected, "{target}");
    }
}
