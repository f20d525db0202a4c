//! Catching up: archives are read in pages, and each page is one transaction.

use std::collections::VecDeque;

use rand_core::TryCryptoRng;

use super::take::Held;
use crate::account::{AccountError, Arrival, Incoming, Order};
use crate::client::Client;
use crate::model::{BareJid, Timestamp};

/// The queries whose results are taken, and the page that is being collected.
#[derive(Default)]
pub(in crate::client) struct Archive {
    queries: Vec<(Option<BareJid>, String)>,
    page: VecDeque<Held>,
    /// The bytes of the messages that were held since a page was begun.
    held_bytes: usize,
}

/// A page is decrypted when it has so many messages, complete or not.
const MAX_PAGE: usize = 1000;

/// Or so many bytes.
const MAX_PAGE_BYTES: usize = 16 << 20;

impl Archive {
    /// The archive that a result is from, if it answers a query of ours, and who sends it was asked.
    pub(in crate::client) fn source<'a>(
        &'a self,
        query: Option<&str>,
        from: Option<&str>,
        own: &'a BareJid,
    ) -> Option<&'a BareJid> {
        let mut archives = self.queries.iter().filter_map(|(archive, id)| {
            let asked = archive.as_ref().unwrap_or(own);
            (query == Some(id.as_str())).then_some(asked)
        });
        archives.find(|asked| match from {
            Some(from) => asked.is_spelt(from),
            None => *asked == own,
        })
    }

    pub(in crate::client) fn hold(&mut self, held: Held) {
        if self.page.is_empty() {
            self.held_bytes = 0;
        }
        self.held_bytes = self.held_bytes.saturating_add(held.size());
        self.page.push_back(held);
    }

    pub(in crate::client) fn is_full(&self) -> bool {
        self.page.len() >= MAX_PAGE || self.held_bytes >= MAX_PAGE_BYTES
    }
}

impl<R: TryCryptoRng> Client<R> {
    /// Says that messages from a time of absence are coming: offline ones, and those of an archive in
    /// this order. To be called before the first of them, and ended with [`Self::end_catch_up`].
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn begin_catch_up(&mut self, order: Order, now: Timestamp) -> Result<(), AccountError> {
        self.account.begin_catch_up(order, now)
    }

    /// Says that an archive was asked, and with which `queryid`: only results with both are taken. `None`
    /// is the account's own archive; of a room it is the room's.
    pub fn expect_archive(&mut self, archive: Option<&BareJid>, query_id: &str) {
        let query = (archive.cloned(), query_id.to_owned());
        if !self.archive.queries.contains(&query) {
            self.archive.queries.push(query);
        }
    }

    /// A page of an archive has come as a whole: it is decrypted, and stored at once. Keep the place in
    /// the archive when the actions that it has brought were taken.
    ///
    /// # Errors
    /// [`AccountError`]: the page still waits; call it again.
    pub fn end_page(&mut self, now: Timestamp) -> Result<(), AccountError> {
        while !self.archive.page.is_empty() {
            self.read_page(now)?;
        }
        self.go_on(now)
    }

    /// Reads of the page what fits into one write.
    fn read_page(&mut self, now: Timestamp) -> Result<(), AccountError> {
        let page = &self.archive.page;
        let records: Vec<_> = page.iter().map(|held| held.attached.to_record()).collect();
        let incoming: Vec<_> = page
            .iter()
            .zip(&records)
            .map(|(held, record)| Incoming {
                senders: &held.senders,
                elements: &held.elements,
                arrival: Arrival::Archived,
                attached: record,
            })
            .collect();
        let received = self.account.decrypt_page(&incoming, now, &mut self.rng)?;
        for received in received {
            // What was not handed out yet is read again, as a duplicate that waits in the inbox.
            if let Some(held) = self.archive.page.front() {
                let attached = held.attached.clone();
                self.conclude(received, attached, now)?;
                self.archive.page.pop_front();
            }
        }
        Ok(())
    }

    /// Everything that was written during the absence has come. Broken sessions are mended, and what has to be
    /// done from time to time is: signed pre-keys are rotated and used pre-keys wiped, bundles published
    /// again, and old sessions, skipped keys and messages that nobody has taken removed.
    ///
    /// To be called once a day, too, by a client that is never away or asks no archive: nothing else does this.
    ///
    /// # Errors
    /// [`AccountError`]: call it again.
    pub fn end_catch_up(&mut self, now: Timestamp) -> Result<(), AccountError> {
        self.end_page(now)?;
        self.archive.queries.clear();
        self.account.end_catch_up(now, &mut self.rng)?;
        self.go_on(now)
    }
}
