//! Places for files (XEP-0363): which service has them, and where one file goes.

use std::path::PathBuf;

use omemo::model::BareJid;
use roxmltree::Node;

use super::requests::Asked;
use super::transfer::{Progress, encrypted_length};
use super::transfers::TransferId;
use super::{Messenger, MessengerError, TransferError, random_id, why_not};
use crate::xmpp::element::{child, escape};

const UPLOAD: &str = "urn:xmpp:http:upload:0";
const ITEMS: &str = "http://jabber.org/protocol/disco#items";
const INFO: &str = "http://jabber.org/protocol/disco#info";
/// What a service may want to have with the file (XEP-0363 §5).
const HEADERS: [&str; 3] = ["Authorization", "Cookie", "Expires"];
/// The most services of a server that are asked.
const MAX_SERVICES: usize = 50;
/// The longest ending of a name that is told, in bytes.
const MAX_ENDING: usize = 8;

/// Where one file goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) put: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) get: String,
    /// The length of the file, not encrypted.
    pub(super) size: u64,
}

/// A file that waits for its place.
pub(super) struct Waiting {
    pub(super) id: TransferId,
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) progress: Option<Progress>,
}

/// Who keeps files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Service {
    #[default]
    Unknown,
    Asked,
    Absent,
    Found {
        jid: BareJid,
        most: Option<u64>,
    },
}

impl Messenger {
    /// Looks for a service, or asks it for a place for each file that waits.
    pub(super) fn ask_for_slots(&mut self) -> Result<(), MessengerError> {
        match self.transfers.service.clone() {
            Service::Asked => {}
            Service::Unknown if self.transfers.waiting.is_empty() => {}
            Service::Unknown => {
                self.transfers.service = Service::Asked;
                let domain = self.domain();
                let query = format!("<query xmlns='{ITEMS}'/>");
                self.ask(domain.as_ref(), "get", &query, Asked::Services)?;
            }
            Service::Absent => {
                for waiting in core::mem::take(&mut self.transfers.waiting) {
                    self.not_uploaded(waiting.id, TransferError::NoService);
                }
            }
            Service::Found { jid, most } => {
                for waiting in core::mem::take(&mut self.transfers.waiting) {
                    self.ask_for_slot(&jid, most, waiting)?;
                }
            }
        }
        Ok(())
    }

    fn ask_for_slot(
        &mut self,
        service: &BareJid,
        most: Option<u64>,
        waiting: Waiting,
    ) -> Result<(), MessengerError> {
        let length = match encrypted_length(waiting.size) {
            Ok(length) if most.is_none_or(|most| length <= most) => length,
            _ => {
                self.not_uploaded(waiting.id, TransferError::TooLarge(most));
                return Ok(());
            }
        };
        // The server need not know the name. Its ending says to other clients what to do with the file.
        let name = waiting.path.file_name().unwrap_or_default();
        let ending = ending(&name.to_string_lossy());
        let request = format!(
            "<request xmlns='{UPLOAD}' filename='{}{}' size='{length}' \
             content-type='application/octet-stream'/>",
            random_id()?,
            escape(&ending)
        );
        self.ask(Some(service), "get", &request, Asked::Slot(waiting.id))?;
        self.transfers.asked.insert(waiting.id, waiting);
        Ok(())
    }

    /// The services of our server are known: which of them keeps files?
    pub(super) fn services_answered(
        &mut self,
        answer: Option<Node<'_, '_>>,
    ) -> Result<(), MessengerError> {
        let query = answer.and_then(|answer| child(answer, ITEMS, "query"));
        let items = query.into_iter().flat_map(|query| query.children());
        let mut services: Vec<BareJid> = items
            .filter_map(|item| item.attribute("jid")?.parse().ok())
            .take(MAX_SERVICES)
            .collect();
        services.extend(self.domain());
        for service in services {
            let query = format!("<query xmlns='{INFO}'/>");
            let asked = Asked::Service(service.clone());
            self.ask(Some(&service), "get", &query, asked)?;
        }
        Ok(())
    }

