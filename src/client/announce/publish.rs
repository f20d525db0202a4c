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

use core::time::Duration;
use std::collections::BTreeMap;

use rand_core::TryCryptoRng;

use crate::account::{AccountError, Opening};
use crate::client::Client;
use crate::client::action::Notice;
use crate::client::knowledge::Resource;
use crate::client::requests::{Publication, Purpose};
use crate::model::{DeviceList, Timestamp, Version};
use crate::stanza::{IqAnswer, Items, MaxItems, Node, Request};

/// How far each version is.
#[derive(Debug, Default)]
pub(in crate::client) struct Announcements {
    versions: BTreeMap<Version, Announcement>,
    /// Something was published under the device's id, or may have been: the id is its own.
    has_published: bool,
    /// This device is being taken off the server, on each stream until that is done.
    pub(in crate::client) is_leaving: bool,
    /// It was.
    has_left: bool,
    /// The stream has broken while something was asked for or published.
    is_interrupted: bool,
}

#[derive(Debug)]
struct Announcement {
    /// What the server takes with a publication, as far as that is known.
    max_items: Option<MaxItems>,
    has_asked: bool,
    is_bundle_known: bool,
    /// When the list is to be published with this device on it.
    announce_at: Option<Timestamp>,
    /// The server does not take it: not again on this stream.
    has_failed: bool,
    /// The server has said nothing to the last bundle: not again before that.
    retry_at: Option<Timestamp>,
    /// The user was told, on this stream, that the server says nothing.
    has_told: bool,
    /// It was asked to be taken off the list.
    is_leaving: bool,
    has_left: bool,
}

impl Default for Announcement {
    fn default() -> Self {
        Self {
            max_items: Some(MaxItems::Max),
            has_asked: false,
            is_bundle_known: false,
            announce_at: None,
            has_failed: false,
            retry_at: None,
            has_told: false,
            is_leaving: false,
            has_left: false,
        }
    }
}

impl Announcements {
    /// A new stream: everything is looked at anew.
    pub(in crate::client) fn begin(&mut self, versions: impl Iterator<Item = Version>) {
        self.is_interrupted = false;
        self.versions = versions
            .map(|version| (version, Announcement::default()))
            .collect();
    }

    /// The stream has broken in the middle of it.
    pub(in crate::client) const fn interrupt(&mut self) {
        self.is_interrupted = true;
    }

    /// Whether everything has to be looked at anew although the stream is the same.
    pub(in crate::client) fn is_interrupted(&self) -> bool {
        self.is_interrupted || self.versions.is_empty()
    }

    /// Whether the user is to be told, for the first time on this stream, that the server says nothing
    /// about a version, or nothing that helps.
    pub(in crate::client) fn tells_of(&mut self, version: Version) -> bool {
        let state = self.versions.get_mut(&version);
        state.is_some_and(|state| !core::mem::replace(&mut state.has_told, true))
    }

    pub(in crate::client) fn announce_at(&mut self, version: Version, at: Option<Timestamp>) {
        if let Some(state) = self.versions.get_mut(&version) {
            state.announce_at = at;
        }
    }

    /// The server was asked to take the device off a list.
    pub(in crate::client) fn leaves(&mut self, version: Version) {
        if let Some(state) = self.versions.get_mut(&version) {
            state.is_leaving = true;
        }
    }

    /// The device is off a list, and its bundle gone. Whether that was the last one.
    pub(in crate::client) fn leave(&mut self, version: Version) -> bool {
        if let Some(state) = self.versions.get_mut(&version) {
            state.has_left = true;
        }
        self.has_left = self.versions.values().all(|state| state.has_left);
        self.has_left
    }

    fn is_list_due(&self, version: Version) -> bool {
        let state = self.versions.get(&version);
        state.is_some_and(|state| state.announce_at.is_some())
    }

    /// When something is to be published.
    pub(in crate::client) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let times = self.versions.values().filter(|state| !state.has_failed);
        times
            .flat_map(|state| [state.announce_at, state.retry_at])
            .flatten()
            .filter(|at| *at > now)
            .min()
    }
}

