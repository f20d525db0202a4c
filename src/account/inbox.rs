//! The inbox: decrypted messages that wait until everybody who has to has taken them over.
//!
//! A message is stored in the same transaction that uses up its key. After a crash it is still there, and
//! a consumer that was not running finds it too. Its [`MessageId`] is the same each time, so that a
//! consumer can tell what it has taken over already.

use prost::Message as _;
use zeroize::Zeroizing;

use super::names::Peer;
use super::options::InboxLimits;
use super::received::{Message, MessageId};
use super::records::{self, InboxRecord};
use super::survey::ConsumerSurvey;
use super::transaction::Transaction;
use super::{Account, AccountError, Listing, Trust};
use crate::model::{BareJid, DeviceId, Fingerprint, Timestamp, Version};

/// The consumer that every account has: the application.
pub const APPLICATION: &str = "application";

/// So many consumers can each acknowledge messages.
const MAX_CONSUMERS: usize = 8;

/// One part in so many of the inbox goes when it is full, so that not each message has to look for the
/// oldest.
const EVICTED_PART: usize = 10;

/// What is stored of a message besides its texts.
#[derive(Clone, PartialEq, prost::Message)]
struct WaitingHead {
    #[prost(uint64, tag = "1")]
    sequence: u64,
    #[prost(uint64, tag = "2")]
    received: u64,
    /// A bit for each consumer that has not acknowledged it.
    #[prost(uint32, tag = "3")]
    pending: u32,
    #[prost(string, tag = "4")]
    jid: String,
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
struct WaitingRecord {
    head: WaitingHead,
    payload: Zeroizing<Vec<u8>>,
    other: Zeroizing<Vec<u8>>,
    attached: Zeroizing<Vec<u8>>,
}

impl Account {
    /// The messages that a consumer has not acknowledged, in the order in which they were read.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn inbox(&self, consumer: &str) -> Result<Vec<Message>, AccountError> {
        self.read(|tx| {
            let record: InboxRecord = records::read(tx, &self.names.account("inbox"))?;
            let Some(bit) = bit_of(&record, consumer) else {
                return Ok(Vec::new());
            };
            let mut waiting = Vec::new();
            for (sort, value) in tx.scan(&self.names.inbox_range())? {
                let record = WaitingRecord::from_record(&value)?;
                if record.head.pending & bit != 0 {
                    waiting.push((record.head.sequence, record.message(&sort)?));
                }
            }
            waiting.sort_by_key(|(sequence, _)| *sequence);
            Ok(waiting.into_iter().map(|(_, message)| message).collect())
        })
    }

