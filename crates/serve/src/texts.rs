//! What people read of this part, all in one place.

use std::{fmt::Display, io, time::Duration};

/// In a build's log.
pub const RUNS_AGAIN: &str = "The receiver stopped while this build ran; it runs again from here.";

/// On the flag.
pub const DEFECT: &str = "A defect of the receiver has ended the build; its operator finds more in the \
                          receiver's log";

/// On the flag, where a stranger's build meets a machine without walls for it.
pub const NO_WALLS_FOR_STRANGERS: &str = "A stranger's build needs bubblewrap, which does not work on \
                                          this receiver's machine; its operator can install it";

/// On the flag.
pub fn no_log(error: &dyn Display) -> String {
    format!("The build's log cannot be written on the receiver's machine: {error}")
}

/// On the flag.
pub fn no_buildspec(name: &str, whose: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("There is no {name} in the {whose}; add it, or set the job's `buildspec`")
        }
        _ => format!("The {name} in the {whose} cannot be read: {error}"),
    }
}

/// `1h 30m`, as in the settings.
pub fn duration(duration: Duration) -> String {
    let all = duration.as_secs();
    let parts = [(all / 3600, "h"), (all / 60 % 60, "m"), (all % 60, "s")];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let said: Vec<String> = parts
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if said.is_empty() {
        "0s".to_owned()
    } else {
        said.join(" ")
    }
}
