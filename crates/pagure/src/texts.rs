//! Every text that a flag shows while Pagure delivers.

/// Nothing has been sent yet.
pub const WAITING: &str = "Waiting for the CI service";
/// Taken, and no word yet of what it does.
pub const ACCEPTED: &str = "Accepted by the CI service";
/// Another build took its place.
pub const SUPERSEDED: &str = "A newer commit took its place before the CI service could be reached";
/// The settings are not those with which the build was asked for.
pub const CHANGED: &str =
    "Pagure CI was changed or switched off while this build waited; ask for a rebuild";

/// An attempt failed, another will follow.
#[must_use]
pub fn waiting(reason: &str) -> String {
    format!("{WAITING}: {reason}")
}

/// A day of attempts failed.
#[must_use]
pub fn given_up(reason: &str) -> String {
    format!("Not delivered within 24 hours, ask for a rebuild: {reason}")
}