    pub(super) fn service_answered(
        &mut self,
        jid: &BareJid,
        answer: Option<Node<'_, '_>>,
    ) -> Result<(), MessengerError> {
        let is_known = matches!(self.transfers.service, Service::Found { .. });
        if let Some(query) = answer.and_then(|answer| child(answer, INFO, "query"))
            && !is_known
        {
            let mut features = query.children();
            if features.any(|feature| feature.attribute("var") == Some(UPLOAD)) {
                self.transfers.service = Service::Found {
                    jid: jid.clone(),
                    most: largest(query),
                };
            }
        }
        let is_last = !self
            .requests
            .is_open(|asked| matches!(asked, Asked::Service(_)));
        if is_last && self.transfers.service == Service::Asked {
            self.transfers.service = Service::Absent;
        }
        self.ask_for_slots()
    }

    /// A place was given, or not.
    pub(super) fn slot_answered(&mut self, id: TransferId, answer: Option<Node<'_, '_>>) {
        let Some(waiting) = self.transfers.asked.remove(&id) else {
            return;
        };
        let slot = answer.and_then(|answer| child(answer, UPLOAD, "slot"));
        match slot.map(|slot| read(slot, waiting.size)) {
            Some(Some(slot)) => self.begin_upload(waiting, slot),
            Some(None) => self.not_uploaded(id, TransferError::Url),
            None => {
                let why = why_not(answer);
                self.not_uploaded(id, TransferError::Refused(why));
            }
        }
    }

    fn domain(&self) -> Option<BareJid> {
        self.login.jid.domain().parse().ok()
    }
}

/// The largest file that a service takes, in bytes.
fn largest(query: Node<'_, '_>) -> Option<u64> {
    let fields = query.descendants();
    let mut fields = fields.filter(|node| node.attribute("var") == Some("max-file-size"));
    let value = fields.next()?.first_element_child()?;
    value.text()?.trim().parse().ok()
}

fn read(slot: Node<'_, '_>, size: u64) -> Option<Slot> {
    let put = child(slot, UPLOAD, "put")?;
    let get = child(slot, UPLOAD, "get")?;
    let url = |of: Node<'_, '_>| {
        let url = of.attribute("url")?;
        url.starts_with("https://").then(|| url.to_owned())
    };
    let headers = put.children().filter_map(|header| {
        let name = header.attribute("name")?;
        let known = HEADERS
            .iter()
            .find(|known| known.eq_ignore_ascii_case(name))?;
        let value = header.text().unwrap_or_default();
        // XEP-0363 §5: a line's end would begin another header.
        let value = value.replace(['\r', '\n'], "");
        Some(((*known).to_owned(), value))
    });
    Some(Slot {
        put: url(put)?,
        headers: headers.collect(),
        get: url(get)?,
        size,
    })
}

fn ending(name: &str) -> String {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let is_plain = |ending: &&str| {
        ending.len() <= MAX_ENDING && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let ending = ending.filter(is_plain);
    ending.map_or_else(String::new, |ending| format!(".{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xmpp::element::look;

    #[test]
    fn slots_are_read_and_no_header_smuggles_another() {
        let slot = |put: &str, headers: &str| {
            let xml = format!(
                "<slot xmlns='{UPLOAD}'><put url='{put}'>{headers}</put><get url='https://a/b'/></slot>"
            );
            look(&xml, |slot| read(slot, 3)).unwrap()
        };
        let found = slot(
            "https://a/b?c",
            "<header name='authorization'>Basic x\r\nHost: y</header><header name='Host'>z</header>",
        )
        .unwrap();
        let header = ("Authorization".to_owned(), "Basic xHost: y".to_owned());
        assert_eq!(found.headers, [header]);
        assert_eq!((found.put.as_str(), found.size), ("https://a/b?c", 3));
        assert_eq!(slot("http://a/b", ""), None);
    }

    #[test]
    fn only_plain_endings_are_told() {
        for (name, expected) in [
            ("balcony.JPG", ".JPG"),
            ("a.tar.gz", ".gz"),
            ("my diary", ""),
            ("what I think. of her", ""),
        ] {
            assert_eq!(ending(name), expected);
        }
    }
}
