//! What is kept of a stanza beside its decrypted content, so that it can be handed out again after a
//! crash: addresses, ids, and how it came.

use prost::Message as _;
use zeroize::Zeroizing;

use crate::client::action::Origin;
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
    pub(in crate::client) origin: Origin,
    /// When it was sent, as who forwarded it says.
    pub(in crate::client) delay: Option<Timestamp>,
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
}

impl Attached {
    pub(in crate::client) fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let record = Record {
            shell: self.shell.clone(),
            addressee: self.addressee.as_str().to_owned(),
            is_in_room: self.is_in_room,
            origin: match self.origin {
                Origin::Direct => 0,
                Origin::CarbonReceived => 1,
                Origin::CarbonSent => 2,
                Origin::Archive => 3,
            },
            delay: self.delay.map(Timestamp::as_millis),
        };
        Zeroizing::new(record.encode_to_vec())
    }

    pub(in crate::client) fn from_record(record: &[u8]) -> Option<Self> {
        let record = Record::decode(record).ok()?;
        Some(Self {
            shell: record.shell,
            addressee: record.addressee.parse().ok()?,
            is_in_room: record.is_in_room,
            origin: match record.origin {
                0 => Origin::Direct,
                1 => Origin::CarbonReceived,
                2 => Origin::CarbonSent,
                3 => Origin::Archive,
                _ => return None,
            },
            delay: record.delay.map(Timestamp::from_millis),
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
            let attached = Attached {
                shell: "<message/>".to_owned(),
                addressee: "romeo@montague.example".parse().unwrap(),
                is_in_room: delay.is_some(),
                origin,
                delay,
            };
            let again = Attached::from_record(&attached.to_record()).unwrap();
            assert_eq!((again.origin, again.delay), (origin, delay));
            assert_eq!(again.is_in_room, delay.is_some());
            assert_eq!(again.addressee, attached.addressee);
        }
        assert!(Attached::from_record(b"\xff").is_none());
    }
}
