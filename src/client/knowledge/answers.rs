//! Answers to requests for device lists, and what it means when there is none.

use rand_core::TryCryptoRng;

use super::Resource;
use crate::account::{AccountError, LookupError};
use crate::client::Client;
use crate::client::action::Notice;
use crate::client::requests::Purpose;
use crate::model::{BareJid, DeviceList, ListExtras, Timestamp, Version};
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
            Some((xml, answer)) if !answer.is_error => {
                let shown = Shown::read(xml, version);
                self.keep_extras(jid, version, shown.extras)?;
                match shown.list {
                    ShownList::Nothing => Some(empty),
                    ShownList::Current(list) => list,
                    // Which of the items is newest, servers see in two ways. `current` is the one that each
                    // new list replaces.
                    ShownList::Other(list) => {
                        return self.ask_for_current_list(jid, version, list, now);
                    }
                }
            }
            // Some servers say "forbidden" of a stranger's node that does not exist. If something was
            // there before, that says less.
            Some((_, answer)) => {
                let was_seen = self.account.device_list_seen(jid, version)?.is_some();
                if answer.has("item-not-found") || is_refusal(answer) && !was_seen {
                    Some(empty)
                } else {
                    return self.list_did_not_come(jid, version, Some(answer), now);
                }
            }
            None => return self.list_did_not_come(jid, version, None, now),
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
            Some(Shown {
                list: ShownList::Current(list),
                extras,
            }) => {
                self.keep_extras(jid, version, extras)?;
                list
            }
            _ => other.clone(),
        };
        self.list_has_come(jid, version, list, now)
    }

    /// What others have written into an own list is written again with it. Nothing is kept of other lists.
    pub(super) fn keep_extras(
        &self,
        jid: &BareJid,
        version: Version,
        extras: ListExtras,
    ) -> Result<(), AccountError> {
        if jid == self.account.jid() {
            self.account.set_list_extras(version, &extras)?;
        }
        Ok(())
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
            return self.take_list(jid, &list, now);
        }
        // Nobody knows who is on a list that cannot be read. Taken for an empty one, our own would be
        // published again without the others that are on it.
        if jid == self.account.jid() {
            self.tell_of_missing_list(version, None);
        }
        self.list_failed(jid, version, LookupError::Unreadable, now)
    }

    fn list_did_not_come(
        &mut self,
        jid: &BareJid,
        version: Version,
        answer: Option<&IqAnswer<'_>>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        if jid == self.account.jid() {
            self.tell_of_missing_list(version, answer);
        }
        self.list_failed(jid, version, failure(answer), now)
    }

    fn list_failed(
        &mut self,
        jid: &BareJid,
        version: Version,
        error: LookupError,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let failed = self.account.list_lookup_failed(jid, version, error, now)?;
        let list = Resource::List(jid.clone(), version);
        self.knowledge.table.failed(list, failed);
        Ok(())
    }

    /// Nobody says who is on an own list: this device is not put on it meanwhile. The user is told once on
    /// each stream.
    fn tell_of_missing_list(&mut self, version: Version, answer: Option<&IqAnswer<'_>>) {
        if self.announcements.tells_of(version) {
            let condition = answer.and_then(|answer| answer.conditions.first());
            self.notice(Notice::NotPublished {
                node: Node::DeviceList(version).to_string(),
                condition: condition.map(|condition| condition.to_string()),
            });
        }
    }
}

/// Whether a server says that we may not see a node.
pub(super) fn is_refusal(answer: &IqAnswer<'_>) -> bool {
    answer.has("forbidden") || answer.has("not-authorized")
}

/// Why a lookup has failed, as the conditions of RFC 6120 §8.3.3 say.
pub(super) fn failure(answer: Option<&IqAnswer<'_>>) -> LookupError {
    let Some(answer) = answer else {
        return LookupError::NoAnswer;
    };
    if !answer.is_error {
        return LookupError::Unreadable;
    }
    const MEANINGS: [(&str, LookupError); 6] = [
        ("remote-server-timeout", LookupError::ServerTimeout),
        ("remote-server-not-found", LookupError::ServerNotFound),
        ("internal-server-error", LookupError::ServerError),
        ("resource-constraint", LookupError::ServerError),
        ("recipient-unavailable", LookupError::ServerError),
        ("undefined-condition", LookupError::ServerError),
    ];
    let mut meanings = MEANINGS.iter();
    let meaning = meanings.find(|(condition, _)| answer.has(condition));
    meaning.map_or(LookupError::Refused, |(_, error)| *error)
}

/// What an answer shows of a list, and what others have written into it.
struct Shown {
    list: ShownList,
    extras: ListExtras,
}

/// What an answer shows of a list: `None` where it cannot be read.
enum ShownList {
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
            Ok(Some(items)) if is_asked(&items) => Self {
                extras: items.list_extras(),
                list: match items.device_list() {
                    Ok(None) => ShownList::Nothing,
                    list if items.has_current() => ShownList::Current(list.ok().flatten()),
                    list => ShownList::Other(list.ok().flatten()),
                },
            },
            // Another node says nothing of this one. Too many items, for one, cannot be read.
            Ok(_) | Err(_) => Self {
                list: ShownList::Other(None),
                extras: ListExtras::default(),
            },
        }
    }
}
