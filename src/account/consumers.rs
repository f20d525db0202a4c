//! Who acknowledges messages: the application, and others beside it.

use super::records::{self, InboxRecord};
use super::survey::ConsumerSurvey;
use super::transaction::Transaction;
use super::waiting::WaitingRecord;
use super::{Account, AccountError};
use crate::model::Timestamp;

/// The consumer that every account has: the application.
pub const APPLICATION: &str = "application";

/// So many consumers can each acknowledge messages.
const MAX_CONSUMERS: usize = 8;

impl Account {
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
            if consumer.is_empty() || inbox.bit_of(consumer).is_some() {
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
            let Some(bit) = inbox.bit_of(consumer) else {
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
}

impl InboxRecord {
    /// A bit for each consumer.
    pub(super) fn everybody(&self) -> u32 {
        let places = self.consumers.iter().zip(0..);
        let taken = places.filter(|(consumer, _)| !consumer.is_empty());
        taken.fold(0, |bits, (_, bit)| bits | 1_u32 << bit)
    }

    /// The bit of a consumer.
    pub(super) fn bit_of(&self, consumer: &str) -> Option<u32> {
        // The place of one that was removed has no name.
        if consumer.is_empty() {
            return None;
        }
        let places = self.consumers.iter().zip(0..);
        let mut found = places.filter(|(name, _)| *name == consumer);
        found.next().map(|(_, bit)| 1 << bit)
    }
}
