//! The limits of the inbox: what goes because of them, and how many messages the application has lost so.

use super::consumers::APPLICATION;
use super::options::InboxLimits;
use super::records::{self, InboxRecord};
use super::transaction::Transaction;
use super::waiting::WaitingRecord;
use super::{Account, AccountError};
use crate::model::Timestamp;

/// One part in so many of the inbox goes when it is full, so that not each message has to look for the
/// oldest.
const EVICTED_PART: usize = 10;

impl Account {
    /// How many messages were removed from the inbox because of its limits
    /// ([`InboxLimits`]) before the application had acknowledged them: since
    /// [`Self::evictions_told`] was called last, also by processes that run no more. They cannot be read again.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn evicted(&self) -> Result<u64, AccountError> {
        self.read(|tx| {
            let inbox: InboxRecord = records::read(tx, &self.names.account("inbox"))?;
            Ok(inbox.evicted)
        })
    }

    /// Says that the user knows of so many messages that were removed: [`Self::evicted`] counts them no more.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn evictions_told(&self, count: u64) -> Result<(), AccountError> {
        self.run(|tx| {
            let name = self.names.account("inbox");
            let mut inbox: InboxRecord = records::read(tx, &name)?;
            let left = inbox.evicted.saturating_sub(count);
            if left != inbox.evicted {
                inbox.evicted = left;
                records::write(tx, name, &inbox);
            }
            Ok(())
        })
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
        let before = inbox.clone();
        self.evict_waiting(tx, &mut inbox, |waiting| {
            now.since(Timestamp::from_millis(waiting.head.received)) >= limits.age
        })?;
        if inbox != before {
            records::write(tx, name, &inbox);
        }
        Ok(())
    }

    /// Counts the messages and removes the oldest: a tenth, and more until the rest is within the limits;
    /// never the one that has just come.
    pub(super) fn evict_oldest(
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
        self.evict_waiting(tx, inbox, |waiting| waiting.head.sequence < first)
    }

    /// Removes the messages for which `goes` says so, and counts those that the application loses.
    fn evict_waiting(
        &self,
        tx: &mut Transaction<'_>,
        inbox: &mut InboxRecord,
        goes: impl Fn(&WaitingRecord) -> bool,
    ) -> Result<(), AccountError> {
        let application = inbox.bit_of(APPLICATION).unwrap_or(0);
        let mut lost = 0;
        self.keep_waiting(tx, inbox, |waiting| {
            let goes = goes(waiting);
            lost += u64::from(goes && waiting.head.pending & application != 0);
            !goes
        })?;
        inbox.evicted = inbox.evicted.saturating_add(lost);
        Ok(())
    }

    /// Keeps the messages for which `keep` says so, as it has changed them.
    pub(super) fn keep_waiting(
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
