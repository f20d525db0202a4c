//! Requests that this client makes, and what comes of them.

use rand_core::TryCryptoRng;

use super::Client;
use super::action::Action;
use super::requests::{Answer, Open, Purpose, RequestId};
use crate::account::AccountError;
use crate::model::{BareJid, Timestamp};
use crate::stanza::{IqAnswer, Request};

impl<R: TryCryptoRng> Client<R> {
    /// What came of a request. Nothing happens if it is not open any more, or if somebody answers who
    /// was not asked.
    ///
    /// # Errors
    /// [`AccountError`]: the answer may be taken in all the same. Give it again; if nobody does, the time of the
    /// request runs on.
    pub fn answer(
        &mut self,
        id: RequestId,
        answer: Answer<'_>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let (xml, read) = match answer {
            Answer::None => (None, None),
            // What is no answer counts as one without meaning, from who was asked.
            Answer::Stanza(xml) => (Some(xml), IqAnswer::read(xml).ok().flatten()),
        };
        let own = self.account.jid();
        if let Some(open) = self.requests.close(id, read.as_ref(), own) {
            self.settle(id, open, xml.zip(read.as_ref()), now)?;
        }
        self.go_on(now)
    }

    /// Takes in what came of a request, and tells the messages that wait for it.
    pub(super) fn settle(
        &mut self,
        id: RequestId,
        open: Open,
        answer: Option<(&str, &IqAnswer<'_>)>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        if let Err(error) = self.answered(&open.purpose, answer, now) {
            self.requests.reopen(id, open);
            return Err(error);
        }
        if let Some(resource) = open.purpose.asked()
            && !self.requests.is_asked(&resource)
        {
            self.outbox.has_come(&resource);
        }
        Ok(())
    }

    /// Asks for something, of the own server or of somebody else's.
    pub(super) fn request(
        &mut self,
        purpose: Purpose,
        to: Option<&BareJid>,
        request: Request,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let until = now.after(self.options.request_timeout);
        // Our own nodes are our server's, which needs no address.
        let to = to.filter(|to| *to != self.account.jid()).cloned();
        let request = self
            .requests
            .open(purpose, to, request, until, &mut self.rng)?;
        self.actions.push_back(Action::Request(request));
        Ok(())
    }

    /// Hands an answer to the room that has asked.
    fn answered(
        &mut self,
        purpose: &Purpose,
        answer: Option<(&str, &IqAnswer<'_>)>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        match purpose {
            Purpose::FetchList(jid, version) => self.list_answered(jid, *version, answer, now),
            Purpose::FetchCurrentList(jid, version, other) => {
                self.current_list_answered(jid, *version, other, answer, now)
            }
            Purpose::FetchBundle(peer) => self.bundle_answered(peer, answer, now),
            Purpose::FetchOwnBundle(version) => self.own_bundle_answered(*version, answer, now),
            Purpose::PublishBundle(publication) => {
                self.bundle_was_published(*publication, answer.map(|(_, answer)| answer), now)
            }
            Purpose::PublishList(publication) => {
                self.list_was_published(*publication, answer.map(|(_, answer)| answer), now)
            }
            Purpose::ConfigureBundles(publication) => {
                self.node_was_configured(*publication, true, now)
            }
            Purpose::WidenBundles(version, max_items) => self.bundles_were_widened(
                *version,
                *max_items,
                answer.map(|(_, answer)| answer),
                now,
            ),
            Purpose::ConfigureList(publication) => {
                self.node_was_configured(*publication, false, now)
            }
            Purpose::LeaveList(version) => {
                self.list_was_left(*version, answer.map(|(_, answer)| answer), now)
            }
            Purpose::RemoveBundle(version) => {
                self.bundle_was_removed(*version, answer.map(|(_, answer)| answer));
                Ok(())
            }
        }
    }
}
