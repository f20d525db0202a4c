//! What is known of device lists and bundles: since when, whether the last lookup failed, and when the
//! next one is due.
//!
//! ```text
//!               pushed, or answered            failed: no answer, an error
//!                      ↓                                ↓
//!   Fresh, Absent ── list_age, or a new stream ──→  Stale (a list that is known), or Unreachable
//!                      ↓                                ↓
//!            asked before a message         asked again after a pause, each twice as long
//! ```
//!
//! Only [`Client::look_up`](crate::client::Client) asks others, so nothing else decides what is fresh.

mod answers;
mod bundles;
mod lists;
mod look_up;
mod pushes;
mod table;

use std::collections::BTreeSet;

pub(in crate::client) use look_up::LookUp;
pub(in crate::client) use table::Table;

use crate::account::{Bundles, Peer};
use crate::model::{BareJid, DeviceId, Timestamp, Version};

/// Something that an account publishes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::client) enum Resource {
    /// The device list of a version.
    List(BareJid, Version),
    /// The bundle of a device.
    Bundle(Peer),
}

/// What is known, and who tells of changes.
#[derive(Debug, Default)]
pub(in crate::client) struct Knowledge {
    table: Table,
    /// What came of the last request for each bundle. What was used is not in it: pre-keys are used once.
    bundles: Bundles,
    /// Contacts whose server tells us of changes of their device lists.
    subscribed: BTreeSet<BareJid>,
    /// Recipients of messages that were refused. Another message to one of them is a retry by the user.
    refused: BTreeSet<BareJid>,
    /// Devices whose downgrade was told of.
    downgraded: BTreeSet<(BareJid, DeviceId)>,
    /// New devices of the account, which the user was not told of yet.
    new_own: BTreeSet<DeviceId>,
}

impl Resource {
    /// Whose it is.
    pub(in crate::client) const fn owner(&self) -> &BareJid {
        match self {
            Self::List(jid, _) => jid,
            Self::Bundle(peer) => &peer.jid,
        }
    }
}

impl Knowledge {
    /// A new stream. What was pushed or answered on the one before may have changed since. Our own server
    /// is asked for our own lists on each stream, whatever it said before.
    pub(in crate::client) fn begin_stream(&mut self, own: &BareJid, now: Timestamp) {
        self.table.begin_stream(now);
        self.forget_lists(own);
    }

    /// Forgets what is known of the account's own lists: they are asked for again.
    pub(in crate::client) fn forget_lists(&mut self, own: &BareJid) {
        for version in Version::ALL {
            self.table.forget(&Resource::List(own.clone(), version));
        }
    }

    /// What came of asking for bundles.
    pub(in crate::client) const fn bundles(&self) -> &Bundles {
        &self.bundles
    }

    /// When, and whether, lookups have to be tried again.
    pub(in crate::client) const fn table(&self) -> &Table {
        &self.table
    }

    pub(in crate::client) fn set_subscribed(&mut self, jid: &BareJid, is_subscribed: bool) {
        if is_subscribed {
            self.subscribed.insert(jid.clone());
        } else {
            self.subscribed.remove(jid);
        }
    }

    /// A message was refused: the next one to these accounts is a retry.
    pub(in crate::client) fn was_refused(&mut self, recipients: &[BareJid]) {
        self.refused.extend(recipients.iter().cloned());
    }

    /// The user writes to these accounts. If a message to one of them was refused, what failed or was not
    /// there then is asked for again at once, and waited for.
    pub(in crate::client) fn retry(&mut self, recipients: &[BareJid]) {
        for jid in recipients {
            if self.refused.remove(jid) {
                self.table.end_pauses(jid);
            }
        }
    }
}
