//! Signs the request on standard input (a line each: URL, body) many times and prints the
//! microseconds that one signature took; for `cargo xtask bench`.
#![expect(clippy::print_stdout, reason = "it prints a number")]

use std::{error::Error, io::read_to_string, time::Instant};

use chela_contract::{Micros, webhook::Key};
use chela_outbound::{Destination, Message, Policy, USER_AGENT};

const ROUNDS: u32 = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let input = read_to_string(std::io::stdin())?;
    let (url, body) = input
        .split_once('\n')
        .ok_or("two lines are wanted: URL, body")?;
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let destination = Destination::parse(
        url,
        Some("AKIDEXAMPLE"),
        Some(secret.into()),
        &Policy::default(),
    )?;
    let key = Key::new("the project's CI token, 32 chars".into())?;
    let message = Message {
        id: "m",
        body: body.as_bytes(),
        key: &key,
        user_agent: USER_AGENT,
    };
    let started = Instant::now();
    for second in 0..ROUNDS {
        let now = Micros::new(1_795_000_000_000_000).plus_seconds(second.into());
        std::hint::black_box(destination.headers(&message, now)?);
    }
    println!(
        "{}",
        started.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS)
    );
    Ok(())
}
