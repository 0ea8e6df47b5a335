//! What an engine's word means for a flag.

use chela_contract::Status;
use chela_receiver::texts::plain;

/// What a flag shows of a build, without the time and the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The status.
    pub status: Status,
    /// One line for people, without characters that Pagure's page cannot show.
    pub description: String,
    /// How far it is, 0-100; of a pending build only.
    pub percent: Option<u8>,
    /// Whether the build goes on.
    pub course: Course,
}

/// Whether a build goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// It goes on.
    Goes,
    /// It goes on to be stopped.
    Stops,
    /// It had ended, and goes on again: a failed stage of a pipeline is retried.
    Resumed,
    /// It is over.
    Ended,
}

impl State {
    /// Whether it is the end.
    #[must_use]
    pub fn last(&self) -> bool {
        self.course == Course::Ended
    }

    pub(crate) fn going(description: &str, percent: Option<u8>) -> Self {
        Self::new(Status::Pending, description, percent, Course::Goes)
    }

    pub(crate) fn stopping(description: &str, percent: Option<u8>) -> Self {
        Self::new(Status::Pending, description, percent, Course::Stops)
    }

    pub(crate) fn resumed(description: &str, percent: Option<u8>) -> Self {
        Self::new(Status::Pending, description, percent, Course::Resumed)
    }

    pub(crate) fn ended(status: Status, description: &str) -> Self {
        Self::new(status, description, None, Course::Ended)
    }

    fn new(status: Status, description: &str, percent: Option<u8>, course: Course) -> Self {
        Self {
            status,
            description: plain(description),
            percent,
            course,
        }
    }
}
