//! Cuts a stream into its first tag, its elements and its end (RFC 6120 §4, §11).
//!
//! It looks for tags only: what is in an element is read, and judged, by whoever the element is for.

use core::fmt;

/// The longest element that is taken: what the library reads, and no server sends more.
pub const MAX_BYTES: usize = omemo::stanza::MAX_BYTES;

/// A part of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The stream has begun.
    Open,
    /// An element of the stream, as it stood there.
    Element(String),
    /// The stream has ended.
    Close,
}

/// Takes bytes, gives pieces.
#[derive(Debug, Default)]
pub struct Splitter {
    buffer: Vec<u8>,
    /// How far the buffer was looked at.
    position: usize,
    depth: usize,
    place: Place,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Text,
    /// In a tag that began there; in quotes, if it says which.
    Tag { start: usize, quote: Option<u8> },
}

impl Splitter {
    /// Takes what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next piece; `None` if it is not complete yet.
    ///
    /// # Errors
    /// [`SplitError`]: the stream is of no use any more.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, SplitError> {
        while let Some(&byte) = self.buffer.get(self.position) {
            match self.place {
                Place::Text => {
                    if byte == b'<' {
                        let Some(end) = self.cdata()? else {
                            return self.wait();
                        };
                        if end > self.position {
                            self.position = end;
                            continue;
                        }
                        let start = self.position;
                        self.place = Place::Tag { start, quote: None };
                    } else if self.depth <= 1 && byte.is_ascii_whitespace() {
                        // Between elements servers send white space to see whether we are there.
                        self.buffer.drain(..=self.position);
                        self.position = 0;
                        continue;
                    } else if self.depth <= 1 {
                        return Err(SplitError::Text);
                    }
                }
                Place::Tag { start, quote } => {
                    let quote = match (quote, byte) {
                        (Some(open), byte) if open == byte => None,
                        (None, b'"' | b'\'') => Some(byte),
                        (None, b'>') => {
                            self.position += 1;
                            self.place = Place::Text;
                            if let Some(piece) = self.tag(start)? {
                                return Ok(Some(piece));
                            }
                            continue;
                        }
                        (quote, _) => quote,
                    };
                    self.place = Place::Tag { start, quote };
                }
            }
            self.position += 1;
        }
        self.wait()
    }

    fn wait(&self) -> Result<Option<Piece>, SplitError> {
        if self.buffer.len() > MAX_BYTES {
            return Err(SplitError::TooLong);
        }
        Ok(None)
    }

    /// The end of the character data that begins here, or here if it is a tag; `None` if that cannot be
    /// told yet.
    fn cdata(&self) -> Result<Option<usize>, SplitError> {
        const START: &[u8] = b"<![CDATA[";
        let rest = self.buffer.get(self.position..).unwrap_or_default();
        if rest.len() < 2 {
            return Ok(None);
        }
        if !rest.starts_with(b"<!") {
            return Ok(Some(self.position));
        }
        if rest.len() < START.len() && START.starts_with(rest) {
            return Ok(None);
        }
        if !rest.starts_with(START) || self.depth <= 1 {
            // Comments and declarations are forbidden (RFC 6120 §11.1).
            return Err(SplitError::Forbidden);
        }
        let end = rest.windows(3).position(|window| window == b"]]>");
        Ok(end.map(|end| self.position + end + 3))
    }

    /// A tag is complete.
    fn tag(&mut self, start: usize) -> Result<Option<Piece>, SplitError> {
        let tag = self.buffer.get(start..self.position).unwrap_or_default();
        if tag.starts_with(b"<?") {
            // The XML declaration, which may stand before everything.
            if self.depth > 0 {
                return Err(SplitError::Forbidden);
            }
            self.take();
            return Ok(None);
        }
        if tag.starts_with(b"</") {
            self.depth = self.depth.checked_sub(1).ok_or(SplitError::Forbidden)?;
            return match self.depth {
                0 => Ok(Some(Piece::Close)),
                1 => self.element().map(Some),
                _ => Ok(None),
            };
        }
        if tag.ends_with(b"/>") {
            return match self.depth {
                0 => Err(SplitError::Forbidden),
                1 => self.element().map(Some),
                _ => Ok(None),
            };
        }
        self.depth += 1;
        if self.depth == 1 {
            self.take();
            return Ok(Some(Piece::Open));
        }
        Ok(None)
    }

    fn element(&mut self) -> Result<Piece, SplitError> {
        let bytes = self.take();
        if bytes.len() > MAX_BYTES {
            return Err(SplitError::TooLong);
        }
        let text = String::from_utf8(bytes).map_err(|_| SplitError::Utf8)?;
        Ok(Piece::Element(text))
    }

    fn take(&mut self) -> Vec<u8> {
        let rest = self.buffer.split_off(self.position);
        self.position = 0;
        core::mem::replace(&mut self.buffer, rest)
    }
}

