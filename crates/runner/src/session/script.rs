//! The texts that the build's shell reads: the stage before it, the loop that runs commands, the
//! variables.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use chela_buildspec::{Template, VariableName};

/// Runs inside the walls, before any byte of the build is looked at: waits until it is watched, sets
/// its limits, closes what this process may have inherited, takes the build's variables, becomes
/// its shell.
///
/// `$1` is the shell, `$2` the folder of the files below, then come the limits. In its POSIX mode
/// bash counts like the others; they name the processes `-p`, and know descriptors of one digit
/// only. Out of memory, the kernel shall choose a build before the rest of the machine.
pub(crate) const STAGE: &str = r#"printf 'up\n' >&2
IFS= read -r go || exit 125
processes=-p
if [ -n "${BASH_VERSION-}" ]; then set -o posix; processes=-u; fi
ulimit -c 0 && ulimit "$processes" "$3" && ulimit -d "$4" && ulimit -f "$5" &&
  ulimit -n "$6" && ulimit -t "$7" || exit 125
{ echo 800 >/proc/self/oom_score_adj; } 2>/dev/null
for fd in /proc/self/fd/*; do
  fd=${fd##*/}
  case $fd in
    [0-2]) ;;
    [3-9]) eval "exec $fd>&-" ;;
    *) [ -z "${BASH_VERSION-}" ] || eval "exec $fd>&-" ;;
  esac
done
unset SHLVL OLDPWD
. "$2/variables"
exec "$1" "$2/loop"
"#;

/// The loop in the one shell of a build. Commands come by number on 7, their ends go out on 8; the
/// commands themselves see neither.
pub(crate) fn main_loop(control: &Path) -> String {
    let control = quoted(&control.display().to_string());
    format!(
        r#"exec 7<&0 8>&2 </dev/null 2>&1
printf 'ready\n' >&8
while IFS= read -r chela_line <&7; do
  case $chela_line in
    'run '*)
      . {control}/command-"${{chela_line#run }}" 7<&- 8>&-
      {{ command printf 'done %s %s\n' "${{chela_line#run }}" "$?" >&8; }} 2>/dev/null ;;
    'succeeding '*)
      export CODEBUILD_BUILD_SUCCEEDING="${{chela_line#succeeding }}" ;;
    values)
      {{ command printf 'values\n'; . {control}/values; command printf '\000'; }} >&8 2>/dev/null ;;
  esac
done
"#
    )
}

/// Sets the variables, whatever their values hold.
pub(crate) fn variables(values: &BTreeMap<VariableName, String>) -> String {
    let mut script = String::new();
    for (name, value) in values {
        // Some names are fixed in some shells (`UID`): those stay as they are.
        let _ = writeln!(script, "export {}={}", name.as_str(), quoted(value));
    }
    script
}

/// One word for a shell: nothing in it has a meaning.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Says the values that these variables and texts have at the end, as records ended by NUL.
pub(crate) fn values(names: &[VariableName], texts: &[&Template]) -> String {
    let mut script = String::new();
    for name in names.iter().map(VariableName::as_str) {
        let _ = writeln!(
            script,
            "if [ \"${{{name}+x}}\" ]; then command printf '{name}=%s\\000' \"${name}\"; fi"
        );
    }
    for (number, text) in texts.iter().enumerate() {
        let word = text.shell_word();
        let _ = writeln!(script, "command printf '{number}=%s\\000' {word}");
    }
    script
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// What a shell makes of a quoted value.
    fn through(shell: &str, value: &str) -> Vec<u8> {
        let name = VariableName::new("VALUE").unwrap();
        let script = variables(&BTreeMap::from([(name, value.to_owned())]));
        let script = format!("{script}printf %s \"$VALUE\"");
        Command::new(shell)
            .args(["-c", &script])
            .output()
            .unwrap()
            .stdout
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn a_variable_arrives_as_it_was_given(value in "[^\0]{0,40}|['\"$`\\\\\n ]{0,20}") {
            for shell in ["sh", "bash"] {
                let arrived = through(shell, &value);
                prop_assert_eq!(String::from_utf8_lossy(&arrived), value.as_str(), "{}", shell);
            }
        }
    }
}
