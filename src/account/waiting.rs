//! A message as it waits in the inbox: a head, and its texts.

use prost::Message as _;
use zeroize::Zeroizing;

use super::names::Peer;
use super::received::{Message, MessageId};
use super::{AccountError, Listing, Trust};
use crate::model::{DeviceId, Fingerprint, Version};

/// What is stored of a message besides its texts.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WaitingHead {
    #[prost(uint64, tag = "1")]
    pub(super) sequence: u64,
    #[prost(uint64, tag = "2")]
    pub(super) received: u64,
    /// A bit for each consumer that has not acknowledged it.
    #[prost(uint32, tag = "3")]
    pub(super) pending: u32,
    #[prost(string, tag = "4")]
    pub(super) jid: String,
    #[prost(uint32, tag = "5")]
    device: u32,
    #[prost(uint32, tag = "6")]
    version: u32,
    #[prost(bytes = "vec", tag = "7")]
    fingerprint: Vec<u8>,
    #[prost(uint32, tag = "8")]
    trust: u32,
    #[prost(bool, tag = "9")]
    is_new_key: bool,
    #[prost(uint32, tag = "10")]
    listing: u32,
    #[prost(bool, tag = "11")]
    is_pre_key_reused: bool,
    /// The lengths of the texts, which stand behind the head: the text, that of the other version, and what
    /// came with the stanza.
    #[prost(uint64, tag = "12")]
    payload_len: u64,
    #[prost(uint32, tag = "13")]
    other_version: u32,
    #[prost(uint64, tag = "14")]
    other_len: u64,
}

/// A message as it waits: its head with its length, then its texts. They are no part of the protobuf, as
/// prost reads bytes by way of a copy that it does not wipe.
pub(super) struct WaitingRecord {
    pub(super) head: WaitingHead,
    payload: Zeroizing<Vec<u8>>,
    other: Zeroizing<Vec<u8>>,
    attached: Zeroizing<Vec<u8>>,
}

impl WaitingRecord {
    pub(super) fn new(message: &Message) -> Self {
        let other = message.other.as_ref();
        let head = WaitingHead {
            sequence: 0,
            received: 0,
            pending: 0,
            jid: message.sender.jid.as_str().to_owned(),
            device: message.sender.device.get(),
            version: message.sender.version.code().into(),
            fingerprint: message.fingerprint.as_bytes().to_vec(),
            trust: message.trust.code(),
            is_new_key: message.is_new_key,
            listing: message.listing.code(),
            is_pre_key_reused: message.is_pre_key_reused,
            payload_len: message.payload.len() as u64,
            other_version: other.map_or(0, |(version, _)| version.code().into()),
            other_len: other.map_or(0, |(_, text)| text.len() as u64),
        };
        Self {
            head,
            payload: message.payload.clone(),
            other: other.map(|(_, text)| text.clone()).unwrap_or_default(),
            attached: message.attached.clone(),
        }
    }

    pub(super) fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let head = self.head.encode_length_delimited_to_vec();
        let parts: [&[u8]; 4] = [&head, &self.payload, &self.other, &self.attached];
        let length = parts.iter().map(|part| part.len()).sum();
        let mut record = Zeroizing::new(Vec::with_capacity(length));
        parts.iter().for_each(|part| record.extend_from_slice(part));
        record
    }

    pub(super) fn from_record(record: &[u8]) -> Result<Self, AccountError> {
        let mut rest = record;
        let head = WaitingHead::decode_length_delimited(&mut rest)?;
        let mut take = |len: u64| {
            let len = usize::try_from(len).map_err(|_| AccountError::Record)?;
            let (text, behind) = rest.split_at_checked(len).ok_or(AccountError::Record)?;
            rest = behind;
            Ok::<_, AccountError>(Zeroizing::new(text.to_vec()))
        };
        let (payload, other) = (take(head.payload_len)?, take(head.other_len)?);
        Ok(Self {
            head,
            payload,
            other,
            attached: Zeroizing::new(rest.to_vec()),
        })
    }

    pub(super) fn message(self, id: &[u8]) -> Result<Message, AccountError> {
        let Self {
            head,
            payload,
            other,
            attached,
        } = self;
        let version = |code: u32| u8::try_from(code).ok().and_then(Version::from_code);
        let id = id.try_into().map_err(|_| AccountError::Record)?;
        let fingerprint = head.fingerprint.as_slice();
        let fingerprint = fingerprint.try_into().map_err(|_| AccountError::Record)?;
        Ok(Message {
            id: MessageId::from_bytes(id),
            sender: Peer {
                jid: head.jid.parse().map_err(|_| AccountError::Record)?,
                device: DeviceId::new(head.device).ok_or(AccountError::Record)?,
                version: version(head.version).ok_or(AccountError::Record)?,
            },
            fingerprint: Fingerprint::from_bytes(fingerprint),
            trust: Trust::from_code(head.trust),
            is_new_key: head.is_new_key,
            listing: Listing::from_code(head.listing),
            is_pre_key_reused: head.is_pre_key_reused,
            is_again: true,
            payload,
            other: version(head.other_version).map(|version| (version, other)),
            attached,
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        (self.payload.len() + self.other.len() + self.attached.len()) as u64
    }
}

impl Listing {
    const fn code(self) -> u32 {
        match self {
            Self::Never => 0,
            Self::Active => 1,
            Self::Removed => 2,
        }
    }

    const fn from_code(code: u32) -> Self {
        match code {
            1 => Self::Active,
            2 => Self::Removed,
            _ => Self::Never,
        }
    }
}