/// What came is no stream of XMPP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitError {
    /// An element is longer than [`MAX_BYTES`].
    TooLong,
    /// There is text between the elements.
    Text,
    /// A comment, a declaration, or a tag where there must be none.
    Forbidden,
    /// It is not UTF-8.
    Utf8,
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the server sent an element that is too long",
            Self::Text => "the server sent text between stanzas",
            Self::Forbidden => "the server sent what is forbidden in a stream",
            Self::Utf8 => "the server sent something that is not UTF-8",
        })
    }
}

impl core::error::Error for SplitError {}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' id='>'>\
        <a/> <b x='/>' y=\"</b>\"><c>1 &lt; 2</c><![CDATA[</b>]]><d/></b>\n<e>ü</e></stream:stream>";

    fn pieces(chunk: usize) -> Result<Vec<Piece>, SplitError> {
        let mut splitter = Splitter::default();
        let mut pieces = Vec::new();
        for bytes in STREAM.as_bytes().chunks(chunk) {
            splitter.push(bytes);
            while let Some(piece) = splitter.next_piece()? {
                pieces.push(piece);
            }
        }
        Ok(pieces)
    }

    #[test]
    fn pieces_are_the_same_wherever_the_bytes_are_broken() {
        let whole = pieces(STREAM.len()).unwrap();
        let element = |text: &str| Piece::Element(text.to_owned());
        assert_eq!(
            whole,
            [
                Piece::Open,
                element("<a/>"),
                element("<b x='/>' y=\"</b>\"><c>1 &lt; 2</c><![CDATA[</b>]]><d/></b>"),
                element("<e>ü</e>"),
                Piece::Close,
            ]
        );
        for chunk in 1..STREAM.len() {
            assert_eq!(pieces(chunk).unwrap(), whole, "{chunk}");
        }
    }

    #[test]
    fn what_is_no_stream_is_refused() {
        for (text, error) in [
            ("hello", SplitError::Text),
            ("<s><!-- no --></s>", SplitError::Forbidden),
            ("<s><?pi?></s>", SplitError::Forbidden),
            ("<!DOCTYPE s>", SplitError::Forbidden),
            ("<s/>", SplitError::Forbidden),
            ("</s>", SplitError::Forbidden),
        ] {
            let mut splitter = Splitter::default();
            splitter.push(text.as_bytes());
            let mut last = splitter.next_piece();
            while let Ok(Some(_)) = last {
                last = splitter.next_piece();
            }
            assert_eq!(last, Err(error), "{text}");
        }
    }

    #[test]
    fn an_element_without_an_end_is_not_kept_for_ever() {
        let mut splitter = Splitter::default();
        splitter.push(b"<s><m>");
        assert_eq!(splitter.next_piece(), Ok(Some(Piece::Open)));
        splitter.push(&vec![b'a'; MAX_BYTES]);
        assert_eq!(splitter.next_piece(), Err(SplitError::TooLong));
    }
}
