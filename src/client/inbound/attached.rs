//! What is kept of a stanza beside its decrypted content, so that it can be handed out again after a
//! crash: addresses, ids, and how it came.

use prost::Message as _;
use zeroize::Zeroizing;

use crate::client::action::{ArchiveId, Origin};
use crate::model::{BareJid, Timestamp};

/// What is known of a stanza besides its encrypted part.
#[derive(Clone, Debug)]
pub(in crate::client) struct Attached {
    /// The stanza without its encrypted part.
    pub(in crate::client) shell: String,
    /// To whom it was sent.
    pub(in crate::client) addressee: BareJid,
    /// It went to everybody in a room.
    pub(in crate::client) is_in_room: bool,
    /// It went to one occupant of the room that is the addressee, and whose nickname that was is not known.
    pub(in crate::client) is_to_occupant: bool,
    pub(in crate::client) origin: Origin,
    /// Where an archive has it.
    pub(in crate::client) archived: Option<ArchiveId>,
    /// When it was sent, as who forwarded it says.
    pub(in crate::client) delay: Option<Timestamp>,
    /// When it was sent, as its own `<delay/>` says, which anybody can have written.
    pub(in crate::client) kept_since: Option<Timestamp>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Record {
    #[prost(string, tag = "1")]
    shell: String,
    #[prost(string, tag = "2")]
    addressee: String,
    #[prost(bool, tag = "3")]
    is_in_room: bool,
    #[prost(uint32, tag = "4")]
    origin: u32,
    #[prost(uint64, optional, tag = "5")]
    delay: Option<u64>,
    /// The archive, and its id of the message.
    #[prost(string, optional, tag = "6")]
    archive: Option<String>,
    #[prost(string, tag = "7")]
    archive_id: String,
    #[prost(uint64, optional, tag = "8")]
    kept_since: Option<u64>,
    #[prost(bool, tag = "9")]
    is_to_occupant: bool,
}

impl Attached {
    pub(in crate::client) fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let record = Record {
            shell: self.shell.clone(),
            addressee: self.addressee.as_str().to_owned(),
            is_in_room: self.is_in_room,
            is_to_occupant: self.is_to_occupant,
            origin: match self.origin {
                Origin::Direct => 0,
                Origin::CarbonReceived => 1,
                Origin::CarbonSent => 2,
                Origin::Archive => 3,
            },
            delay: self.delay.map(Timestamp::as_millis),
            kept_since: self.kept_since.map(Timestamp::as_millis),
            archive: self.archived.as_ref().map(|at| at.archive.to_string()),
            archive_id: self
                .archived
                .as_ref()
                .map_or_else(String::new, |at| at.id.clone()),
        };
        Zeroizing::new(record.encode_to_vec())
    }

    pub(in crate::client) fn from_record(record: &[u8]) -> Option<Self> {
        let record = Record::decode(record).ok()?;
        let archived = match record.archive {
            Some(archive) => Some(ArchiveId {
                archive: archive.parse().ok()?,
                id: record.archive_id,
            }),
            None => None,
        };
        Some(Self {
            shell: record.shell,
            addressee: record.addressee.parse().ok()?,
            is_in_room: record.is_in_room,
            is_to_occupant: record.is_to_occupant,
            origin: match record.origin {
                0 => Origin::Direct,
                1 => Origin::CarbonReceived,
                2 => Origin::CarbonSent,
                3 => Origin::Archive,
                _ => return None,
            },
            archived,
            delay: record.delay.map(Timestamp::from_millis),
            kept_since: record.kept_since.map(Timestamp::from_millis),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_attached_is_read_back() {
        for (origin, delay) in [
            (Origin::Direct, None),
            (Origin::CarbonReceived, Some(Timestamp::from_millis(0))),
            (Origin::CarbonSent, Some(Timestamp::from_millis(7))),
            (Origin::Archive, None),
        ] {
            let id = |id: &str| ArchiveId {
                archive: "garden@rooms.verona.example".parse().unwrap(),
                id: id.to_owned(),
            };
            let archived = (origin == Origin::Archive).then(|| id("7"));
            let attached = Attached {
                archived,
                shell: "<message/>".to_owned(),
                addressee: "romeo@montague.example".parse().unwrap(),
                is_in_room: delay.is_some(),
                is_to_occupant: delay.is_none(),
                origin,
                delay,
                kept_since: delay.map(|at| Timestamp::from_millis(at.as_millis() + 1)),
            };
            let again = Attached::from_record(&attached.to_record()).unwrap();
            assert_eq!((again.origin, again.delay), (origin, delay));
            assert_eq!(again.archived, attached.archived);
            assert_eq!(again.kept_since, attached.kept_since);
            assert_eq!(again.is_in_room, delay.is_some());
            assert_eq!(again.is_to_occupant, delay.is_none());
            assert_eq!(again.addressee, attached.addressee);
        }
        assert!(Attached::from_record(b"\xff").is_none());
    }
}
