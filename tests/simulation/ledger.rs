//! The books: every key of every message, on which session and chain it went out, and what became of it.

use std::collections::{BTreeMap, VecDeque};

use omemo::account::{MessageId, Peer};
use omemo::model::Version;
use omemo::protocol::{KeyExchange, RatchetMessage};

use crate::device::Device;

#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) messages: Vec<Message>,
    pub(crate) sessions: Vec<Session>,
    chains: Vec<Chain>,
    by_base_key: BTreeMap<[u8; 32], usize>,
    by_dh: BTreeMap<[u8; 32], usize>,
    /// By device, version and id: the session that was first to use a pre-key.
    pub(crate) pre_keys: BTreeMap<(usize, Version, u32), usize>,
    /// The longest chain from one device to another.
    longest: BTreeMap<(usize, usize), u32>,
    /// The last that happened between two devices.
    history: BTreeMap<(usize, usize), VecDeque<String>>,
    /// What became of the keys, counted.
    pub(crate) counts: BTreeMap<&'static str, u64>,
}

pub(crate) struct Message {
    pub(crate) from: usize,
    /// `None` for one without content.
    pub(crate) text: Option<String>,
    pub(crate) keys: Vec<KeyEntry>,
}

pub(crate) struct KeyEntry {
    pub(crate) to: usize,
    pub(crate) version: Version,
    pub(crate) session: usize,
    pub(crate) chain: usize,
    pub(crate) n: u32,
    /// The pre-key, if it is a key exchange.
    pub(crate) pre_key: Option<u32>,
    pub(crate) fate: Fate,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    UnderWay,
    /// Read, in this life of the reader's store.
    Read(Option<MessageId>, u32),
    Lost,
    /// Not read, for a reason that explains it.
    Failed(&'static str),
    /// There is no such device any more.
    Removed,
}

pub(crate) struct Session {
    base_key: [u8; 32],
    initiator: usize,
    /// The lives of both stores that the session belongs to.
    initiator_life: u32,
    responder_life: u32,
    /// How many chains of the other side the initiator and the responder have opened.
    opened: [u32; 2],
}

struct Chain {
    session: usize,
    from: usize,
    sent: u32,
    /// How many chains of the session the reader had opened when it opened this one.
    opened: Option<u32>,
}

/// How many events are remembered of two devices.
const REMEMBERED: usize = 60;

impl Ledger {
    pub(crate) fn begin(&mut self, from: usize, text: Option<String>) -> usize {
        self.messages.push(Message {
            from,
            text,
            keys: Vec::new(),
        });
        self.messages.len() - 1
    }

    /// Enters a key that goes out. The second life is that of the store whose bundle was used, if one
    /// was.
    pub(crate) fn enter(
        &mut self,
        message: usize,
        sender: &Device,
        (to, peer): (usize, &Peer),
        bytes: &[u8],
        is_key_exchange: bool,
        bundle_life: Option<u32>,
    ) -> Result<(), String> {
        let from = self.messages[message].from;
        let version = peer.version;
        let exchange = is_key_exchange.then(|| KeyExchange::read(version, bytes).unwrap());
        let plain;
        let inner = match &exchange {
            Some(exchange) => exchange.message(),
            None => {
                plain = RatchetMessage::read(version, bytes).unwrap();
                &plain
            }
        };
        let header = inner.header();
        let dh = *header.dh.as_bytes();
        let chain = match self.by_dh.get(&dh) {
            Some(chain) => *chain,
            None => {
                let base_key = match &exchange {
                    Some(exchange) => *exchange.ephemeral().as_bytes(),
                    None => sender
                        .session_of(peer, &header.dh)
                        .ok_or("no session sends on the chain")?,
                };
                let session = match (self.by_base_key.get(&base_key), bundle_life) {
                    (Some(session), _) => *session,
                    (None, Some(responder_life)) => {
                        self.sessions.push(Session {
                            base_key,
                            initiator: from,
                            initiator_life: sender.life,
                            responder_life,
                            opened: [0; 2],
                        });
                        self.by_base_key.insert(base_key, self.sessions.len() - 1);
                        self.sessions.len() - 1
                    }
                    (None, None) => return Err("a session from no bundle".to_owned()),
                };
                self.chains.push(Chain {
                    session,
                    from,
                    sent: 0,
                    opened: None,
                });
                self.by_dh.insert(dh, self.chains.len() - 1);
                self.chains.len() - 1
            }
        };
        let entry = &mut self.chains[chain];
        if (entry.from, entry.sent) != (from, header.n) {
            return Err(format!(
                "a message key is used twice, or left out: {} after {}",
                header.n, entry.sent
            ));
        }
        entry.sent += 1;
        let longest = self.longest.entry((from, to)).or_default();
        *longest = entry.sent.max(*longest);
        let session = entry.session;
        if self.sessions[session].life_of(from) != sender.life {
            return Err("sends on a session of a former life".to_owned());
        }
        self.messages[message].keys.push(KeyEntry {
            to,
            version,
            session,
            chain,
            n: header.n,
            pre_key: exchange.and_then(|exchange| exchange.pre_key_id().map(|id| id.get())),
            fate: Fate::UnderWay,
        });
        Ok(())
    }

