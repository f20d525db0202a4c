//! Reading what was written while nobody was here (XEP-0313, XEP-0059).

use omemo::account::Order;
use roxmltree::Node;

use super::requests::{Asked, Stage};
use super::{Messenger, MessengerError, now};
use crate::xmpp::element::{child, escape};

const MAM: &str = "urn:xmpp:mam:2";
const RSM: &str = "http://jabber.org/protocol/rsm";
/// How many messages are asked for at once.
const PAGE: u32 = 100;
/// Names our queries: who else sends results was not asked.
const QUERY: &str = "catch-up";

impl Messenger {
    pub(super) fn begin_catch_up(&mut self) -> Result<(), MessengerError> {
        self.omemo.begin_catch_up(Order::OldestFirst, now())?;
        match self.folder.position() {
            Some(position) => self.ask_archive(Stage::Before, &position),
            // A new device: what was written before was not written for it.
            None => {
                let query = format!(
                    "<query xmlns='{MAM}'><set xmlns='{RSM}'><max>1</max><before/></set></query>"
                );
                self.ask(None, "set", &query, Asked::Archive(Stage::End));
            }
        }
        Ok(())
    }

    fn ask_archive(&mut self, stage: Stage, position: &str) {
        self.omemo.expect_archive(None, QUERY);
        let after = escape(position);
        let query = format!(
            "<query xmlns='{MAM}' queryid='{QUERY}'><set xmlns='{RSM}'><max>{PAGE}</max>\
             <after>{after}</after></set></query>"
        );
        self.ask(None, "set", &query, Asked::Archive(stage));
    }

    /// A page has come, or will not.
    pub(super) fn archive_answered(
        &mut self,
        stage: Stage,
        answer: Node<'_, '_>,
    ) -> Result<(), MessengerError> {
        let fin = child(answer, MAM, "fin");
        let set = fin.and_then(|fin| child(fin, RSM, "set"));
        let last = set
            .and_then(|set| child(set, RSM, "last"))
            .and_then(|last| last.text());
        if stage != Stage::End {
            self.omemo.end_page(now())?;
        }
        if let Some(last) = last {
            self.folder.keep_position(last);
        }
        let is_complete = fin.is_none_or(|fin| {
            let complete = fin.attribute("complete");
            matches!(complete, Some("true" | "1")) || last.is_none()
        });
        match (stage, last) {
            (Stage::Before | Stage::After, Some(last)) if !is_complete => {
                let last = last.to_owned();
                self.ask_archive(stage, &last);
            }
            (Stage::End | Stage::Before, _) => self.appear(),
            (Stage::After, _) => {
                self.omemo.end_catch_up(now())?;
                self.is_caught_up = true;
                // What is published before it is known who sees us, ejabberd tells only our own server's.
                self.omemo.connected(now())?;
            }
        }
        Ok(())
    }

    /// Presence: from now on messages come here.
    fn appear(&mut self) {
        let caps = self.caps.announcement();
        self.stream.send(format!("<presence>{caps}</presence>"));
        match self.folder.position() {
            Some(position) => self.ask_archive(Stage::After, &position),
            // An archive with nothing in it, or none: the answer still marks the end of what was kept.
            None => self.ask(
                None,
                "get",
                "<ping xmlns='urn:xmpp:ping'/>",
                Asked::Archive(Stage::After),
            ),
        }
    }
}