/// What is known of one of the account's own lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum OwnList {
    /// The server was not asked on this stream, or has not answered yet.
    Unasked,
    /// The server has said who is on it.
    Known,
    /// Nobody can say who is on it: this device is not put on it, and may not be there.
    Missing,
}

/// How long a publication waits that the server has said nothing to.
const SILENCE: Duration = Duration::from_secs(5 * 60);

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

    /// What the server has said, on this stream, of an own list.
    pub(in crate::client) fn own_list(&self, version: Version) -> OwnList {
        let list = self.own_list_resource(version);
        let table = self.knowledge.table();
        if table.is_seen(&list) {
            OwnList::Known
        } else if table.has_failed(&list) {
            OwnList::Missing
        } else {
            OwnList::Unasked
        }
    }

    fn own_list_resource(&self, version: Version) -> Resource {
        Resource::List(self.account.jid().clone(), version)
    }

    /// When an own list that did not come is asked for again: without it this device is not announced.
    pub(in crate::client) fn own_list_retry(&self) -> Option<Timestamp> {
        let missing = self.options.versions().filter(|_| self.is_connected);
        let missing = missing.filter(|version| self.own_list(*version) == OwnList::Missing);
        let table = self.knowledge.table();
        let times = missing.map(|version| self.own_list_resource(version));
        times.filter_map(|list| table.retry_at(&list)).min()
    }

    fn is_publishing(&self, version: Version) -> bool {
        self.requests.is_open(|purpose| match purpose {
            Purpose::PublishBundle(publication)
            | Purpose::ConfigureBundles(publication)
            | Purpose::PublishList(publication)
            | Purpose::ConfigureList(publication) => publication.version == version,
            _ => false,
        })
    }

    /// The bundle that the server has: if it is not ours, ours is due.
    pub(in crate::client) fn own_bundle_answered(
        &mut self,
        version: Version,
        answer: Option<(&str, &IqAnswer<'_>)>,
    ) -> Result<(), AccountError> {
        if let Some(state) = self.announcements.versions.get_mut(&version) {
            state.is_bundle_known = true;
        }
        let own = self.account.bundle(version)?;
        let device = self.account.device();
        let published = answer.and_then(|(xml, _)| {
            let items = Items::read(xml).ok().flatten()?;
            items.bundle(device).ok().flatten()
        });
        match published {
            Some(published) if published == own.bundle => {
                self.account.bundle_published(version, own.revision)
            }
            // Nobody knows what is there: what we have published, if we have.
            None if answer.is_none() => Ok(()),
            _ => self.account.bundle_lost(version),
        }
    }

    fn publish_bundle(
        &mut self,
        mut publication: Publication,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let version = publication.version;
        let own = self.account.bundle(version)?;
        self.announcements.has_published = true;
        publication.revision = own.revision;
        let device = self.account.device();
        // A bundle of ours can be written: it has a hundred pre-keys.
        let request = Request::publish_bundle(device, &own.bundle, publication.max_items)
            .map_err(|_| AccountError::Record)?;
        self.request(Purpose::PublishBundle(publication), None, request, now)
    }

    fn publish_list(
        &mut self,
        publication: Publication,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let list = self.account.own_device_list(publication.version)?;
        let request = Request::publish_device_list(&list);
        self.request(Purpose::PublishList(publication), None, request, now)?;
        // What is changed from here on is to be published after this.
        self.announcements.announce_at(publication.version, None);
        Ok(())
    }

    pub(in crate::client) fn bundle_was_published(
        &mut self,
        publication: Publication,
        answer: Option<&IqAnswer<'_>>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let version = publication.version;
        let node = Node::of_bundle(version, self.account.device());
        if self.is_taken(publication, node, answer, now)? {
            self.account
                .bundle_published(version, publication.revision)?;
            if publication.max_items.is_none() && node.has_many_items() {
                self.widen_bundles(version, MaxItems::Max, now)?;
            }
        }
        Ok(())
    }

    /// Makes room for the bundles of all devices in a node that was published without saying so.
    fn widen_bundles(
        &mut self,
        version: Version,
        max_items: MaxItems,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let node = Node::of_bundle(version, self.account.device());
        let request = Request::configure(node, max_items);
        let purpose = Purpose::WidenBundles(version, max_items);
        self.request(purpose, None, request, now)
    }

    pub(in crate::client) fn bundles_were_widened(
        &mut self,
        version: Version,
        max_items: MaxItems,
        answer: Option<&IqAnswer<'_>>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        match max_items.lower() {
            Some(lower) if answer.is_some_and(|answer| answer.is_error) => {
                self.widen_bundles(version, lower, now)
            }
            _ => Ok(()),
        }
    }

    pub(in crate::client) fn list_was_published(
        &mut self,
        publication: Publication,
        answer: Option<&IqAnswer<'_>>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let version = publication.version;
        if self.is_taken(publication, Node::DeviceList(version), answer, now)? {
            if !self.announcements.is_list_due(version) {
                self.removals.are_done(version);
            }
            self.account.device_list_published(version, now)?;
        }
        Ok(())
    }

    /// The node is configured, or will not be: either way the publication says more.
    pub(in crate::client) fn node_was_configured(
        &mut self,
        publication: Publication,
        is_bundle: bool,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let publication = Publication {
            is_configured: true,
            ..publication
        };
        if is_bundle {
            self.publish_bundle(publication, now)
        } else {
            self.publish_list(publication, now)
        }
    }

    /// Whether the server has taken a publication. If not, the next thing is tried that may help.
    fn is_taken(
        &mut self,
        publication: Publication,
        node: Node,
        answer: Option<&IqAnswer<'_>>,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        let is_bundle = !matches!(node, Node::DeviceList(_));
        let refusal = match answer {
            Some(answer) if !answer.is_error => return Ok(true),
            None => {
                self.got_no_answer(publication.version, node, now);
                return Ok(false);
            }
            refusal => refusal,
        };
        let is_configuration = refusal
            .is_some_and(|answer| answer.has("precondition-not-met") || answer.has("conflict"));
        if is_configuration && !publication.is_configured {
            let max_items = publication.max_items.unwrap_or_default();
            let request = Request::configure(node, max_items);
            let purpose = if is_bundle {
                Purpose::ConfigureBundles(publication)
            } else {
                Purpose::ConfigureList(publication)
            };
            self.request(purpose, None, request, now)?;
            return Ok(false);
        }
        let is_stumble = refusal.is_some_and(|answer| answer.has("item-not-found"));
        if is_stumble && !publication.is_repeated {
            let again = Publication {
                is_repeated: true,
                ..publication
            };
            if is_bundle {
                self.publish_bundle(again, now)?;
            } else {
                self.publish_list(again, now)?;
            }
            return Ok(false);
        }
        let refused = publication.max_items;
        let refused = refused.filter(|_| node.has_many_items());
        if let Some(refused) = refused {
            let max_items = refused.lower();
            if let Some(state) = self.announcements.versions.get_mut(&publication.version) {
                state.max_items = max_items;
            }
            let lower = Publication {
                max_items,
                is_configured: false,
                ..publication
            };
            self.publish_bundle(lower, now)?;
            return Ok(false);
        }
        if let Some(state) = self.announcements.versions.get_mut(&publication.version) {
            state.has_failed = true;
        }
        let condition = refusal.and_then(|answer| answer.conditions.first());
        self.notice(Notice::NotPublished {
            node: node.to_string(),
            condition: condition.map(|condition| condition.to_string()),
        });
        Ok(false)
    }

    /// A publication was lost, or its answer: it is made again in a while.
    fn got_no_answer(&mut self, version: Version, node: Node, now: Timestamp) {
        let Some(state) = self.announcements.versions.get_mut(&version) else {
            return;
        };
        let at = Some(now.after(SILENCE));
        match node {
            Node::DeviceList(_) => state.announce_at = at,
            _ => state.retry_at = at,
        }
        if self.announcements.tells_of(version) {
            self.notice(Notice::NotPublished {
                node: node.to_string(),
                condition: None,
            });
        }
    }

    /// Whether another device of the account has this device's id, and nothing was published under it
    /// yet by this one (XEP-0384 §4.1).
    pub(in crate::client) fn is_device_id_taken(&self, list: &DeviceList) -> bool {
        let own = self.account.device();
        let is_new =
            self.account.opening() == Opening::Created && !self.announcements.has_published;
        is_new && list.devices.iter().any(|device| device.id == own)
    }
}
