//! Stanzas that come: what they are, who sent them, and what becomes of them.

use rand_core::TryCryptoRng;

use super::archives::QueryId;
use super::attached::Attached;
use super::held::Held;
use crate::account::{AccountError, Arrival, Incoming, Received};
use crate::client::Client;
use crate::client::action::{
    Action, ArchiveId, Archived, ArchivedMessage, Disposition, Origin, UndecryptableReason,
};
use crate::model::{BareJid, OwnKey, Timestamp, Version};
use crate::stanza::{
    Defect, ForwardReason, Forwarded, Message, RoomMarks, StanzaError, StanzaKind, author,
    root_alone, strip,
};

/// How a stanza came.
pub(super) struct Route {
    pub(super) origin: Origin,
    /// When it was sent, as who forwarded it says.
    pub(super) delay: Option<Timestamp>,
    /// The query of an archive that it answers, and the archive.
    pub(super) query: Option<(QueryId, BareJid)>,
    /// Where the archive has it.
    pub(super) archived: Option<ArchiveId>,
}

impl<R: TryCryptoRng> Client<R> {
    /// Takes a `<message/>` that came, as the stream had it: also carbons, results of an archive, and
    /// notifications of nodes.
    ///
    /// What it contained is stored when this has returned. That it could not be read is not: acknowledge
    /// it to the server (XEP-0198) when the actions that it has brought were taken.
    ///
    /// # Errors
    /// [`AccountError`]: it may be read all the same. Give it again: what was read is not lost.
    pub fn receive(&mut self, xml: &str, now: Timestamp) -> Result<Disposition, AccountError> {
        // Every stanza of ours has one of the names in it, as it is: they cannot be written otherwise.
        let is_ours = Version::ALL
            .into_iter()
            .any(|version| xml.contains(version.namespace()));
        if !is_ours {
            return Ok(Disposition::NotOurs);
        }
        if self.take_event(xml, now)? {
            self.go_on(now)?;
            return Ok(Disposition::Consumed);
        }
        let disposition = match Forwarded::read(xml) {
            Ok(Some(forwarded)) => self.receive_forwarded(&forwarded, now)?,
            _ => {
                let route = Route {
                    origin: Origin::Direct,
                    delay: None,
                    query: None,
                    archived: None,
                };
                self.receive_message(xml, route, now)?
            }
        };
        // Nothing has changed by a message that is only held, and it is not to be given again.
        if disposition != Disposition::Pending {
            self.go_on(now)?;
        }
        Ok(disposition)
    }

    fn receive_forwarded(
        &mut self,
        forwarded: &Forwarded<'_>,
        now: Timestamp,
    ) -> Result<Disposition, AccountError> {
        let own = self.account.jid();
        let mut route = Route {
            origin: Origin::CarbonReceived,
            delay: forwarded.delay,
            query: None,
            archived: None,
        };
        match &forwarded.reason {
            ForwardReason::Received | ForwardReason::Sent => {
                // Copies are made by our own server, in the name of the bare address. Anybody else's
                // are forged.
                let is_own = forwarded
                    .from
                    .as_deref()
                    .is_none_or(|from| own.is_spelt(from));
                if !is_own {
                    return Ok(self.unexpected(&forwarded.message));
                }
                if matches!(forwarded.reason, ForwardReason::Sent) {
                    route.origin = Origin::CarbonSent;
                }
            }
            ForwardReason::Archived { query, id, .. } => {
                let from = forwarded.from.as_deref();
                let Some((query, archive)) = self.archives.find(query.as_deref(), from, own) else {
                    return Ok(self.unexpected(&forwarded.message));
                };
                route.origin = Origin::Archive;
                route.archived = id.as_ref().map(|id| ArchiveId {
                    archive: archive.clone(),
                    id: id.clone().into_owned(),
                });
                route.query = Some((query, archive.clone()));
            }
        }
        self.receive_message(&forwarded.message, route, now)
    }

