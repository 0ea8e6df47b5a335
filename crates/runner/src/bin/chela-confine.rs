//! The helper stage as a program of its own, for those who embed the runner without `chela`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match chela_runner::confine::main(std::env::args_os().skip(1)) {
        Ok(code) => code,
        Err(error) => {
            use std::io::Write;
            // Where nobody listens, nothing is lost.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}
