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
