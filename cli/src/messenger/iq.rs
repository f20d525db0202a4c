//! Requests and answers (RFC 6120 §8.2.3): those of this client, of OMEMO, and of others.

use std::time::Instant;

use omemo::client::{Answer, RequestId};
use omemo::model::BareJid;
use roxmltree::Node;

use super::blocking::BLOCKING;
use super::caps::DISCO;
use super::requests::{Asked, Own};
use super::roster::ROSTER;
use super::{Event, Messenger, MessengerError, now};
use crate::xmpp::StreamError;
use crate::xmpp::element::escape;

impl Messenger {
    /// Asks something. The answer, or that there was none in time, comes to [`Self::answered`].
    pub(super) fn ask(
        &mut self,
        to: Option<&BareJid>,
        kind: &str,
        payload: &str,
        asked: Asked,
    ) -> Result<(), MessengerError> {
        let id = self.requests.open(to, asked)?;
        let to = to.map(|to| format!(" to='{to}'")).unwrap_or_default();
        self.stream
            .send(format!("<iq type='{kind}' id='{id}'{to}>{payload}</iq>"));
        Ok(())
    }

    /// Takes a request or an answer in.
    pub(super) fn take_iq(&mut self, xml: &str, iq: Node<'_, '_>) -> Result<(), MessengerError> {
        let id = iq.attribute("id").unwrap_or_default();
        match iq.attribute("type") {
            Some("result" | "error") => {
                if let Ok(id) = id.parse::<RequestId>() {
                    return Ok(self.omemo.answer(id, Answer::Stanza(xml), now())?);
                }
                let own = Own {
                    jid: &self.login.jid,
                    full_jid: &self.stream.full_jid,
                };
                match self.requests.close(id, iq.attribute("from"), own) {
                    Some(asked) => self.answered(asked, Some(iq)),
                    None => Ok(()),
                }
            }
            Some("get" | "set") => self.serve(id, iq),
            _ => Ok(()),
        }
    }

    /// Gives up the requests that nobody has answered in time.
    pub(super) fn give_up_requests(&mut self, now: Instant) -> Result<(), MessengerError> {
        while let Some(asked) = self.requests.expire(now) {
            self.answered(asked, None)?;
        }
        Ok(())
    }

    /// Takes an answer; `None` if none has come in time.
    fn answered(
        &mut self,
        asked: Asked,
        answer: Option<Node<'_, '_>>,
    ) -> Result<(), MessengerError> {
        match asked {
            Asked::Roster => self.roster_answered(answer),
            Asked::Blocklist => self.blocklist_answered(answer),
            Asked::Archive(stage, part) => self.archive_answered(stage, part, answer),
            Asked::Entry(room) => {
                self.leave(&room);
                Ok(())
            }
            Asked::Members(room) => self.members_answered(&room, answer),
            Asked::Services => self.services_answered(answer),
            Asked::Service(jid) => self.service_answered(&jid, answer),
            Asked::Slot(transfer) => {
                self.slot_answered(transfer, answer);
                Ok(())
            }
            // Its own server says nothing: then it may not have taken the last messages either.
            Asked::Sync if answer.is_none() => Err(StreamError::Silent.into()),
            Asked::Sync => {
                self.events.push_back(Event::Synced);
                Ok(())
            }
            Asked::Nothing => Ok(()),
        }
    }

    /// Answers what others ask.
    fn serve(&mut self, id: &str, iq: Node<'_, '_>) -> Result<(), MessengerError> {
        let from = iq.attribute("from");
        let own = &self.login.jid;
        let payload = iq.first_element_child();
        let name = payload.map(|payload| payload.tag_name());
        let name = name.map(|name| (name.namespace().unwrap_or_default(), name.name()));
        let answer = match (iq.attribute("type"), name) {
            (Some("get"), Some((DISCO, "query"))) => self
                .caps
                .answer(payload.and_then(|query| query.attribute("node"))),
            (Some("get"), Some(("urn:xmpp:ping", "ping"))) => Some(String::new()),
            // RFC 6121 §2.1.6: from nobody but our own server.
            (Some("set"), Some((ROSTER, "query")))
                if from.is_none_or(|from| own.is_spelt(from)) =>
            {
                self.take_roster(iq)?;
                Some(String::new())
            }
            // XEP-0191 §5: likewise.
            (Some("set"), Some((BLOCKING, "block" | "unblock")))
                if from.is_none_or(|from| own.is_spelt(from)) =>
            {
                if let Some(change) = payload {
                    self.blocklist_changed(change)?;
                }
                Some(String::new())
            }
            _ => None,
        };
        let (kind, payload) = match answer {
            Some(payload) => ("result", payload),
            None => (
                "error",
                "<error type='cancel'><service-unavailable \
                 xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
                    .to_owned(),
            ),
        };
        let to = from.map(|from| format!(" to='{}'", escape(from)));
        let (id, to) = (escape(id), to.unwrap_or_default());
        self.stream
            .send(format!("<iq type='{kind}' id='{id}'{to}>{payload}</iq>"));
        Ok(())
    }
}
