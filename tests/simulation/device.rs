//! A device of a person: an account in a store, and what its client remembers besides.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use omemo::account::{
    Account, Arrival, CatchUpId, Incarnation, MessageId, Opening, Options, Peer, TrustPolicy,
    VersionPolicy,
};
use omemo::crypto::RatchetPublicKey;
use omemo::model::{BareJid, DeviceId, Timestamp, Version};
use omemo::ratchet::Sending;
use omemo::session::Session;
use omemo::store::{MemoryStore, Range, Record, Scan, Store, Table};
use rand::rngs::StdRng;

use crate::network::Stanza;

pub(crate) type Lists = BTreeMap<(BareJid, Version), BTreeSet<DeviceId>>;

pub(crate) struct Device {
    pub(crate) person: usize,
    pub(crate) account: Account,
    store: Arc<MemoryStore>,
    pub(crate) options: Options,
    /// How often the store was restored from a copy.
    pub(crate) life: u32,
    backup: Option<Backup>,
    pub(crate) phase: Phase,
    /// What its server keeps until it is back.
    pub(crate) archive: Vec<Rc<Stanza>>,
    /// What it has read last.
    pub(crate) recent: VecDeque<Rc<Stanza>>,
    /// What it has not acknowledged.
    pub(crate) waiting: BTreeSet<MessageId>,
    pub(crate) client: Client,
    /// Lists that have changed and were not fetched.
    pub(crate) stale: BTreeSet<(BareJid, Version)>,
    /// When it is to be put back into its list.
    pub(crate) announce: BTreeMap<Version, u64>,
    /// When the last catch-up ended.
    pub(crate) last_end: u64,
}

/// What the client has told the account, by its own books.
#[derive(Clone, Default)]
pub(crate) struct Client {
    pub(crate) lists: Lists,
    pub(crate) distrusted: BTreeSet<[u8; 32]>,
    /// Contacts of whom a key was verified.
    pub(crate) verified: BTreeSet<BareJid>,
}

struct Backup {
    store: MemoryStore,
    client: Client,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Online,
    CatchingUp {
        catch_up: CatchUpId,
        newest_first: bool,
        arrival: Arrival,
    },
    Offline {
        until: u64,
    },
    Removed,
}

/// The table of sessions in a store.
const SESSIONS: Table = Table::new(4);

impl Device {
    pub(crate) fn new(
        jid: BareJid,
        person: usize,
        versions: VersionPolicy,
        now: Timestamp,
        rng: &mut StdRng,
    ) -> Self {
        let mut options = Options::new(TrustPolicy::BlindUntilVerified);
        options.trust_own = TrustPolicy::BlindUntilVerified;
        options.versions = versions;
        let store = Arc::new(MemoryStore::new());
        let account = Account::open(store.clone(), jid, options.clone(), now, rng).unwrap();
        assert_eq!(account.opening(), Opening::Created);
        options.incarnations = Some(Vec::new());
        let mut device = Self {
            person,
            account,
            store,
            options,
            life: 0,
            backup: None,
            phase: Phase::Online,
            archive: Vec::new(),
            recent: VecDeque::new(),
            waiting: BTreeSet::new(),
            client: Client::default(),
            stale: BTreeSet::new(),
            announce: BTreeMap::new(),
            last_end: now.as_millis(),
        };
        device.renew_incarnation(false, now, rng);
        device
    }

    pub(crate) fn jid(&self) -> &BareJid {
        self.account.jid()
    }

    pub(crate) fn id(&self) -> DeviceId {
        self.account.device()
    }

    pub(crate) fn peer(&self, version: Version) -> Peer {
        Peer {
            jid: self.jid().clone(),
            device: self.id(),
            version,
        }
    }

    /// Whether it speaks a version, and is on its list.
    pub(crate) fn speaks(&self, version: Version) -> bool {
        match self.options.versions {
            VersionPolicy::Only(only) => only == version,
            _ => true,
        }
    }

    pub(crate) fn is_here(&self) -> bool {
        matches!(self.phase, Phase::Online | Phase::CatchingUp { .. })
    }

    /// The process ends at some point, and another opens the store.
    pub(crate) fn restart(&mut self, now: Timestamp, rng: &mut StdRng) {
        self.open(now, rng);
        assert_eq!(self.account.opening(), Opening::Found);
    }

    fn open(&mut self, now: Timestamp, rng: &mut StdRng) {
        let (store, jid) = (self.store.clone(), self.jid().clone());
        self.account = Account::open(store, jid, self.options.clone(), now, rng).unwrap();
    }

    /// A copy is made. What is outside of it gets a new marker, so that the copy is an old one.
    pub(crate) fn back_up(&mut self, is_killed: bool, now: Timestamp, rng: &mut StdRng) {
        self.backup = Some(Backup {
            store: self.store.copy(),
            client: self.client.clone(),
        });
        self.renew_incarnation(is_killed, now, rng);
    }

    /// The copy takes the place of the store. Whether there was one.
    pub(crate) fn restore(&mut self, now: Timestamp, rng: &mut StdRng) -> bool {
        let Some(backup) = self.backup.take() else {
            return false;
        };
        self.store = Arc::new(backup.store);
        self.client = backup.client;
        self.open(now, rng);
        assert_eq!(self.account.opening(), Opening::RolledBack);
        self.life += 1;
        self.renew_incarnation(false, now, rng);
        let waiting = self.account.inbox(omemo::account::APPLICATION).unwrap();
        self.waiting = waiting.iter().map(|message| message.id).collect();
        true
    }

    fn renew_incarnation(&mut self, is_killed: bool, now: Timestamp, rng: &mut StdRng) {
        let next = self.account.next_incarnation(rng).unwrap();
        self.kept().push(next);
        if is_killed {
            self.restart(now, rng);
        }
        self.account.enter_incarnation(&next).unwrap();
        *self.kept() = vec![next];
        if is_killed {
            self.restart(now, rng);
        }
    }

    fn kept(&mut self) -> &mut Vec<Incarnation> {
        self.options.incarnations.as_mut().unwrap()
    }

    /// The base keys of the sessions with a device that the store has.
    pub(crate) fn base_keys(&self, peer: &Peer) -> Vec<[u8; 32]> {
        let sessions = self.sessions(peer);
        let keys = sessions.iter().map(|session| session.base_key());
        keys.map(|key| *key.as_bytes()).collect()
    }

    /// The base key of the session that sends with a ratchet key.
    pub(crate) fn session_of(&self, peer: &Peer, dh: &RatchetPublicKey) -> Option<[u8; 32]> {
        let sessions = self.sessions(peer);
        let mut sending = sessions.iter().filter(|session| {
            matches!(session.ratchet().sending(), Sending::Open { dh: own, .. } if own.public() == dh)
        });
        sending.next().map(|session| *session.base_key().as_bytes())
    }

    pub(crate) fn dump(&self) -> Vec<Record> {
        self.store.dump()
    }

    fn sessions(&self, peer: &Peer) -> Vec<Session> {
        let partition = [self.jid().as_str(), "\0", peer.jid.as_str()].concat();
        let range = Range::partition(SESSIONS, partition.as_bytes());
        let records = self.store.scan(&Scan::Range(range), usize::MAX).unwrap();
        let of_device = records.iter().filter(|record| {
            record
                .key
                .sort
                .starts_with(&peer.device.get().to_be_bytes())
        });
        of_device
            .map(|record| Session::from_record(&record.value).unwrap())
            .filter(|session| session.version() == peer.version)
            .collect()
    }
}
