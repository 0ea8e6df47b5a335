//! Alone in its process, because it sends itself a signal.

use std::process::{Command, id};

#[tokio::test]
async fn a_process_that_is_told_to_end_says_so_instead_of_dying() {
    let told = chela_demo::interruption();
    let kill = async {
        let kill = Command::new("kill")
            .args(["-TERM", &id().to_string()])
            .status();
        assert!(kill.expect("kill runs").success());
    };
    // The first is asked first, so that it listens when the signal comes.
    tokio::join!(biased; told, kill);
}
