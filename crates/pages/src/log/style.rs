//! What of a terminal's styles a page takes over (ECMA-48, SGR).

/// How text is shown. Backgrounds, inversion and concealment are left out on purpose: with them
/// text could be hidden in its own colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    colour: Option<Colour>,
    flags: u8,
}

/// One of a terminal's 16 colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colour(u8);

const BOLD: u8 = 1;
const DIM: u8 = 2;
const ITALIC: u8 = 4;
const UNDERLINE: u8 = 8;
const FLAGS: [(u8, &str); 4] = [(BOLD, "b"), (DIM, "d"), (ITALIC, "i"), (UNDERLINE, "u")];

const COLOURS: [&str; 16] = [
    "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12", "c13", "c14",
    "c15",
];

impl Style {
    /// No colour, nothing else.
    pub const PLAIN: Self = Self {
        colour: None,
        flags: 0,
    };

    /// The names of the classes that the style sheet has for it.
    pub fn classes(self) -> impl Iterator<Item = &'static str> {
        let colour = self.colour.map(|colour| COLOURS[usize::from(colour.0)]);
        let flags = FLAGS.iter().filter(move |(bit, _)| self.flags & bit != 0);
        colour.into_iter().chain(flags.map(|(_, name)| *name))
    }

    /// As a number, for a [`super::Mark`].
    pub(super) fn to_bits(self) -> u16 {
        let colour = self.colour.map_or(0, |colour| u16::from(colour.0) + 1);
        colour << 4 | u16::from(self.flags)
    }

    pub(super) fn from_bits(bits: u16) -> Option<Self> {
        let flags = u8::try_from(bits & 15).expect("four bits");
        let colour = match bits >> 4 {
            0 => None,
            colour @ 1..=16 => Some(Colour(u8::try_from(colour - 1).expect("below 16"))),
            _ => return None,
        };
        Some(Self { colour, flags })
    }

    /// The style after `ESC [ parameters m`.
    pub(super) fn apply(&mut self, parameters: &str) {
        let mut fields = parameters.split(';');
        while let Some(field) = fields.next() {
            if let Some((code, rest)) = field.split_once(':') {
                self.apply_long(code, rest);
                continue;
            }
            match number(field) {
                Some(38) => self.colour = extended(&mut fields).or(self.colour),
                // A background, the colour of an underline: only their parameters are taken.
                Some(48 | 58) => drop(extended(&mut fields)),
                Some(code) => self.apply_code(code),
                None => {}
            }
        }
    }

    /// One attribute with its parameters behind colons (ITU-T T.416).
    fn apply_long(&mut self, code: &str, rest: &str) {
        match code {
            "4" => self.set(UNDERLINE, rest != "0"),
            "38" => {
                let fields: Vec<&str> = rest.split(':').collect();
                let colour = match fields[..] {
                    ["5", index] => number(index).map(indexed),
                    // Between the 2 and the red there may be the name of a colour space.
                    ["2", r, g, b] | ["2", _, r, g, b, ..] => rgb([r, g, b]),
                    _ => None,
                };
                self.colour = colour.or(self.colour);
            }
            _ => {}
        }
    }

    fn apply_code(&mut self, code: u8) {
        match code {
            0 => *self = Self::default(),
            1 => self.set(BOLD, true),
            2 => self.set(DIM, true),
            3 => self.set(ITALIC, true),
            4 | 21 => self.set(UNDERLINE, true),
            22 => self.set(BOLD | DIM, false),
            23 => self.set(ITALIC, false),
            24 => self.set(UNDERLINE, false),
            30..=37 => self.colour = Some(Colour(code - 30)),
            39 => self.colour = None,
            90..=97 => self.colour = Some(Colour(code - 90 + 8)),
            _ => {}
        }
    }

    fn set(&mut self, flags: u8, on: bool) {
        if on {
            self.flags |= flags;
        } else {
            self.flags &= !flags;
        }
    }
}

/// A parameter; a missing one is 0.
fn number(field: &str) -> Option<u8> {
    if field.is_empty() {
        Some(0)
    } else {
        field.parse().ok()
    }
}

/// The colour behind a 38: `5;index` or `2;red;green;blue`.
fn extended<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<Colour> {
    match fields.next() {
        Some("5") => fields.next().and_then(number).map(indexed),
        Some("2") => {
            let parts = [fields.next()?, fields.next()?, fields.next()?];
            rgb(parts)
        }
        _ => None,
    }
}

fn rgb(parts: [&str; 3]) -> Option<Colour> {
    let [r, g, b] = parts.map(number);
    Some(nearest(r?, g?, b?))
}

/// One of xterm's 256 colours: 16 named ones, a cube of 6 by 6 by 6, 24 greys.
fn indexed(index: u8) -> Colour {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match index {
        0..=15 => Colour(index),
        16..=231 => {
            let cell = index - 16;
            nearest(level(cell / 36), level(cell / 6 % 6), level(cell % 6))
        }
        232..=255 => {
            let grey = 8 + 10 * (index - 232);
            nearest(grey, grey, grey)
        }
    }
}

/// The nearest of the 16, roughly: hue by which parts are more than two thirds of the strongest.
fn nearest(r: u8, g: u8, b: u8) -> Colour {
    let strongest = r.max(g).max(b);
    if strongest < 64 {
        return Colour(0);
    }
    let has = |part: u8| u16::from(part) * 3 > u16::from(strongest) * 2;
    let hue = u8::from(has(r)) | u8::from(has(g)) << 1 | u8::from(has(b)) << 2;
    match (hue, strongest) {
        (7, 64..=159) => Colour(8),
        (7, 160..=229) => Colour(7),
        (_, 192..) => Colour(hue + 8),
        _ => Colour(hue),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn styled(parameters: &str) -> String {
        let mut style = Style::default();
        style.apply(parameters);
        style.classes().collect::<Vec<_>>().join(" ")
    }

    #[rstest]
    #[case("", "")]
    #[case("31", "c1")]
    #[case("1;32", "c2 b")]
    #[case("97;3;4", "c15 i u")]
    #[case("31;39", "")]
    #[case("1;2;22", "")]
    #[case("31;1;0", "")]
    #[case("31;1;", "")]
    #[case("38;5;9;1", "c9 b")]
    #[case("38;5;196", "c9")]
    #[case("38;5;244", "c8")]
    #[case("38;2;0;200;10;4", "c10 u")]
    #[case("38:2::200:0:0", "c9")]
    #[case("38:2:200:0:0", "c9")]
    #[case("38:5:4", "c4")]
    #[case("4:3", "u")]
    #[case("4;4:0", "")]
    #[case("30;40;7;8", "c0")] // no way to hide
    #[case("48;5;1", "")] // the 1 is a background, not bold
    #[case("48;2;1;2;3;32", "c2")]
    #[case("999;-1;x;33", "c3")]
    #[case("38;5", "")]
    #[case("38", "")]
    #[case("?25", "")]
    fn a_style_is_what_a_terminal_shows(#[case] parameters: &str, #[case] classes: &str) {
        assert_eq!(styled(parameters), classes);
    }

    #[test]
    fn every_style_survives_as_a_number() {
        for bits in 0..=u16::MAX {
            match Style::from_bits(bits) {
                Some(style) => assert_eq!(style.to_bits(), bits),
                None => assert!(bits >= 17 << 4, "{bits} is a style"),
            }
        }
    }
}
