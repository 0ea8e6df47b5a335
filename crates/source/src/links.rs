//! Symbolic links are made when everything else stands, and only if they stay inside the tree.

use std::sync::Arc;

use gix_hash::ObjectId;

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

impl Link {
    /// The names of the directories above it, from the root.
    pub fn parents(&self) -> Vec<&[u8]> {
        let names = self.above.split(|&b| b == b'/');
        names.filter(|name| !name.is_empty()).collect()
    }
}

/// Whether whoever follows the link stays inside, whatever other links are on the way.
///
/// By induction every other link stays inside too, so going down is safe. Going up is judged by
/// the path as it is written, which is only where one stands if nothing before it was a link.
pub fn stays_inside<'a>(
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
