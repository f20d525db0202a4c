//! Reading: what came of a stanza, against what should have.

use std::rc::Rc;

use omemo::account::{APPLICATION, Arrival, FailureReason, Incoming, Received, Sender};
use omemo::error::DecryptError;
use omemo::model::{Encrypted, OwnKey, RecipientKey, Version};

use crate::device::Device;
use crate::ledger::Fate;
use crate::network::Stanza;
use crate::world::World;

/// A device and version has one session to send on, and so many old ones.
const MAX_SESSIONS: usize = 6;

/// A chain is forgotten when so many others of its session were opened.
const MAX_CHAIN_AGE: u32 = 50;

/// How many stanzas a client may be given a second time when it comes back.
const RECENT: usize = 10;

impl World {
    /// A device reads stanzas, as they come or in one page.
    pub(crate) fn read(&mut self, to: usize, page: &[Rc<Stanza>], arrival: Arrival) {
        let senders: Vec<_> = page
            .iter()
            .map(|stanza| [self.devices[stanza.from].jid().clone()])
            .collect();
        let elements: Vec<Vec<_>> = page
            .iter()
            .map(|stanza| {
                let elements = stanza.elements.iter();
                elements
                    .map(|element| for_device(element, &self.devices[to]))
                    .collect()
            })
            .collect();
        let incoming: Vec<_> = senders
            .iter()
            .zip(&elements)
            .map(|(senders, elements)| Incoming {
                sender: Sender::among(senders),
                elements,
                arrival,
                author: None,
                attached: &[],
            })
            .collect();
        let now = self.time();
        // The process may end after the page was stored, and before anybody has seen what came of it.
        let is_killed = !self.network.is_calm && self.chance_in(1000);
        let device = &mut self.devices[to];
        if is_killed {
            let unseen = device.account.decrypt_page(&incoming, now, &mut self.rng);
            assert_eq!(unseen.unwrap().len(), page.len());
            device.restart(now, &mut self.rng);
        }
        let outcomes = match &*incoming {
            [one] => vec![device.account.decrypt(one, now, &mut self.rng).unwrap()],
            page => device
                .account
                .decrypt_page(page, now, &mut self.rng)
                .unwrap(),
        };
        assert_eq!(outcomes.len(), page.len());
        for (stanza, outcome) in page.iter().zip(&outcomes) {
            if let Err(what) = self.judge(to, stanza, outcome, is_killed) {
                let what = format!("{what}: message {}: {outcome:?}", stanza.message);
                self.complain(stanza.from, to, &what);
            }
            let recent = &mut self.devices[to].recent;
            recent.push_back(stanza.clone());
            if recent.len() > RECENT {
                recent.pop_front();
            }
        }
        for outcome in &outcomes {
            if let Received::Message(message) = outcome {
                self.hand_out(to, message.id);
            }
        }
    }

    fn chance_in(&mut self, many: usize) -> bool {
        self.draw(1, many) == 1
    }

    /// Whether the outcome is what should be. `is_again`: it was read before, and nobody saw it.
    fn judge(
        &mut self,
        to: usize,
        stanza: &Stanza,
        outcome: &Received,
        is_again: bool,
    ) -> Result<(), String> {
        let life = self.devices[to].life;
        let Some(key) = self.ledger.key(stanza.message, to) else {
            let has_payload = stanza.elements[0].payload.is_some();
            return match outcome {
                Received::NotForUs { has_payload: said } if *said == has_payload => Ok(()),
                _ => Err("there is no key for the device".to_owned()),
            };
        };
        let fate = key.fate;
        let text = self.ledger.messages[stanza.message].text.clone();
        let event = format!(
            "{}   {to} reads message {} of {}: {}",
            self.now,
            stanza.message,
            stanza.from,
            short(outcome)
        );
        self.ledger.note(stanza.from, to, event);
        match outcome {
            Received::Message(message) => {
                if text.as_deref().map(str::as_bytes) != Some(&message.payload) {
                    return Err("the text is another".to_owned());
                }
                let sender = &self.devices[stanza.from];
                if message.sender.jid != *sender.jid()
                    || message.sender.device != sender.id()
                    || message.fingerprint != sender.account.fingerprint()
                    || message.other.is_some()
                {
                    return Err("the sender is another".to_owned());
                }
                let is_waiting = self.devices[to].waiting.contains(&message.id);
                match fate {
                    Fate::Read(Some(id), _) if id != message.id => {
                        return Err("the id is another".to_owned());
                    }
                    Fate::Read(_, read_in) if !is_waiting && read_in == life => {
                        return Err("it was read and acknowledged before".to_owned());
                    }
                    _ => {}
                }
                if message.is_again != (is_waiting || is_again) {
                    return Err("whether it was handed out before is told wrong".to_owned());
                }
                if !matches!(fate, Fate::Read(..)) {
                    self.ledger.count("read");
                }
                self.ledger
                    .enter_read(stanza.message, to, Some(message.id), life);
                self.devices[to].waiting.insert(message.id);
                Ok(())
            }
            Received::Empty(_) => {
                if text.is_some() {
                    return Err("the text is gone".to_owned());
                }
                match fate {
                    Fate::Read(_, read_in) if read_in == life => {
                        return Err("it was read before".to_owned());
                    }
                    Fate::Read(..) => {}
                    _ => self.ledger.count("read, empty"),
                }
                self.ledger.enter_read(stanza.message, to, None, life);
                Ok(())
            }
            Received::Duplicate(id) => {
                if self.devices[to].waiting.contains(id) {
                    return Err("it waits in the inbox".to_owned());
                }
                match fate {
                    Fate::Read(None, _) => {}
                    Fate::Read(Some(known), _) if known == *id => {}
                    _ if is_again && text.is_none() => {}
                    _ => return Err("it was never read".to_owned()),
                }
                self.ledger.count("repeated");
                self.ledger.enter_read(stanza.message, to, Some(*id), life);
                Ok(())
            }
            Received::Failed(failure) => {
                let Some(why) = self.explanation(stanza.message, to, failure.reason) else {
                    return Err(format!("a loss that nothing explains ({fate:?})"));
                };
                let key = self.ledger.key(stanza.message, to);
                if let Some(key) = key.filter(|key| !matches!(key.fate, Fate::Read(..)))
                    && core::mem::replace(&mut key.fate, Fate::Failed(why)) != Fate::Failed(why)
                {
                    self.ledger.count(why);
                }
                Ok(())
            }
            Received::NotForUs { .. } | Received::OwnReflection => {
                Err("there is a key for the device".to_owned())
            }
        }
    }

