//! Times, durations and sizes, and the words for what became of something.

use std::time::Duration;

use chela_contract::Micros;
use maud::{Markup, html};

use crate::{BuildState, PhaseState};

/// A moment, to the second.
pub(super) fn moment(at: Micros) -> Markup {
    let written = at.whole_second().to_string();
    let shown = written.get(..19).unwrap_or(&written).replace('T', " ");
    html! { time datetime=(written) { (shown) " UTC" } }
}

/// How long it took from `started` to `ended`. What has not ended is marked, so that the page's
/// script lets it tick.
pub(super) fn elapsed(started: Micros, ended: Option<Micros>, now: Micros) -> Markup {
    let text = duration(between(started, ended.unwrap_or(now)));
    let since = ended.is_none().then(|| started.get().div_euclid(1000));
    html! { span data-since=[since] { (text) } }
}

fn between(start: Micros, end: Micros) -> Duration {
    let micros = end.get().saturating_sub(start.get());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// The two greatest units. `live.js` writes it in the same way.
fn duration(took: Duration) -> String {
    let seconds = took.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A number of bytes, with one decimal from a KiB on.
pub(crate) fn size(bytes: u64) -> String {
    let mut tenths = u128::from(bytes) * 10;
    let mut unit = "bytes";
    for greater in ["KiB", "MiB", "GiB", "TiB"] {
        if tenths < 10 * 1024 {
            break;
        }
        tenths /= 1024;
        unit = greater;
    }
    match (bytes, unit) {
        (1, _) => "1 byte".to_owned(),
        (_, "bytes") => format!("{bytes} bytes"),
        _ => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}

/// The state's word, which is its class too.
pub(super) fn build_word(state: BuildState) -> &'static str {
    match state {
        BuildState::Held => "held",
        BuildState::Waiting => "waiting",
        BuildState::Running => "running",
        BuildState::Success => "success",
        BuildState::Failure => "failure",
        BuildState::Error => "error",
        BuildState::Canceled => "canceled",
    }
}

/// The state's word, which is its class too.
pub(super) fn phase_word(state: PhaseState) -> &'static str {
    match state {
        PhaseState::Waiting => "waiting",
        PhaseState::Running => "running",
        PhaseState::Success => "success",
        PhaseState::Failure => "failure",
        PhaseState::Canceled => "canceled",
        PhaseState::Skipped => "skipped",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0 bytes")]
    #[case(1, "1 byte")]
    #[case(1023, "1023 bytes")]
    #[case(1024, "1.0 KiB")]
    #[case(1536, "1.5 KiB")]
    #[case(1024 * 1024 - 1, "1023.9 KiB")]
    #[case(5 << 30, "5.0 GiB")]
    #[case(u64::MAX, "16777215.9 TiB")]
    fn a_size_is_read_at_a_glance(#[case] bytes: u64, #[case] text: &str) {
        assert_eq!(size(bytes), text);
    }

    #[rstest]
    #[case(0, "0 s")]
    #[case(59, "59 s")]
    #[case(60, "1 min 0 s")]
    #[case(3599, "59 min 59 s")]
    #[case(7260, "2 h 1 min")]
    fn a_duration_is_read_at_a_glance(#[case] seconds: u64, #[case] text: &str) {
        assert_eq!(duration(Duration::from_secs(seconds)), text);
    }

    #[test]
    fn only_what_has_not_ended_ticks() {
        let (start, now) = (Micros::new(1_000_000), Micros::new(4_000_000));
        let running = elapsed(start, None, now).into_string();
        assert_eq!(running, r#"<span data-since="1000">3 s</span>"#);
        let ended = elapsed(start, Some(Micros::new(2_000_000)), now).into_string();
        assert_eq!(ended, "<span>1 s</span>");
        // Two machines' clocks: never a negative time.
        let early = elapsed(now, Some(start), now).into_string();
        assert_eq!(early, "<span>0 s</span>");
    }

    #[test]
    fn a_moment_is_shown_to_the_second() {
        let at: Micros = "2026-11-22T20:16:02.500000Z".parse().unwrap();
        assert_eq!(
            moment(at).into_string(),
            r#"<time datetime="2026-11-22T20:16:02.000000Z">2026-11-22 20:16:02 UTC</time>"#
        );
    }
}