    /// Says that a consumer has taken a message over. When all have, its text is removed; nothing happens
    /// if it was already.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn acknowledge(&self, id: &MessageId, consumer: &str) -> Result<(), AccountError> {
        self.run(|tx| {
            let name = self.names.account("inbox");
            let mut inbox: InboxRecord = records::read(tx, &name)?;
            let entry = self.names.inbox(id.as_bytes());
            let (Some(bit), Some(value)) = (bit_of(&inbox, consumer), tx.get(&entry)?) else {
                return Ok(());
            };
            let mut waiting = WaitingRecord::from_record(&value)?;
            waiting.head.pending &= !bit;
            if waiting.head.pending == 0 {
                inbox.count = inbox.count.saturating_sub(1);
                inbox.bytes = inbox.bytes.saturating_sub(waiting.bytes());
                tx.delete(entry);
                records::write(tx, name, &inbox);
            } else {
                tx.put(entry, &waiting.to_record());
            }
            Ok(())
        })
    }

    /// Adds somebody who acknowledges messages besides the application ([`APPLICATION`]), such as an
    /// extension that shows notifications. Messages wait for it from now on. Nobody has an empty name: nothing
    /// happens then.
    ///
    /// # Errors
    /// [`AccountError::NoId`] if there are eight already; else as for all.
    pub fn add_consumer(&self, consumer: &str) -> Result<(), AccountError> {
        self.run(|tx| {
            let name = self.names.account("inbox");
            let mut inbox: InboxRecord = records::read(tx, &name)?;
            if consumer.is_empty() || bit_of(&inbox, consumer).is_some() {
                return Ok(());
            }
            let is_full = inbox.consumers.len() >= MAX_CONSUMERS;
            match inbox.consumers.iter_mut().find(|place| place.is_empty()) {
                Some(place) => consumer.clone_into(place),
                None if is_full => return Err(AccountError::NoId),
                None => inbox.consumers.push(consumer.to_owned()),
            }
            records::write(tx, name, &inbox);
            Ok(())
        })
    }

    /// Removes somebody who acknowledges messages: nothing waits for it any more. The
    /// [`APPLICATION`] too: until it is added again, messages are handed out once, as without an inbox
    /// ([`Options::inbox`](super::Options::inbox)).
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn remove_consumer(&self, consumer: &str) -> Result<(), AccountError> {
        self.run(|tx| {
            let name = self.names.account("inbox");
            let mut inbox: InboxRecord = records::read(tx, &name)?;
            let Some(bit) = bit_of(&inbox, consumer) else {
                return Ok(());
            };
            self.keep_waiting(tx, &mut inbox, |waiting| {
                waiting.head.pending &= !bit;
                waiting.head.pending != 0
            })?;
            // The place stays, so that the others keep their bits.
            for place in inbox
                .consumers
                .iter_mut()
                .filter(|place| *place == consumer)
            {
                place.clear();
            }
            records::write(tx, name, &inbox);
            Ok(())
        })
    }

    /// What waits for each consumer.
    pub(super) fn survey_inbox(
        &self,
        tx: &Transaction<'_>,
    ) -> Result<Vec<ConsumerSurvey>, AccountError> {
        let inbox: InboxRecord = records::read(tx, &self.names.account("inbox"))?;
        let named = inbox.consumers.into_iter().zip(0..);
        let mut consumers: Vec<_> = named
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, bit)| (1_u32 << bit, ConsumerSurvey::new(name)))
            .collect();
        for (_, value) in tx.scan(&self.names.inbox_range())? {
            let waiting = WaitingRecord::from_record(&value)?;
            for (bit, consumer) in &mut consumers {
                if waiting.head.pending & *bit != 0 {
                    let received = Timestamp::from_millis(waiting.head.received);
                    consumer.add(waiting.bytes(), received);
                }
            }
        }
        Ok(consumers
            .into_iter()
            .map(|(_, consumer)| consumer)
            .collect())
    }

    pub(super) fn put_into_inbox(
        &self,
        tx: &mut Transaction<'_>,
        message: &Message,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let Some(limits) = self.options.inbox else {
            return Ok(());
        };
        let name = self.names.account("inbox");
        let mut inbox: InboxRecord = records::read(tx, &name)?;
        let pending = inbox
            .consumers
            .iter()
            .zip(0..)
            .filter(|(consumer, _)| !consumer.is_empty())
            .fold(0, |bits, (_, bit)| bits | 1_u32 << bit);
        if pending == 0 {
            return Ok(());
        }
        let mut waiting = WaitingRecord::new(message);
        waiting.head.sequence = inbox.next;
        waiting.head.received = now.as_millis();
        waiting.head.pending = pending;
        inbox.next += 1;
        let entry = self.names.inbox(message.id.as_bytes());
        // Of a sender that has drawn the same ratchet key before.
        if let Some(replaced) = tx.get(&entry)? {
            let replaced = WaitingRecord::from_record(&replaced)?.bytes();
            inbox.count = inbox.count.saturating_sub(1);
            inbox.bytes = inbox.bytes.saturating_sub(replaced);
        }
        inbox.count = inbox.count.saturating_add(1);
        inbox.bytes = inbox.bytes.saturating_add(waiting.bytes());
        tx.put(entry, &waiting.to_record());
        if inbox.count > limits.messages || inbox.bytes > limits.bytes {
            self.evict_oldest(tx, &mut inbox, limits, waiting.head.sequence)?;
        }
        records::write(tx, name, &inbox);
        Ok(())
    }

    /// A message that waits for the application. What waits for others only is theirs to ask for.
    pub(super) fn waiting_message(
        &self,
        tx: &Transaction<'_>,
        id: &MessageId,
    ) -> Result<Option<Message>, AccountError> {
        let Some(value) = tx.get(&self.names.inbox(id.as_bytes()))? else {
            return Ok(None);
        };
        let inbox: InboxRecord = records::read(tx, &self.names.account("inbox"))?;
        let waiting = WaitingRecord::from_record(&value)?;
        if bit_of(&inbox, APPLICATION).is_some_and(|bit| waiting.head.pending & bit == 0) {
            return Ok(None);
        }
        waiting.message(id.as_bytes()).map(Some)
    }

    pub(super) fn expire_inbox(
        &self,
        tx: &mut Transaction<'_>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let Some(limits) = self.options.inbox else {
            return Ok(());
        };
        let name = self.names.account("inbox");
        let mut inbox: InboxRecord = records::read(tx, &name)?;
        self.keep_waiting(tx, &mut inbox, |waiting| {
            now.since(Timestamp::from_millis(waiting.head.received)) < limits.age
        })?;
        records::write(tx, name, &inbox);
        Ok(())
    }

    /// Removes what waits from an account.
    pub(super) fn remove_from_inbox(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
    ) -> Result<(), AccountError> {
        let name = self.names.account("inbox");
        let mut inbox: InboxRecord = records::read(tx, &name)?;
        self.keep_waiting(tx, &mut inbox, |waiting| waiting.head.jid != jid.as_str())?;
        records::write(tx, name, &inbox);
        Ok(())
    }

    /// Counts the messages and removes the oldest: a tenth, and more until the rest is within the limits;
    /// never the one that has just come.
    fn evict_oldest(
        &self,
        tx: &mut Transaction<'_>,
        inbox: &mut InboxRecord,
        limits: InboxLimits,
        newest: u64,
    ) -> Result<(), AccountError> {
        let mut waiting = Vec::new();
        for (_, value) in tx.scan(&self.names.inbox_range())? {
            let record = WaitingRecord::from_record(&value)?;
            waiting.push((record.head.sequence, record.bytes()));
        }
        waiting.sort_unstable();
        inbox.count = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
        inbox.bytes = waiting.iter().map(|(_, bytes)| bytes).sum();
        let tenth = waiting.len().div_ceil(EVICTED_PART);
        let (mut count, mut bytes) = (inbox.count, inbox.bytes);
        let mut first = newest;
        for (at, (sequence, size)) in waiting.into_iter().enumerate() {
            if at >= tenth && count <= limits.messages && bytes <= limits.bytes {
                first = sequence;
                break;
            }
            count -= 1;
            bytes -= size;
        }
        let first = first.min(newest);
        self.keep_waiting(tx, inbox, |waiting| waiting.head.sequence >= first)
    }

    /// Keeps the messages for which `keep` says so, as it has changed them.
    fn keep_waiting(
        &self,
        tx: &mut Transaction<'_>,
        inbox: &mut InboxRecord,
        mut keep: impl FnMut(&mut WaitingRecord) -> bool,
    ) -> Result<(), AccountError> {
        for (sort, value) in tx.scan(&self.names.inbox_range())? {
            let mut waiting = WaitingRecord::from_record(&value)?;
            let before = waiting.head.pending;
            if !keep(&mut waiting) {
                inbox.count = inbox.count.saturating_sub(1);
                inbox.bytes = inbox.bytes.saturating_sub(waiting.bytes());
                tx.delete(self.names.inbox(&sort));
            } else if waiting.head.pending != before {
                let value = waiting.to_record();
                tx.put(self.names.inbox(&sort), &value);
            }
        }
        Ok(())
    }
}

impl WaitingRecord {
    fn new(message: &Message) -> Self {
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

    fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let head = self.head.encode_length_delimited_to_vec();
        let parts: [&[u8]; 4] = [&head, &self.payload, &self.other, &self.attached];
        let length = parts.iter().map(|part| part.len()).sum();
        let mut record = Zeroizing::new(Vec::with_capacity(length));
        parts.iter().for_each(|part| record.extend_from_slice(part));
        record
    }

    fn from_record(record: &[u8]) -> Result<Self, AccountError> {
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

    fn message(self, id: &[u8]) -> Result<Message, AccountError> {
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

    fn bytes(&self) -> u64 {
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

fn bit_of(inbox: &InboxRecord, consumer: &str) -> Option<u32> {
    // The place of one that was removed has no name.
    if consumer.is_empty() {
        return None;
    }
    let consumers = inbox.consumers.iter();
    let mut places = consumers.zip(0..).filter(|(name, _)| *name == consumer);
    places.next().map(|(_, bit)| 1 << bit)
}
