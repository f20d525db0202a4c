//! Archives that are read: the queries that were announced, and the pages that are being collected.
//!
//! A query belongs to a catch-up, and a result to a query: it is held until the page of its query ends.
//! Each page is one transaction. What an archive sends without having been asked is not read.

use std::collections::{BTreeMap, VecDeque};

use rand_core::TryCryptoRng;

use super::evidence::{Evidence, Suspects};
use super::held::Held;
use crate::account::{AccountError, Arrival, CatchUpId, Incoming, Order};
use crate::client::Client;
use crate::model::{BareJid, Timestamp};
use crate::stanza::author;

/// Names a query to an archive that was announced with [`Client::expect_archive`], as long as the client
/// lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryId(u64);

impl QueryId {
    /// The query of this number, as [`Self::get`] gave it.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// Its number, never 0.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What the results of a query are known by: whose archive answers, and the `queryid`.
type Name = (BareJid, Option<String>);

/// The queries whose results are taken.
#[derive(Default)]
pub(in crate::client) struct Archives {
    last: u64,
    queries: BTreeMap<QueryId, Query>,
    /// Of several with one name, the one that was announced last.
    by_name: BTreeMap<Name, QueryId>,
    /// How many results all pages hold, and about how many bytes.
    held: usize,
    held_bytes: usize,
}

/// A query, and the page of it that is being collected.
struct Query {
    catch_up: CatchUpId,
    name: Name,
    page: VecDeque<Held>,
}

/// Pages are decrypted when they have so many results in all, complete or not.
const MAX_HELD: usize = 1000;

/// Or so many bytes.
const MAX_HELD_BYTES: usize = 16 << 20;

impl Archives {
    /// The query that a result answers, and the archive that was asked: only if the one who sends it was
    /// asked, with this `queryid`.
    pub(in crate::client) fn find(
        &self,
        query: Option<&str>,
        from: Option<&str>,
        own: &BareJid,
    ) -> Option<(QueryId, &BareJid)> {
        let archive = match from {
            Some(from) => from.parse().ok()?,
            None => own.clone(),
        };
        let id = *self.by_name.get(&(archive, query.map(str::to_owned)))?;
        let query = self.queries.get(&id)?;
        Some((id, &query.name.0))
    }

    fn announce(&mut self, catch_up: CatchUpId, name: Name) -> QueryId {
        let known = self.by_name.get(&name);
        let known = known.and_then(|id| Some((*id, self.queries.get(id)?)));
        if let Some((id, _)) = known.filter(|(_, query)| query.catch_up == catch_up) {
            return id;
        }
        self.last += 1;
        let id = QueryId(self.last);
        self.by_name.insert(name.clone(), id);
        let page = VecDeque::new();
        let query = Query {
            catch_up,
            name,
            page,
        };
        self.queries.insert(id, query);
        id
    }

    pub(in crate::client) fn hold(&mut self, id: QueryId, held: Held) {
        if let Some(query) = self.queries.get_mut(&id) {
            self.held += 1;
            self.held_bytes = self.held_bytes.saturating_add(held.size());
            query.page.push_back(held);
        }
    }

    /// The first result of a page was read, or waits elsewhere.
    fn release(&mut self, id: QueryId) -> Option<Held> {
        let held = self.queries.get_mut(&id)?.page.pop_front()?;
        self.held = self.held.saturating_sub(1);
        self.held_bytes = self.held_bytes.saturating_sub(held.size());
        Some(held)
    }

    pub(in crate::client) const fn is_full(&self) -> bool {
        self.held >= MAX_HELD || self.held_bytes >= MAX_HELD_BYTES
    }

    fn of(&self, catch_up: CatchUpId) -> Vec<QueryId> {
        let queries = self.queries.iter();
        let queries = queries.filter(|(_, query)| query.catch_up == catch_up);
        queries.map(|(id, _)| *id).collect()
    }

    fn forget(&mut self, id: QueryId) {
        if let Some(query) = self.queries.remove(&id)
            && self.by_name.get(&query.name) == Some(&id)
        {
            self.by_name.remove(&query.name);
        }
    }
}

impl<R: TryCryptoRng> Client<R> {
    /// Begins a catch-up: messages from a time of absence are going to come, from the server's offline
    /// storage or from archives that are read in this order. To be called before the first of them, and ended
    /// with [`Self::end_catch_up`]. Several may be open at once: one for each archive that is read, one for
    /// offline messages, one for a user who scrolls back. Until the last of them ends, also those of other
    /// processes on the same store, used pre-keys are kept and broken sessions are not mended. One that is
    /// never ended expires after seven days.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn begin_catch_up(
        &mut self,
        order: Order,
        now: Timestamp,
    ) -> Result<CatchUpId, AccountError> {
        self.account.begin_catch_up(order, now)
    }

