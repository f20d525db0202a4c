//! What this device publishes, and how it gets a server to take it (XEP-0384 §5.3).
//!
//! ```text
//! own list, own bundle asked for
//!   bundle differs, or was changed → publish it        others cannot use a device without a bundle,
//!   this device is not on the list → publish the list  so the list comes after it
//!
//! refused: precondition-not-met → configure the node → publish once more
//! refused: item-not-found → publish once more: ejabberd can stumble over two nodes that are made at once
//! refused: otherwise, for bundles → the same with fewer items: max, 1000, 100, 10, without a number
//! published without a number → configure the node: max, 1000, 100, 10
//! no answer → publish once more, in a while
//! ```

use rand_core::TryCryptoRng;

use super::lists::OwnList;
use super::state::Announcement;
use crate::account::AccountError;
use crate::client::Client;
use crate::client::knowledge::Resource;
use crate::client::requests::{Publication, Purpose};
use crate::model::{Timestamp, Version};
use crate::stanza::Request;

impl<R: TryCryptoRng> Client<R> {
    /// Whether others can find this device: on this stream the server has said, or taken, that its bundles
    /// and its place on the device lists are there, in every version that is used.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn is_published(&self) -> Result<bool, AccountError> {
        let due = self.account.bundles_due()?;
        let is_there = |version: &Version, state: &Announcement| {
            self.own_list(*version) == OwnList::Known
                && state.is_bundle_known
                && state.announce_at.is_none()
                && !state.has_failed
                && !self.is_publishing(*version)
                && !due.contains(version)
        };
        let mut versions = self.announcements.versions.iter();
        Ok(self.is_connected && versions.all(|(version, state)| is_there(version, state)))
    }

    /// When this device is put on a device list of the account that it is not on: it was taken off, and
    /// waits longer each time, or the server has not answered. Until then others do not write to it. `None`
    /// if it does not wait.
    #[must_use]
    pub fn list_due_at(&self, now: Timestamp) -> Option<Timestamp> {
        let versions = self.announcements.versions.values();
        let waiting = versions.filter(|state| !state.has_failed);
        let times = waiting.filter_map(|state| state.announce_at);
        times.filter(|at| self.is_connected && *at > now).max()
    }

    /// Publishes what is due and can be.
    pub(in crate::client) fn announce(&mut self, now: Timestamp) -> Result<(), AccountError> {
        let is_leaving = self.announcements.is_leaving;
        if self.announcements.has_left {
            return Ok(());
        }
        let versions: Vec<_> = self.announcements.versions.keys().copied().collect();
        // The device id has to be free in all lists before it is in one (XEP-0384 §4.1).
        let mut lists = versions.iter().map(|version| self.own_list(*version));
        let are_lists_known = lists.all(|list| list != OwnList::Unasked);
        let due = self.account.bundles_due()?;
        for version in versions {
            let list = self.own_list(version);
            if list == OwnList::Missing {
                self.look_up(&self.own_list_resource(version), now)?;
            }
            let Some(state) = self.announcements.versions.get_mut(&version) else {
                continue;
            };
            if !state.has_asked {
                self.ask_for_own(version, now)?;
                continue;
            }
            if is_leaving {
                if are_lists_known && !state.is_leaving {
                    self.leave(version, now)?;
                }
                continue;
            }
            let is_ready = are_lists_known && state.is_bundle_known && !state.has_failed;
            // Nobody is taken off a list because nobody could say who is on it.
            let announce_at = state.announce_at.filter(|_| list == OwnList::Known);
            let (max_items, retry_at) = (state.max_items, state.retry_at);
            if !is_ready || self.is_publishing(version) {
                continue;
            }
            let publication = Publication {
                version,
                revision: 0,
                max_items,
                is_configured: false,
                is_repeated: false,
            };
            if due.contains(&version) {
                if retry_at.is_none_or(|at| at <= now) {
                    self.publish_bundle(publication, now)?;
                }
            } else if announce_at.is_some_and(|at| at <= now) {
                self.publish_list(publication, now)?;
            }
        }
        Ok(())
    }

    fn ask_for_own(&mut self, version: Version, now: Timestamp) -> Result<(), AccountError> {
        let own = self.account.jid().clone();
        self.look_up(&Resource::List(own, version), now)?;
        let request = Request::fetch_bundle(version, self.account.device());
        self.request(Purpose::FetchOwnBundle(version), None, request, now)?;
        if let Some(state) = self.announcements.versions.get_mut(&version) {
            state.has_asked = true;
        }
        Ok(())
    }

    pub(super) fn is_publishing(&self, version: Version) -> bool {
        self.requests.is_open(|purpose| match purpose {
            Purpose::PublishBundle(publication)
            | Purpose::ConfigureBundles(publication)
            | Purpose::PublishList(publication)
            | Purpose::ConfigureList(publication) => publication.version == version,
            _ => false,
        })
    }
}