    /// The application takes a message over, or does not come to it yet.
    fn hand_out(&mut self, to: usize, id: omemo::account::MessageId) {
        let is_late = !self.network.is_calm && self.happens(10);
        if !is_late {
            let device = &mut self.devices[to];
            device.account.acknowledge(&[id], APPLICATION).unwrap();
            device.waiting.remove(&id);
        }
    }

    /// Why a key could not be read: what happened that makes it so, and has this outcome.
    fn explanation(
        &mut self,
        message: usize,
        to: usize,
        reason: FailureReason,
    ) -> Option<&'static str> {
        use DecryptError::{Mac, UnknownRatchetKey};
        use FailureReason::{Key, KeyGone, NoSession, Replayed};

        let from = self.ledger.messages[message].from;
        let key = self.ledger.key(message, to)?;
        let (session, chain, version, pre_key) = (key.session, key.chain, key.version, key.pre_key);
        let reader = &self.devices[to];
        let peer = self.devices[from].peer(version);
        let base_keys = reader.base_keys(&peer);
        let has_session = base_keys.contains(self.ledger.base_key(session));

        let is_session_gone = match pre_key {
            Some(_) => matches!(reason, FailureReason::UnknownPreKey | Replayed),
            None => matches!(reason, Key(Mac | UnknownRatchetKey) | NoSession),
        };
        let is_key_gone = matches!(reason, Key(Mac | UnknownRatchetKey) | KeyGone);
        if self.ledger.sessions[session].life_of(to) < reader.life {
            let is_unknown_bundle = pre_key.is_some()
                && !has_session
                && matches!(
                    reason,
                    FailureReason::UnknownPreKey | FailureReason::UnknownSignedPreKey
                );
            let is_former_session = pre_key.is_none() && !has_session && is_session_gone;
            let is_former_key = has_session && is_key_gone;
            return (is_unknown_bundle || is_former_session || is_former_key)
                .then_some("lost: the store was restored from a copy");
        }
        if !has_session && is_session_gone && base_keys.len() == MAX_SESSIONS {
            return Some("lost: there are five newer sessions");
        }
        let first = pre_key.and_then(|id| self.ledger.pre_keys.get(&(to, version, id)));
        if reason == FailureReason::UnknownPreKey && first.is_some_and(|first| *first != session) {
            return Some("lost: another has used the pre-key");
        }
        let is_old = self.ledger.age(session, chain, to) > MAX_CHAIN_AGE;
        (is_old && has_session && is_key_gone).then_some("late: the chain is too old")
    }
}

/// What a device's reader finds in an element.
fn for_device(element: &Encrypted<RecipientKey>, device: &Device) -> Encrypted<OwnKey> {
    let keys = element.keys.iter();
    // Legacy does not say whose device a key is for.
    let is_named = element.version == Version::Omemo2;
    let ours =
        keys.filter(|key| key.device == device.id() && (!is_named || key.account == *device.jid()));
    Encrypted {
        version: element.version,
        sender_device: element.sender_device,
        keys: ours
            .map(|key| OwnKey {
                key_exchange: key.key_exchange,
                bytes: key.bytes.clone(),
            })
            .collect(),
        iv: element.iv.clone(),
        payload: element.payload.clone(),
    }
}

fn short(outcome: &Received) -> String {
    match outcome {
        Received::Message(message) if message.is_pre_key_reused => {
            "read, pre-key reused".to_owned()
        }
        Received::Message(_) => "read".to_owned(),
        Received::Empty(_) => "read, empty".to_owned(),
        Received::Duplicate(_) => "duplicate".to_owned(),
        Received::Failed(failure) => format!("{:?}", failure.reason),
        other => format!("{other:?}"),
    }
}
