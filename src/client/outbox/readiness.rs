//! Whether a message has everything that it needs; what it lacks is asked for.

use std::collections::BTreeSet;

use rand_core::TryCryptoRng;

use super::draft::Content;
use super::question::Question;
use super::recipients::Recipients;
use crate::account::{AccountError, FetchedBundle, Peer};
use crate::client::Client;
use crate::client::action::{Action, IdentityQuestion, Ticket, TrustQuestion};
use crate::client::knowledge::Resource;
use crate::model::{PerVersion, Timestamp};
use crate::stanza::PlainMessage;

impl<R: TryCryptoRng> Client<R> {
    /// Looks at a message: whether it can go out. If not, it waits for something.
    pub(super) fn is_ready(
        &mut self,
        ticket: Ticket,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        let Some(draft) = self.outbox.drafts.get_mut(&ticket) else {
            return Ok(false);
        };
        self.outbox.waits.forget(ticket, draft);
        let (asks, is_late) = (!draft.leaves_out, draft.is_late);
        let Some(draft) = self.outbox.drafts.get(&ticket) else {
            return Ok(false);
        };
        let (is_message, versions) = match &draft.content {
            Content::Nothing => (false, self.all_versions()),
            Content::Message(stanza, _) => {
                // It was read when it was taken.
                let message = PlainMessage::read(stanza);
                let versions = message.map(|message| self.versions_of(&message));
                (true, versions.unwrap_or_default())
            }
        };
        // What there is to say about that is said when it is finished.
        let Ok(recipients) = self.recipients_of(draft) else {
            return Ok(true);
        };
        let lists = self.lists_to_come(&recipients, now)?;
        if !lists.is_empty() && !is_late {
            return self.wait_for(ticket, lists, now);
        }
        let (bundles, question) =
            self.bundles_to_come(&recipients, versions, asks && is_message, now)?;
        if !bundles.is_empty() && !is_late {
            return self.wait_for(ticket, bundles, now);
        }
        if !asks || !question.is_open() || !is_message {
            return Ok(true);
        }
        self.ask(ticket, question, recipients, now)
    }

    pub(super) fn all_versions(&self) -> PerVersion<bool> {
        let mut versions = PerVersion::default();
        for version in self.options.versions() {
            *versions.get_mut(version) = true;
        }
        versions
    }

    /// The device lists that are asked for.
    fn lists_to_come(
        &mut self,
        recipients: &Recipients,
        now: Timestamp,
    ) -> Result<BTreeSet<Resource>, AccountError> {
        let mut awaits = BTreeSet::new();
        let own = self.account.jid().clone();
        for jid in recipients.accounts.iter().chain([&own]) {
            // Also of a version in which it cannot be written: who reads no other is to be reported.
            for version in self.options.versions() {
                let list = Resource::List(jid.clone(), version);
                if self.look_up(&list, now)?.is_coming() {
                    awaits.insert(list);
                }
            }
        }
        Ok(awaits)
    }

    /// The bundles that are asked for; and, if there are none, what has to be decided. As long as somebody
    /// has to decide, only keys that were never seen are asked for: the others are fetched when the message is
    /// about to go, as their pre-keys are used up by others meanwhile.
    fn bundles_to_come(
        &mut self,
        recipients: &Recipients,
        versions: PerVersion<bool>,
        asks: bool,
        now: Timestamp,
    ) -> Result<(BTreeSet<Resource>, Question), AccountError> {
        let accounts = &recipients.accounts;
        let missing = self.account.missing(accounts, versions)?;
        let unknown = self.look_up_bundles(missing.unknown, now)?;
        let mut question = self.question(recipients, &missing.bundles, now)?;
        let waits_for_the_user = asks && question.is_open();
        if !unknown.is_empty() || waits_for_the_user {
            return Ok((unknown, question));
        }
        let awaits = self.look_up_bundles(missing.bundles.clone(), now)?;
        if awaits.is_empty() {
            // Some of the keys may have come just now.
            question = self.question(recipients, &missing.bundles, now)?;
        }
        Ok((awaits, question))
    }

    fn look_up_bundles(
        &mut self,
        peers: Vec<Peer>,
        now: Timestamp,
    ) -> Result<BTreeSet<Resource>, AccountError> {
        let mut awaits = BTreeSet::new();
        for peer in peers {
            let bundle = Resource::Bundle(peer);
            if self.look_up(&bundle, now)?.is_coming() {
                awaits.insert(bundle);
            }
        }
        Ok(awaits)
    }

    /// What somebody has to decide before it goes out, as far as bundles have come.
    fn question(
        &self,
        recipients: &Recipients,
        peers: &[Peer],
        now: Timestamp,
    ) -> Result<Question, AccountError> {
        let known = self.knowledge.bundles();
        let bundles = peers.iter().filter_map(|peer| known.get_key_value(peer));
        let bundles: Vec<(&Peer, &FetchedBundle)> = bundles.collect();
        self.account.meet_each(&bundles, now)?;
        Ok(Question {
            keys: self.account.undecided(&recipients.accounts)?,
            changed: self.account.changed_identities(&recipients.accounts)?,
            members: recipients.accounts.clone(),
            asked_at: now,
        })
    }

    /// It waits for answers.
    fn wait_for(
        &mut self,
        ticket: Ticket,
        awaits: BTreeSet<Resource>,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        let latest = now.after(self.options.patience);
        if let Some(draft) = self.outbox.drafts.get_mut(&ticket) {
            let deadline = draft.deadline.map_or(latest, |at| at.min(latest));
            let waits = &mut self.outbox.waits;
            waits.wait_for(ticket, draft, awaits, deadline);
        }
        Ok(false)
    }

    /// It waits for the user, who is asked unless he was asked the same before.
    fn ask(
        &mut self,
        ticket: Ticket,
        question: Question,
        recipients: Recipients,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        let own = self.account.jid().clone();
        let Some(draft) = self.outbox.drafts.get_mut(&ticket) else {
            return Ok(false);
        };
        // Waiting for answers is over. What is asked for after the decision has its own time.
        draft.deadline = None;
        draft.is_late = false;
        let before = draft.question.as_ref();
        let same_keys = before.is_some_and(|before| before.keys == question.keys);
        let same_changes = before.is_some_and(|before| before.changed == question.changed);
        let asked = match before {
            Some(before) if same_keys && same_changes => before.asked_at,
            _ => now,
        };
        let deadline = self
            .options
            .decision_patience
            .map(|patience| asked.after(patience));
        if deadline.is_some_and(|deadline| deadline <= now) {
            draft.leaves_out = true;
            let members = recipients.accounts.into_iter().collect();
            draft.agreed.get_or_insert(members);
            return Ok(true);
        }
        if !question.keys.is_empty() && !same_keys {
            let keys = question.keys.clone();
            let question = TrustQuestion { ticket, keys };
            self.actions.push_back(Action::DecideTrust(question));
        }
        if !question.changed.is_empty() && !same_changes {
            let changed = question.changed.clone();
            let question = IdentityQuestion { ticket, changed };
            self.actions.push_back(Action::DecideIdentity(question));
        }
        draft.question = Some(Question {
            asked_at: asked,
            ..question
        });
        let accounts = recipients.accounts.into_iter().chain([own]).collect();
        let waits = &mut self.outbox.waits;
        waits.wait_for_the_user(ticket, draft, accounts, deadline);
        Ok(false)
    }
}
