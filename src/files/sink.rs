//! Where pieces go.

use std::io::{self, Write};

use zeroize::Zeroizing;

use super::engine::PIECE;

/// A sink and the room in which a piece is worked on. What is in that room may be plaintext.
pub(super) struct Pieces<W> {
    sink: W,
    room: Zeroizing<Vec<u8>>,
}

impl<W: Write> Pieces<W> {
    pub(super) fn new(sink: W) -> Self {
        Self {
            sink,
            // No piece comes out longer; growing would leave plaintext behind in freed memory.
            room: Zeroizing::new(Vec::with_capacity(PIECE + 64)),
        }
    }

    /// The room, empty.
    pub(super) fn room(&mut self) -> &mut Vec<u8> {
        self.room.clear();
        &mut self.room
    }

    /// What is in the room.
    pub(super) fn piece(&self) -> &[u8] {
        &self.room
    }

    /// Takes away from what is in the room all that is behind `most` bytes.
    pub(super) fn cut(&mut self, most: usize) {
        self.room.truncate(most);
    }

    /// Writes what is in the room.
    pub(super) fn write_all(&mut self) -> io::Result<()> {
        self.sink.write_all(&self.room)
    }

    pub(super) const fn sink_mut(&mut self) -> &mut W {
        &mut self.sink
    }

    pub(super) fn flush(mut self) -> io::Result<W> {
        self.sink.flush()?;
        Ok(self.sink)
    }
}

/// Memory as a sink, wiped when it is dropped.
pub(super) struct Memory(pub(super) Zeroizing<Vec<u8>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
