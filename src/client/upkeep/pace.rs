//! How many new sessions are started by themselves, at once.

use core::time::Duration;
use std::collections::BTreeSet;

use crate::account::Peer;
use crate::model::Timestamp;

/// So many in a span. Each is a request, an answer of some kilobytes, and a message.
const AT_ONCE: usize = 30;

/// The span.
const SPAN: Duration = Duration::from_secs(60);

/// After a rollback every device that is known needs a new session. Servers slow down, or end the streams of,
/// those who send too much at once, and what the user writes should not wait behind it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    begun: Option<Timestamp>,
    count: usize,
    /// Those for which a bundle was asked for.
    under_way: BTreeSet<Peer>,
}

impl Pace {
    /// Whether one may be started with a device now, or was.
    pub(super) fn allows(&mut self, peer: &Peer, now: Timestamp) -> bool {
        if self.under_way.contains(peer) {
            return true;
        }
        // Either way: a clock may have been put back.
        let is_over = |begun: Timestamp| now.since(begun).max(begun.since(now)) >= SPAN;
        if self.begun.is_none_or(is_over) {
            self.begun = Some(now);
            self.count = 0;
        }
        if self.count >= AT_ONCE {
            return false;
        }
        self.count += 1;
        self.under_way.insert(peer.clone());
        true
    }

    /// It was started, or cannot be.
    pub(super) fn is_done(&mut self, peer: &Peer) {
        self.under_way.remove(peer);
    }

    /// Nothing is under way on a new stream.
    pub(super) fn begin_stream(&mut self) {
        self.under_way.clear();
    }

    /// When the next may be started.
    pub(super) fn next(&self, now: Timestamp) -> Timestamp {
        self.begun.unwrap_or(now).after(SPAN)
    }
}
