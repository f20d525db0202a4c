//! Answers to requests for device lists.

use rand_core::TryCryptoRng;

use crate::account::AccountError;
use crate::client::Client;
use crate::client::action::Notice;
use crate::client::requests::Purpose;
use crate::model::{BareJid, DeviceList, Timestamp, Version};
use crate::stanza::{IqAnswer, Items, Node, Request, Source};

impl<R: TryCryptoRng> Client<R> {
    /// The newest list has come, or will not.
    pub(in crate::client) fn list_answered(
        &mut self,
        jid: &BareJid,
        version: Version,
        answer: Option<(&str, &IqAnswer<'_>)>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let empty = DeviceList {
            version,
            devices: Vec::new(),
        };
        let list = match answer {
            Some((xml, answer)) if !answer.is_error => match Shown::read(xml, version) {
                Shown::Nothing => Some(empty),
                Shown::Current(list) => list,
                // Which of the items is newest, servers see in two ways. `current` is the one that each
                // new list replaces.
                Shown::Other(list) => return self.ask_for_current_list(jid, version, list, now),
            },
            // Some servers say "forbidden" of a stranger's node that does not exist. If something was
            // there before, that says less.
            Some((_, answer)) => {
                let was_seen = self.account.device_list_seen(jid, version)?.is_some();
                let is_refusal = answer.has("forbidden") || answer.has("not-authorized");
                if answer.has("item-not-found") || is_refusal && !was_seen {
                    Some(empty)
                } else {
                    return self.list_did_not_come(jid, version, now);
                }
            }
            None => return self.list_did_not_come(jid, version, now),
        };
        self.list_has_come(jid, version, list, now)
    }

    fn ask_for_current_list(
        &mut self,
        jid: &BareJid,
        version: Version,
        other: Option<DeviceList>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let request = Request::fetch_current_device_list(version);
        let purpose = Purpose::FetchCurrentList(jid.clone(), version, other);
        self.request(purpose, Some(jid), request, now)
    }

    /// The list `current` has come; or it has not, and the other one counts.
    pub(in crate::client) fn current_list_answered(
        &mut self,
        jid: &BareJid,
        version: Version,
        other: &Option<DeviceList>,
        answer: Option<(&str, &IqAnswer<'_>)>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let answer = answer.filter(|(_, answer)| !answer.is_error);
        let shown = answer.map(|(xml, _)| Shown::read(xml, version));
        let list = match shown {
            Some(Shown::Current(list)) => list,
            _ => other.clone(),
        };
        self.list_has_come(jid, version, list, now)
    }

    /// `None`: it cannot be read.
    fn list_has_come(
        &mut self,
        jid: &BareJid,
        version: Version,
        list: Option<DeviceList>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        if let Some(list) = list {
            if jid == self.account.jid() {
                self.announcements.list_was_answered(version, false);
            }
            return self.take_list(jid, &list, now);
        }
        // Nobody knows who is on a list that cannot be read. Taken for an empty one, our own would be
        // published again without the others that are on it.
        if jid == self.account.jid() {
            self.notice(Notice::NotPublished {
                node: Node::DeviceList(version).to_string(),
                condition: None,
            });
        }
        self.list_did_not_come(jid, version, now)
    }

    fn list_did_not_come(
        &mut self,
        jid: &BareJid,
        version: Version,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        if jid == self.account.jid() {
            self.announcements.list_was_answered(version, true);
        }
        self.lists.is_unknown(jid, version, now);
        Ok(())
    }
}

/// What an answer shows of a list: `None` where it cannot be read.
enum Shown {
    /// The node is empty.
    Nothing,
    /// The item `current`.
    Current(Option<DeviceList>),
    /// Another one.
    Other(Option<DeviceList>),
}

impl Shown {
    fn read(xml: &str, version: Version) -> Self {
        let is_asked = |items: &Items<'_>| {
            items.node == Node::DeviceList(version) && items.source == Source::Result
        };
        match Items::read(xml) {
            Ok(Some(items)) if is_asked(&items) => match items.device_list() {
                Ok(None) => Self::Nothing,
                list if items.has_current() => Self::Current(list.ok().flatten()),
                list => Self::Other(list.ok().flatten()),
            },
            // Another node says nothing of this one. Too many items, for one, cannot be read.
            Ok(_) | Err(_) => Self::Other(None),
        }
    }
}
