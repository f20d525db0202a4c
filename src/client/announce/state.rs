//! How far the announcement of this device is, in each version.

use std::collections::BTreeMap;

use crate::model::{Timestamp, Version};
use crate::stanza::MaxItems;

/// How far each version is.
#[derive(Debug, Default)]
pub(in crate::client) struct Announcements {
    pub(super) versions: BTreeMap<Version, Announcement>,
    /// Something was published under the device's id, or may have been: the id is its own.
    pub(super) has_published: bool,
    /// This device is being taken off the server, on each stream until that is done.
    pub(in crate::client) is_leaving: bool,
    /// It was.
    pub(super) has_left: bool,
    /// The stream has broken while something was asked for or published.
    is_interrupted: bool,
}

#[derive(Debug)]
pub(super) struct Announcement {
    /// What the server takes with a publication, as far as that is known.
    pub(super) max_items: Option<MaxItems>,
    pub(super) has_asked: bool,
    pub(super) is_bundle_known: bool,
    /// When the list is to be published with this device on it.
    pub(super) announce_at: Option<Timestamp>,
    /// The server does not take it: not again on this stream.
    pub(super) has_failed: bool,
    /// The server has said nothing to the last bundle: not again before that.
    pub(super) retry_at: Option<Timestamp>,
    /// The user was told, on this stream, that the server says nothing.
    pub(super) has_told: bool,
    /// It was asked to be taken off the list.
    pub(super) is_leaving: bool,
    pub(super) has_left: bool,
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

    pub(super) fn is_list_due(&self, version: Version) -> bool {
        let state = self.versions.get(&version);
        state.is_some_and(|state| state.announce_at.is_some())
    }

    /// Whether the server has said on this stream which bundles it has of this device, or was given the time
    /// for it. Before that nobody knows whether the store is an old copy, on whose sessions nothing may be sent.
    pub(in crate::client) fn are_bundles_known(&self) -> bool {
        self.versions.values().all(|state| state.is_bundle_known)
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