    /// What becomes of a message inside another that is not read: only one without encrypted content is for the
    /// application to handle. It would show the fallback text of others.
    fn unexpected(&self, xml: &str) -> Disposition {
        let (jid, device) = (self.account.jid(), self.account.device());
        match Message::read(xml, jid, device) {
            Ok(message) if message.encrypted.is_empty() => Disposition::NotOurs,
            _ => Disposition::Unexpected,
        }
    }

    /// Whether a copy is of what its direction says, a message from this account or to it; and whether
    /// what a room's archive has is the room's: it speaks for nobody else.
    fn goes_its_way(&self, message: &Message<'_, OwnKey>, route: &Route) -> bool {
        let own = self.account.jid();
        let is_from = |jid: &BareJid| {
            let from = message.sender();
            from.is_ok_and(|from| from.as_ref() == Some(jid))
        };
        match route.origin {
            Origin::CarbonSent => is_from(own),
            Origin::CarbonReceived => message
                .recipient()
                .is_ok_and(|to| to.is_none_or(|to| to == *own)),
            Origin::Archive => {
                let archive = route.query.as_ref().map(|(_, archive)| archive);
                archive.is_none_or(|archive| archive == own || is_from(archive))
            }
            Origin::Direct => true,
        }
    }

    fn receive_message(
        &mut self,
        xml: &str,
        route: Route,
        now: Timestamp,
    ) -> Result<Disposition, AccountError> {
        let origin = route.origin;
        let (jid, device) = (self.account.jid(), self.account.device());
        let message = match Message::read(xml, jid, device) {
            Ok(message) => message,
            // Another kind of stanza.
            Err(StanzaError::Malformed {
                element: "message",
                defect: Defect::Missing,
            }) => return Ok(Disposition::NotOurs),
            Err(error) => {
                return Ok(self.cannot_read(xml, origin, UndecryptableReason::Stanza(error)));
            }
        };
        if message.encrypted.is_empty() || message.stanza != StanzaKind::Message {
            return Ok(Disposition::NotOurs);
        }
        if message.kind.as_deref() == Some("error") {
            return Ok(Disposition::Bounced);
        }
        if !self.goes_its_way(&message, &route) {
            return Ok(Disposition::Unexpected);
        }
        let Some(mut held) = self.hold(xml, &message, &route)? else {
            return Ok(self.cannot_read(xml, origin, UndecryptableReason::NoSender));
        };
        held.attached.kept_since = self.kept_since(&message, now);
        if let Some((query, _)) = route.query {
            // Before it is held, so that it is held once if that fails.
            if self.archives.is_full() {
                self.read_pages(now)?;
            }
            self.archives.hold(query, held);
            return Ok(Disposition::Pending);
        }
        let arrival = match held.is_late {
            true => Arrival::Delayed,
            false => Arrival::Live,
        };
        let received = self.read_held(&held, arrival, now)?;
        if self.waits_for_its_sender(&held, &received)? {
            self.wait_for_sender(held, arrival, now);
            self.go_on(now)?;
            return Ok(Disposition::Pending);
        }
        self.conclude(received, held.attached, now)
    }

    /// Decrypts a message.
    pub(super) fn read_held(
        &mut self,
        held: &Held,
        arrival: Arrival,
        now: Timestamp,
    ) -> Result<Received, AccountError> {
        let suspects = self.suspects(&held.evidence);
        let incoming = Incoming {
            sender: held
                .evidence
                .sender(suspects.as_ref(), self.knowledge.bundles()),
            elements: &held.elements,
            arrival,
            author: Some(author),
            attached: &held.attached.to_record(),
        };
        self.account.decrypt(&incoming, now, &mut self.rng)
    }

