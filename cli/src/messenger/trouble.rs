//! What goes wrong beside messages, and may concern them.

use core::fmt;

use omemo::model::BareJid;

/// Something that went wrong, after which the account goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The archive has lost the place up to which it was read, and is read from its beginning.
    ArchiveCut,
    /// The archive gives the same page again: the rest of it is asked for at the next login.
    ArchiveRepeats,
    /// The archive cannot be read, and the server says why: what was written meanwhile is asked for at the
    /// next login.
    Archive(String),
    /// A room does not say who all of its members are, and why: those who are not there do not read what is
    /// written.
    Members(BareJid, String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ArchiveCut => f.write_str(
                "the archive does not reach back to the last message that was read: messages may be missing",
            ),
            Self::ArchiveRepeats => f.write_str(
                "the archive gives the same messages again: others may be missing until the next login",
            ),
            Self::Archive(why) => write!(
                f,
                "the archive cannot be read ({why}): messages may be missing until the next login"
            ),
            Self::Members(room, why) => write!(
                f,
                "{room} does not say who all of its members are ({why}): those who are not there now \
                 may not be able to read what is written"
            ),
        }
    }
}