    pub(crate) fn key(&mut self, message: usize, to: usize) -> Option<&mut KeyEntry> {
        let mut keys = self.messages[message].keys.iter_mut();
        keys.find(|key| key.to == to)
    }

    /// Enters that a key was read.
    pub(crate) fn enter_read(
        &mut self,
        message: usize,
        to: usize,
        id: Option<MessageId>,
        life: u32,
    ) {
        let Some(key) = self.key(message, to) else {
            return;
        };
        if !matches!(key.fate, Fate::Read(..)) {
            key.fate = Fate::Read(id, life);
        }
        if let Fate::Read(known, read_in) = &mut key.fate {
            *known = known.or(id);
            *read_in = life;
        }
        let (session, chain, version) = (key.session, key.chain, key.version);
        if let Some(id) = key.pre_key {
            self.pre_keys.entry((to, version, id)).or_insert(session);
        }
        let opened = self.sessions[session].opened_by(to);
        if self.chains[chain].opened.is_none() {
            self.chains[chain].opened = Some(*opened);
            *opened += 1;
        }
    }

    /// How many chains the reader has opened since that of a key.
    pub(crate) fn age(&mut self, session: usize, chain: usize, reader: usize) -> u32 {
        let opened = *self.sessions[session].opened_by(reader);
        self.chains[chain].opened.map_or(0, |at| opened - at)
    }

    pub(crate) fn longest_chain(&self, from: usize, to: usize) -> u32 {
        self.longest.get(&(from, to)).copied().unwrap_or_default()
    }

    pub(crate) fn base_key(&self, session: usize) -> &[u8; 32] {
        &self.sessions[session].base_key
    }

    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub(crate) fn note(&mut self, from: usize, to: usize, event: String) {
        let pair = (from.min(to), from.max(to));
        let history = self.history.entry(pair).or_default();
        if history.len() == REMEMBERED {
            history.pop_front();
        }
        history.push_back(event);
    }

    /// What happened last between two devices.
    pub(crate) fn trace(&self, one: usize, other: usize) -> String {
        let history = self.history.get(&(one.min(other), one.max(other)));
        let lines = history.into_iter().flatten();
        lines.fold(String::new(), |trace, line| trace + line + "\n")
    }

    /// A key, in a few words.
    pub(crate) fn describe(&self, key: &KeyEntry) -> String {
        format!(
            "{:?} session {} chain {} n {}{}",
            key.version,
            key.session,
            key.chain,
            key.n,
            key.pre_key
                .map_or_else(String::new, |id| format!(" kex {id}"))
        )
    }
}

impl Session {
    fn opened_by(&mut self, device: usize) -> &mut u32 {
        &mut self.opened[usize::from(device != self.initiator)]
    }

    /// The life of a device's store that the session belongs to.
    pub(crate) const fn life_of(&self, device: usize) -> u32 {
        if device == self.initiator {
            self.initiator_life
        } else {
            self.responder_life
        }
    }
}