    /// Who sent a message, to whom, and what else is to be kept of it.
    fn hold(
        &self,
        xml: &str,
        message: &Message<'_, OwnKey>,
        route: &Route,
    ) -> Result<Option<Held>, AccountError> {
        let Route { origin, delay, .. } = *route;
        let own = self.account.jid();
        let (Ok(marks), Ok(shell)) = (RoomMarks::read(xml), strip(xml)) else {
            return Ok(None);
        };
        let Some(evidence) = self.evidence(message, &marks, route)? else {
            return Ok(None);
        };
        let Ok(to) = message.recipient() else {
            return Ok(None);
        };
        let is_in_room = message.kind.as_deref() == Some("groupchat");
        let from = message.sender().ok().flatten();
        let (addressee, is_to_occupant) = match (origin, to) {
            _ if is_in_room => (from.unwrap_or_else(|| own.clone()), false),
            (Origin::CarbonSent | Origin::Archive, Some(to)) => {
                let room = self.rooms.get(&to);
                let full = message.to.as_deref();
                let occupant = room.zip(full).and_then(|(room, full)| room.occupant(full));
                // A nickname in an archive was anybody's.
                match occupant.filter(|_| origin == Origin::CarbonSent) {
                    Some(occupant) => (occupant.clone(), false),
                    None => {
                        let is_room =
                            room.is_some() || from.as_ref() == Some(own) && marks.is_of_room;
                        (to, is_room)
                    }
                }
            }
            _ => (own.clone(), false),
        };
        Ok(Some(Held {
            evidence,
            is_late: marks.is_delayed || is_in_room,
            elements: message.encrypted.clone(),
            attached: Attached {
                shell,
                addressee,
                is_in_room,
                is_to_occupant,
                origin,
                archived: route.archived.clone(),
                delay,
                kept_since: None,
            },
        }))
    }

    /// Hands out what became of a message.
    pub(in crate::client) fn conclude(
        &mut self,
        received: Received,
        attached: Attached,
        now: Timestamp,
    ) -> Result<Disposition, AccountError> {
        match received {
            Received::Message(message) => {
                let (sender, listing) = (message.sender.clone(), message.listing);
                let (id, is_again) = (message.id, message.is_again);
                self.evictions.check();
                self.deliver(*message)?;
                if is_again {
                    // It waits as it came first.
                    self.tell_where(attached, ArchivedMessage::Read(id));
                }
                self.check_listing(&sender, listing, now)?;
            }
            Received::Empty(empty) => {
                self.check_listing(&empty.sender, empty.listing, now)?;
            }
            Received::Duplicate(id) => self.tell_where(attached, ArchivedMessage::Read(id)),
            Received::NotForUs { has_payload: false } => {}
            Received::NotForUs { has_payload: true } => {
                let reason = UndecryptableReason::NotForThisDevice;
                self.tell_unreadable(attached, None, reason);
            }
            Received::OwnReflection => {
                let stanza = attached.shell.clone();
                self.tell_where(attached, ArchivedMessage::Sent(stanza));
                return Ok(Disposition::OwnReflection);
            }
            // Nobody has written anything. Repair counts it all the same.
            Received::Failed(failure) if !failure.has_payload => {}
            Received::Failed(failure) => {
                let reason = UndecryptableReason::Failure(failure);
                self.tell_unreadable(attached, None, reason);
            }
        }
        Ok(Disposition::Consumed)
    }

    /// An archive has a message that the application has, too.
    fn tell_where(&mut self, attached: Attached, message: ArchivedMessage) {
        if let Some(archived) = attached.archived {
            let archived = Archived { archived, message };
            self.actions.push_back(Action::Archived(archived));
        }
    }

    /// A stanza that is malformed, or names nobody.
    fn cannot_read(
        &mut self,
        xml: &str,
        origin: Origin,
        reason: UndecryptableReason,
    ) -> Disposition {
        // Without a payload nobody has written anything.
        if xml.contains("payload") {
            let shell = strip(xml).unwrap_or_else(|_| root_alone(xml));
            self.tell_unreadable_shell(shell, (origin, None), None, reason);
        }
        Disposition::Consumed
    }
}
