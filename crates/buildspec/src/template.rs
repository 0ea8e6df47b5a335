//! Text with variables in it, as `artifacts` may have it.

/// A text in which `$NAME` and `${NAME}` stand for variables of the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(String);

impl Template {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// As it was written.
    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.0
    }

    /// With the variables' values; an unset one is empty. `None` if it needs more than that, such
    /// as `$(date)`: then only a shell can say what it is.
    #[must_use]
    pub fn expand(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let mut expanded = String::new();
        let mut rest = self.0.as_str();
        while let Some(at) = rest.find(['$', '`']) {
            expanded.push_str(&rest[..at]);
            let (name, after) = variable(&rest[at..])?;
            match name {
                Some(name) => expanded.push_str(&lookup(name).unwrap_or_default()),
                None => expanded.push('$'),
            }
            rest = after;
        }
        expanded.push_str(rest);
        Some(expanded)
    }

    /// A double-quoted word for the shell that ran the commands: `printf %s <word>` prints what it
    /// stands for. It is the buildspec's own text, which may run anything there anyway.
    #[must_use]
    pub fn shell_word(&self) -> String {
        format!("\"{}\"", self.0.replace('"', "\\\""))
    }
}

/// What begins with `$` or a back quote: a variable, or a lone `$`; `None` if only a shell knows.
fn variable(text: &str) -> Option<(Option<&str>, &str)> {
    let text = text.strip_prefix('$')?;
    if let Some(inner) = text.strip_prefix('{') {
        let (name, after) = inner.split_once('}')?;
        return (name_length(name) == name.len() && !name.is_empty())
            .then_some((Some(name), after));
    }
    match name_length(text) {
        0 if text
            .starts_with(|c: char| c == '(' || c.is_ascii_digit() || "@*#?-$!".contains(c)) =>
        {
            None
        }
        0 => Some((None, text)),
        length => Some((Some(&text[..length]), &text[length..])),
    }
}

fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    text.find(ends).unwrap_or(text.len())
}

/// A path that stays below the folder it is meant for, without `.` and needless `/`; `None` for
/// an absolute one, one with `..`, and one with a control character.
#[must_use]
pub fn relative(path: &str) -> Option<String> {
    if path.starts_with('/') || path.chars().any(char::is_control) {
        return None;
    }
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}
