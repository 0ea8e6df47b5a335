//! What an object says of itself: S3 keeps up to 2 KB of text with it, in ASCII.

use std::collections::HashMap;

use chela_contract::CommitId;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What it is.
pub const TYPE: &str = "application/zip";

const COMMIT: &str = "commit";
const NOTES: &str = "notes";

/// Leaves room for the commit and the names. Bytes.
const MAX_NOTES: usize = 1800;

/// Notes stand on one line, between semicolons.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%').add(b';');

/// The metadata of a source.
pub fn of(commit: &CommitId, notes: &[String]) -> HashMap<String, String> {
    let mut metadata = HashMap::from([(COMMIT.to_owned(), commit.to_string())]);
    if !notes.is_empty() {
        metadata.insert(NOTES.to_owned(), packed(notes));
    }
    metadata
}

/// The commit that an object is of.
pub fn commit(metadata: Option<&HashMap<String, String>>) -> Option<CommitId> {
    metadata?.get(COMMIT)?.parse().ok()
}

/// The notes of an object.
pub fn notes(metadata: Option<&HashMap<String, String>>) -> Vec<String> {
    let packed = metadata.and_then(|metadata| metadata.get(NOTES));
    let Some(packed) = packed else {
        return Vec::new();
    };
    let one = |note: &str| {
        percent_decode_str(note.trim())
            .decode_utf8_lossy()
            .into_owned()
    };
    packed.split(';').map(one).collect()
}

/// As many notes as fit, and how many did not.
fn packed(notes: &[String]) -> String {
    let mut kept = String::new();
    for (index, note) in notes.iter().enumerate() {
        let note = utf8_percent_encode(note, ENCODED).to_string();
        if kept.len() + note.len() + 2 > MAX_NOTES {
            let left = notes.len() - index;
            return joined(&kept, &format!("{left} more notes are not kept"));
        }
        kept = joined(&kept, &note);
    }
    kept
}

fn joined(kept: &str, note: &str) -> String {
    if kept.is_empty() {
        note.to_owned()
    } else {
        format!("{kept}; {note}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn commit_id() -> CommitId {
        "0123456789abcdef0123456789abcdef01234567"
            .parse()
            .expect("it is one")
    }

    /// As HTTP carries it.
    fn is_a_header(value: &str) -> bool {
        value.trim() == value && value.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
    }

    #[test]
    fn what_stands_nowhere_is_nothing() {
        assert_eq!(commit(None), None);
        assert_eq!(commit(Some(&HashMap::new())), None);
        assert!(notes(Some(&HashMap::new())).is_empty());
        let wrong = HashMap::from([(COMMIT.to_owned(), "main".to_owned())]);
        assert_eq!(commit(Some(&wrong)), None);
    }

    #[test]
    fn more_notes_than_fit_are_counted() {
        let many: Vec<String> = (0..100)
            .map(|n| format!("note {n} {}", "é".repeat(20)))
            .collect();
        let metadata = of(&commit_id(), &many);
        let size: usize = metadata
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        assert!(size <= 2048, "S3 takes 2 KB");
        let found = notes(Some(&metadata));
        let last = found.last().expect("there are some");
        assert_eq!(
            *last,
            format!("{} more notes are not kept", 100 - (found.len() - 1))
        );
        assert_eq!(found[..found.len() - 1], many[..found.len() - 1]);
    }

    proptest! {
        #[test]
        fn notes_come_back_from_a_header(
            sentences in proptest::collection::vec("[^ ](.{0,40}[^ ])?", 0..6),
        ) {
            let metadata = of(&commit_id(), &sentences);
            prop_assert!(metadata.values().all(|value| is_a_header(value)));
            prop_assert_eq!(commit(Some(&metadata)), Some(commit_id()));
            prop_assert_eq!(notes(Some(&metadata)), sentences);
        }
    }
}
