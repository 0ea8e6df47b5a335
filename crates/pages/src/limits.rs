//! What a page may cost.

use std::time::Duration;

/// What a page may cost. The defaults suit a server with hundreds of projects.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Live views at once.
    pub viewers: usize,
    /// Live views of one build at once.
    pub viewers_of_one_build: usize,
    /// How much of a log's end is on the page itself. Bytes.
    pub shown_bytes: u64,
    /// The same in lines.
    pub shown_lines: usize,
    /// How long a live view waits for a reader who takes nothing, before it ends.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            viewers: 256,
            viewers_of_one_build: 32,
            shown_bytes: 256 * 1024,
            shown_lines: 5000,
            patience: Duration::from_mins(1),
        }
    }
}
