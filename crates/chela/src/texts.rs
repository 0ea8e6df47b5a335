//! Texts that people read beside the messages of errors: examples, exit codes, hints.

/// Below the help of the program.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  accepted, valid, or as expected
  1  refused for good, not valid, or not as expected
  2  the call is wrong: an option or a file
  3  not accepted now; trying again may help";

pub const SEND_EXAMPLES: &str = "\
Examples:
  Ask a CI system to build a pull request, as Pagure would:
    chela send --to https://ci.example.org/hook --token-file token \\
      --pagure https://pagure.example.org --project demo/hello --job codebuild/hello \\
      --branch fix-typo --commit 7a1b0c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b \\
      --pull-request 7 --title 'Fix a typo'

  Try a receiver on this machine:
    chela send --to http://127.0.0.1:8080/ --allow-http 127.0.0.1:8080 \\
      --allow-network 127.0.0.0/8 ...

A file named - is standard input. Secrets are read from files only, so that no list of
processes and no shell history shows them.

Exit codes: 0 accepted, 1 refused for good, 2 the call is wrong, 3 trying again may help.";

pub const REPORT_EXAMPLES: &str = "\
Examples:
  In a build that Chela started (its variables say which one):
    chela report --status success --url https://ci.example.org/builds/42

  In any other script:
    chela report --pagure https://pagure.example.org --project demo/hello \\
      --token-file token --commit \"$(git rev-parse HEAD)\" --pull-request 7 \\
      --context lint --status failure --description '3 warnings' \\
      --url https://ci.example.org/builds/42

The report is signed with the project's CI token; the token itself is not sent. What may be
retried is retried until --give-up-after is over.

Exit codes: 0 accepted, 1 refused for good, 2 the call is wrong, 3 given up; trying again may help.";

pub const VERIFY_EXAMPLES: &str = "\
Examples:
  chela verify request --headers headers.txt --body body.json --token-file token
  chela verify report --headers headers.txt --body body.json --token-file token \\
    --at 2026-11-22T20:16:02Z

The file of headers holds one `Name: value` a line. The file of the body must be the body byte
for byte as it was received.

Exit codes: 0 valid, 1 not valid, 2 the call is wrong.";

pub const SCHEMA_EXAMPLES: &str = "\
Example:
  chela schema report > build-report.json";

pub const SERVE_EXAMPLES: &str = "\
Examples:
  chela config default | less
  chela config check --config chela.toml && chela serve --config chela.toml

SIGTERM and Ctrl-C end it: builds may go on for serve.drain; what runs still is taken up again
at the next start.

Exit codes: 0 ended as asked, 2 it cannot start; the message says why.";

/// Why a signature may not match although the token is the right one.
pub const SIGNATURE_HINTS: &str = "the key is the token's own bytes, and a library that wants \
    whsec_… takes whsec_ followed by base64 of them; what is signed is the body byte for byte, \
    before any JSON is read or written anew";

/// The body's file was made by something that ends lines.
pub const EXTRA_LINE_END: &str = "The signature matches, but only without the white space at the \
    end of the body's file; record the body byte for byte.";

/// The body's file was made by something that strips lines.
pub const MISSING_LINE_END: &str = "The signature matches, but only with a line end after the \
    body; record the body byte for byte.";
