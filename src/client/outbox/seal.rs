//! A message goes out, or is refused.

use std::collections::BTreeSet;

use rand_core::TryCryptoRng;

use super::draft::{Content, Draft};
use super::recipients::Recipients;
use crate::account::{AccountError, EncryptError, Fate, Gap, Outgoing, Report, Space, Terms};
use crate::client::Client;
use crate::client::action::{Action, EncryptedMessage, RefusalReason, Refused, Ticket};
use crate::model::{BareJid, Encrypted, PerVersion, RecipientKey, Timestamp};
use crate::stanza::{
    Affixes, ElementName, MAX_KEYS, Payloads, PlainMessage, WriteEnvelopeError, account_size,
    element_size, key_size,
};

/// What servers may add to a stanza on its way: addresses, ids, a delay, the frame of an archive's result.
const HEADROOM: usize = 4 << 10;

/// Why a message was not encrypted.
enum Failed {
    Account(AccountError),
    Refused(RefusalReason),
}

impl<R: TryCryptoRng> Client<R> {
    /// Encrypts a message that waits, and hands it out, or says why not.
    pub(super) fn finish(&mut self, ticket: Ticket, now: Timestamp) -> Result<(), AccountError> {
        self.enter_opt_outs(now)?;
        // It is put back after an error: an account that fails has sent nothing.
        let Some(draft) = self.outbox.drafts.remove(&ticket) else {
            return Ok(());
        };
        let outcome = match &draft.content {
            Content::Nothing => self.prepared(ticket, &draft),
            Content::Message(stanza, to) => self.seal(ticket, &draft, (stanza, to), now),
        };
        self.outbox.drafts.insert(ticket, draft);
        let action = outcome?;
        self.outbox.take(ticket);
        self.actions.push_back(action);
        Ok(())
    }

    fn seal(
        &mut self,
        ticket: Ticket,
        draft: &Draft,
        (stanza, to): (&str, &BareJid),
        now: Timestamp,
    ) -> Result<Action, AccountError> {
        let refused = |reason, left_out| {
            Action::Refused(Refused {
                ticket,
                reason,
                left_out,
            })
        };
        let message = match PlainMessage::read(stanza) {
            Ok(message) => message,
            Err(error) => return Ok(refused(RefusalReason::Stanza(error), Vec::new())),
        };
        let outcome = match self.recipients_of(draft) {
            Ok(recipients) => self.encrypt_message(&message, to, &recipients, now),
            Err(reason) => Err(Failed::Refused(reason)),
        };
        Ok(match outcome {
            Ok((stanza, report)) => Action::Encrypted(EncryptedMessage {
                ticket,
                stanza,
                left_out: self.left_out(&message, &report),
                report,
            }),
            Err(Failed::Refused(reason)) => {
                let left_out = match &reason {
                    RefusalReason::Recipients(refusal) => {
                        let report = refusal.report();
                        report.map(|report| self.left_out(&message, report))
                    }
                    _ => None,
                };
                refused(reason, left_out.unwrap_or_default())
            }
            Err(Failed::Account(error)) => return Err(error),
        })
    }

    fn encrypt_message(
        &mut self,
        message: &PlainMessage<'_>,
        to: &BareJid,
        recipients: &Recipients,
        now: Timestamp,
    ) -> Result<(String, Report), Failed> {
        let payloads = self
            .payloads(message, to, now)
            .map_err(|error| match error {
                WriteEnvelopeError::Rng(error) => Failed::Account(error.into()),
                error => Failed::Refused(RefusalReason::Envelope(error)),
            })?;
        let payloads = PerVersion::from_fn(|version| {
            let payload = payloads.get(version).as_ref();
            payload.map(|payload| payload.as_slice())
        });
        let terms = Terms {
            audience: recipients.audience,
            left_out: &recipients.left_out,
            space: Some(self.space(message, &payloads)),
        };
        let outgoing = Outgoing {
            recipients: &recipients.accounts,
            payloads,
            bundles: self.knowledge.bundles(),
        };
        let sent = self
            .account
            .encrypt_on(&outgoing, &terms, now, &mut self.rng);
        let sent = match sent {
            Ok(sent) => sent,
            Err(EncryptError::Account(error)) => return Err(Failed::Account(error)),
            Err(EncryptError::Refused(refusal)) => {
                self.knowledge.was_refused(&recipients.accounts);
                return Err(Failed::Refused(RefusalReason::Recipients(refusal)));
            }
            Err(EncryptError::Payload(error)) => {
                return Err(Failed::Refused(RefusalReason::Payload(error)));
            }
        };
        self.knowledge.use_up(&sent.report);
        let stanza = message.seal(&sent.elements, self.options.unprotected);
        let stanza = stanza.map_err(|error| Failed::Refused(RefusalReason::Stanza(error)))?;
        Ok((stanza, sent.report))
    }

    /// How many bytes there are for the keys: checked before any session moves.
    fn space(&self, message: &PlainMessage<'_>, payloads: &PerVersion<Option<&[u8]>>) -> Space {
        let unprotected = self.options.unprotected;
        let sender_device = self.account.device();
        let size = |elements: &[Encrypted<RecipientKey>]| {
            message
                .seal(elements, unprotected)
                .map_or(0, |xml| xml.len())
        };
        let shell = size(&[]);
        let element = PerVersion::from_fn(|version| {
            let payload = payloads.get(version).map_or(0, <[u8]>::len);
            // With what stands beside it, and the elements that legacy leaves in clear.
            let empty = Encrypted {
                version,
                sender_device,
                keys: Vec::new(),
                iv: Some(vec![0; 12]),
                payload: Some(Vec::new()),
            };
            let beside = size(&[empty]).saturating_sub(shell);
            element_size(version, sender_device, payload).saturating_add(beside)
        });
        let limit = self.stanza_limit.unwrap_or(usize::MAX);
        let limit = limit.min(self.options.stanza_limit.unwrap_or(usize::MAX));
        Space {
            bytes: limit.saturating_sub(shell.saturating_add(HEADROOM)),
            keys: MAX_KEYS,
            element,
            account: account_size,
            key: key_size,
        }
    }

    /// What of the message some device does not get, as the version that it reads cannot carry it.
    fn left_out(&self, message: &PlainMessage<'_>, report: &Report) -> Vec<ElementName> {
        let mut versions = PerVersion::<bool>::default();
        for device in &report.devices {
            match device.fate {
                Fate::Encrypted { version, .. } => *versions.get_mut(version) = true,
                Fate::Skipped(Gap::NoCommonVersion) => versions = self.all_versions(),
                Fate::Skipped(_) => {}
            }
        }
        let versions = versions.iter().filter(|(_, is_read)| **is_read);
        let names =
            versions.flat_map(|(version, _)| message.left_out(version, self.options.unprotected));
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    pub(super) fn payloads(
        &mut self,
        message: &PlainMessage<'_>,
        to: &BareJid,
        now: Timestamp,
    ) -> Result<Payloads, WriteEnvelopeError> {
        let versions = self.versions_of(message);
        let affixes = Affixes {
            from: self.account.jid(),
            to,
            time: Some(now),
        };
        message.payloads(versions, &affixes, &mut self.rng)
    }

    /// The versions in which a message can be written at all.
    pub(super) fn versions_of(&self, message: &PlainMessage<'_>) -> PerVersion<bool> {
        let mut versions = PerVersion::default();
        for version in self.options.versions() {
            *versions.get_mut(version) = message.fits(version, self.options.unprotected);
        }
        versions
    }
}
