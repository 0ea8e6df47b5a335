//! Accepts requests from 64 callers at once, and says how many a second and how long each waited.

use std::time::{Duration, Instant};
use std::{env, fs, path::Path};

use chela_contract::{BuildId, Micros};
use chela_local::Store;

#[path = "../tests/support/mod.rs"]
mod support;

type Failed = Box<dyn std::error::Error + Send + Sync>;

const CALLERS: u32 = 64;

/// `accepts FOLDER REQUESTS`
#[tokio::main]
async fn main() -> Result<(), Failed> {
    let mut words = env::args().skip(1);
    let mut next = || words.next().ok_or("usage: accepts FOLDER REQUESTS");
    let store = Store::open(Path::new(&next()?))?;
    let each = next()?.parse::<u32>()? / CALLERS;
    let begun = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| tokio::spawn(call(store.clone(), caller, each)))
        .collect();
    let mut waits = Vec::new();
    for caller in callers {
        waits.extend(caller.await??);
    }
    let took = begun.elapsed();
    waits.sort_unstable();
    let p99 = waits
        .get(waits.len() * 99 / 100)
        .copied()
        .unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let rate = f64::from(each * CALLERS) / took.as_secs_f64();
    #[expect(clippy::print_stdout, reason = "it is a program")]
    {
        println!(
            "{rate:.0} a second, p99 {p99:.1?}, peak {}",
            peak.unwrap_or_default().trim()
        );
    }
    Ok(())
}

/// Every third request is a stranger's; every fourth is of a pull request that had one before.
async fn call(store: Store, caller: u32, requests: u32) -> Result<Vec<Duration>, Failed> {
    let mut waits = Vec::new();
    for number in 0..requests {
        let now = Micros::new(i64::try_from(std::time::UNIX_EPOCH.elapsed()?.as_micros())?);
        let wanted = support::Wanted {
            id: BuildId::new(now),
            project: format!("demo/{}", caller % 8),
            pull: Some(number - number / 4),
            can_push: number % 3 != 0,
            by_at: now,
            ..support::Wanted::new(0)
        };
        let mut asked = wanted.asked(now);
        // As random as a real one.
        asked.key = BuildId::new(now).to_string().split_off(19);
        let begun = Instant::now();
        store.accept(asked).await?;
        waits.push(begun.elapsed());
    }
    Ok(waits)
}
