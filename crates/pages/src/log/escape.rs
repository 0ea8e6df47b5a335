//! The terminal's escape sequences (ECMA-48), taken out of a log.

/// More than any sequence that means something to a page. Characters.
const MAX_PARAMETERS: usize = 64;

/// Where in a sequence a text is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Escape {
    /// In none.
    #[default]
    Outside,
    /// After the ESC.
    Begun,
    /// After ESC and a character that wants another.
    Between,
    /// After `ESC [`: the parameters so far, or `None` if they are too many.
    Control(Option<String>),
    /// In a string that ends with BEL or `ESC \`: a title, a link's address, a picture.
    String,
    /// After an ESC in such a string.
    StringBegun,
}

/// What a character does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Stands on the page.
    Print(char),
    /// Changes the style by these parameters.
    Style(String),
    /// Moves to the line's first column.
    Return,
    /// Erases the line from here on.
    EraseRest,
    /// Erases the line.
    EraseAll,
}

impl Escape {
    /// Takes one character of a line. What breaks a sequence off stands for itself.
    pub(super) fn step(&mut self, c: char) -> Option<Effect> {
        match self {
            Self::Outside => return self.outside(c),
            Self::Begun => return self.begun(c),
            Self::Between => match c {
                ' '..='/' => {}
                '0'..='~' => *self = Self::Outside,
                _ => return self.outside(c),
            },
            Self::Control(parameters) => match c {
                ' '..='?' => add(parameters, c),
                '@'..='~' => {
                    let parameters = parameters.take();
                    *self = Self::Outside;
                    return parameters.and_then(|parameters| control(parameters, c));
                }
                _ => return self.outside(c),
            },
            Self::String => match c {
                '\x07' | '\u{9c}' => *self = Self::Outside,
                '\x1b' => *self = Self::StringBegun,
                _ => {}
            },
            Self::StringBegun => match c {
                '\\' => *self = Self::Outside,
                _ => return self.begun(c),
            },
        }
        None
    }

    fn outside(&mut self, c: char) -> Option<Effect> {
        *self = Self::Outside;
        match c {
            '\x1b' => {
                *self = Self::Begun;
                None
            }
            '\r' => Some(Effect::Return),
            _ => Some(Effect::Print(c)),
        }
    }

    fn begun(&mut self, c: char) -> Option<Effect> {
        *self = match c {
            '[' => Self::Control(Some(String::new())),
            ']' | 'P' | 'X' | '^' | '_' => Self::String,
            ' '..='/' => Self::Between,
            '0'..='~' => Self::Outside,
            _ => return self.outside(c),
        };
        None
    }
}

fn add(parameters: &mut Option<String>, c: char) {
    match parameters {
        Some(text) if text.len() < MAX_PARAMETERS => text.push(c),
        _ => *parameters = None,
    }
}

/// What a control sequence does: styles, and what tools repaint one line with.
fn control(parameters: String, end: char) -> Option<Effect> {
    match (end, parameters.as_str()) {
        ('m', _) => Some(Effect::Style(parameters)),
        ('G', "" | "0" | "1") => Some(Effect::Return),
        ('K', "" | "0") => Some(Effect::EraseRest),
        ('K', "2") => Some(Effect::EraseAll),
        _ => None,
    }
}
