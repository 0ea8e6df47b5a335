//! UTF-8 out of pieces that end anywhere.

/// Keeps the beginning of a character until its end comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Decoder {
    begun: Vec<u8>,
}

impl Decoder {
    /// Hands on each character; what is none is U+FFFD, as `String::from_utf8_lossy` has it.
    pub(super) fn take(&mut self, bytes: &[u8], mut each: impl FnMut(char)) {
        let joined;
        let bytes = if self.begun.is_empty() {
            bytes
        } else {
            self.begun.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.begun);
            &joined
        };
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            chunk.valid().chars().for_each(&mut each);
            let invalid = chunk.invalid();
            // Only at the very end can a character be cut; anywhere else it is broken.
            let at_end = chunks.peek().is_none();
            match std::str::from_utf8(invalid) {
                Ok(_) => {}
                Err(error) if at_end && error.error_len().is_none() => {
                    self.begun = invalid.to_vec();
                }
                Err(_) => each(char::REPLACEMENT_CHARACTER),
            }
        }
    }

    /// The text ends here: what was begun will not end.
    pub(super) fn end(&mut self, mut each: impl FnMut(char)) {
        if !std::mem::take(&mut self.begun).is_empty() {
            each(char::REPLACEMENT_CHARACTER);
        }
    }
}