    /// Announces a query to an archive (XEP-0313), as a part of a catch-up: only results that are announced
    /// are read. `archive` is the address of a room; `None` is the account's own archive. `query_id` is the
    /// `queryid` of the query. `None` takes results without one: for old servers that leave it out. Where
    /// the same query was announced in several catch-ups, its results belong to the last of them.
    ///
    /// It may be announced for each page anew, or once for all.
    pub fn expect_archive(
        &mut self,
        catch_up: CatchUpId,
        archive: Option<&BareJid>,
        query_id: Option<&str>,
    ) -> QueryId {
        let archive = archive.unwrap_or_else(|| self.account.jid()).clone();
        let name = (archive, query_id.map(str::to_owned));
        self.archives.announce(catch_up, name)
    }

    /// A page of a query has come as a whole: it is decrypted, and stored at once. Keep the place in
    /// the archive when the actions that it has brought were taken, and [`Self::unnamed`] is 0: until then some of
    /// its messages are in memory alone, and the archive has to give them again after a crash. Nothing happens if the query's catch-up
    /// was ended.
    ///
    /// # Errors
    /// [`AccountError`]: the page still waits; call it again.
    pub fn end_page(&mut self, query: QueryId, now: Timestamp) -> Result<(), AccountError> {
        self.read_page(query, now)?;
        self.go_on(now)
    }

    /// Ends a catch-up: everything that belongs to it has come. What its queries still hold is read, and
    /// their results are not taken any more. Other catch-ups go on. Then [`Self::maintain`] runs.
    ///
    /// # Errors
    /// [`AccountError`]: call it again.
    pub fn end_catch_up(
        &mut self,
        catch_up: CatchUpId,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let queries = self.archives.of(catch_up);
        for query in &queries {
            self.read_page(*query, now)?;
        }
        self.account.end_catch_up(catch_up, now, &mut self.rng)?;
        for query in queries {
            self.archives.forget(query);
        }
        self.evictions.check();
        self.go_on(now)
    }

    /// Reads all pages as far as they have come: they take too much memory.
    pub(super) fn read_pages(&mut self, now: Timestamp) -> Result<(), AccountError> {
        let queries: Vec<_> = self.archives.queries.keys().copied().collect();
        for query in queries {
            self.read_page(query, now)?;
        }
        self.go_on(now)
    }

    fn read_page(&mut self, query: QueryId, now: Timestamp) -> Result<(), AccountError> {
        while self.read_some(query, now)? {}
        Ok(())
    }

    /// Reads of a page what fits into one write, and says whether there was something.
    fn read_some(&mut self, id: QueryId, now: Timestamp) -> Result<bool, AccountError> {
        let query = self.archives.queries.get(&id);
        let Some(query) = query.filter(|query| !query.page.is_empty()) else {
            return Ok(false);
        };
        let arrival = Arrival::Archived(query.catch_up);
        let page = &query.page;
        let records: Vec<_> = page.iter().map(|held| held.attached.to_record()).collect();
        // As a rule all of a page is from one room.
        let mut suspects: BTreeMap<&Evidence, Option<Suspects>> = BTreeMap::new();
        for held in page {
            let evidence = &held.evidence;
            let entry = suspects.entry(evidence);
            entry.or_insert_with(|| self.suspects(evidence));
        }
        let bundles = self.knowledge.bundles();
        let incoming: Vec<_> = page
            .iter()
            .zip(&records)
            .map(|(held, record)| Incoming {
                sender: held.evidence.sender(
                    suspects.get(&held.evidence).and_then(Option::as_ref),
                    bundles,
                ),
                elements: &held.elements,
                arrival,
                author: Some(author),
                attached: record,
            })
            .collect();
        let received = self.account.decrypt_page(&incoming, now, &mut self.rng)?;
        for received in received {
            // What was not handed out yet is read again, as a duplicate that waits in the inbox.
            let first = self.archives.queries.get(&id);
            let Some(held) = first.and_then(|query| query.page.front()) else {
                break;
            };
            if self.waits_for_its_sender(held, &received)? {
                // The page goes on without it.
                if let Some(held) = self.archives.release(id) {
                    self.wait_for_sender(held, arrival, now);
                }
                continue;
            }
            let attached = held.attached.clone();
            self.conclude(received, attached, now)?;
            self.archives.release(id);
        }
        Ok(true)
    }
}
