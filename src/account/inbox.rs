//! The inbox: decrypted messages that wait until everybody who has to has taken them over.
//!
//! A message is stored in the same transaction that uses up its key. After a crash it is still there, and
//! a consumer that was not running finds it too. Its [`MessageId`] is the same each time, so that a
//! consumer can tell what it has taken over already.

use super::consumers::APPLICATION;
use super::received::{Message, MessageId};
use super::records::{self, InboxRecord};
use super::transaction::{MAX_WRITE, Transaction};
use super::waiting::WaitingRecord;
use super::{Account, AccountError};
use crate::model::{BareJid, Timestamp};

/// One transaction acknowledges no more messages.
const MAX_ACKNOWLEDGED: usize = 1000;

impl Account {
    /// The messages that a consumer has not acknowledged, in the order in which they were read.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn inbox(&self, consumer: &str) -> Result<Vec<Message>, AccountError> {
        self.read(|tx| {
            let record: InboxRecord = records::read(tx, &self.names.account("inbox"))?;
            let Some(bit) = record.bit_of(consumer) else {
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

    /// Says that a consumer has taken messages over. When all consumers have, their texts are removed. What
    /// does not wait any more is passed over, so that all of a page can be given again after an error.
    ///
    /// One transaction takes up to 1,000 messages, or 16 MiB of them: a page costs one write, not one for
    /// each message.
    ///
    /// # Errors
    /// [`AccountError`]: some may be acknowledged. Those whose record is damaged are left, and all others are not.
    pub fn acknowledge(&self, ids: &[MessageId], consumer: &str) -> Result<(), AccountError> {
        let (mut rest, mut damaged) = (ids, None);
        while !rest.is_empty() {
            let done = self.run(|tx| self.acknowledge_some(tx, rest, consumer, &mut damaged))?;
            rest = rest.get(done..).unwrap_or_default();
        }
        damaged.map_or(Ok(()), Err)
    }

    /// Acknowledges as many messages as one write has room for, and says how many that were.
    fn acknowledge_some(
        &self,
        tx: &mut Transaction<'_>,
        ids: &[MessageId],
        consumer: &str,
        damaged: &mut Option<AccountError>,
    ) -> Result<usize, AccountError> {
        let name = self.names.account("inbox");
        let mut inbox: InboxRecord = records::read(tx, &name)?;
        let Some(bit) = inbox.bit_of(consumer) else {
            return Ok(ids.len());
        };
        let (mut done, mut size) = (0, 0);
        for id in ids.iter().take(MAX_ACKNOWLEDGED) {
            if size >= MAX_WRITE {
                break;
            }
            done += 1;
            let entry = self.names.inbox(id.as_bytes());
            let Some(value) = tx.get(&entry)? else {
                continue;
            };
            size += value.len();
            let mut waiting = match WaitingRecord::from_record(&value) {
                Ok(waiting) => waiting,
                Err(error) => {
                    *damaged = Some(error);
                    continue;
                }
            };
            waiting.head.pending &= !bit;
            if waiting.head.pending == 0 {
                inbox.count = inbox.count.saturating_sub(1);
                inbox.bytes = inbox.bytes.saturating_sub(waiting.bytes());
                tx.delete(entry);
            } else {
                tx.put(entry, &waiting.to_record());
            }
        }
        records::write(tx, name, &inbox);
        Ok(done)
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
        let pending = inbox.everybody();
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
        if inbox
            .bit_of(APPLICATION)
            .is_some_and(|bit| waiting.head.pending & bit == 0)
        {
            return Ok(None);
        }
        waiting.message(id.as_bytes()).map(Some)
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
}
