//! Where an account's records are: tables, and the names in them.
//!
//! Each partition begins with the account's own address, which is the account's scope: several accounts share a
//! store and do not disturb each other. The
//! numbers of the tables are also the order in which a batch is written ([`super::transaction`]): what
//! must not be lost comes before what makes it unrepeatable.

use super::blocked;
use crate::model::{BareJid, DeviceId, Version};
use crate::store::{Key, Range, Scope, Table};

pub(super) const INBOX: Table = Table::new(1);
pub(super) const MESSAGE_KEYS: Table = Table::new(2);
pub(super) const CHAINS: Table = Table::new(3);
pub(super) const SESSIONS: Table = Table::new(4);
pub(super) const TRUST: Table = Table::new(5);
pub(super) const DEVICES: Table = Table::new(6);
pub(super) const CONTACTS: Table = Table::new(7);
pub(super) const FAILURES: Table = Table::new(8);
pub(super) const ANSWERS: Table = Table::new(9);
pub(super) const SIGNED_PRE_KEYS: Table = Table::new(10);
pub(super) const PRE_KEYS: Table = Table::new(11);
/// After the keys that its records speak of.
pub(super) const ACCOUNT: Table = Table::new(12);
/// Last: where it is, the account is whole.
pub(super) const IDENTITY: Table = Table::new(13);
/// Nothing refers to its records, so it does not matter that they come after everything else.
pub(super) const PINNED: Table = Table::new(14);
/// Made of what devices have shown: it says nothing that their records do not.
pub(super) const OWNERS: Table = Table::new(15);

/// Between the parts of a name that have no fixed length. No address contains it.
const SEPARATOR: u8 = 0;

/// The names of one account's records.
#[derive(Clone, Debug)]
pub(super) struct Names {
    own: BareJid,
    scope: Scope,
}

/// A device of somebody, in one version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// Whose device it is.
    pub jid: BareJid,
    /// Its id.
    pub device: DeviceId,
    /// The version that is spoken with it.
    pub version: Version,
}

/// One of the sessions with a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SessionName {
    pub(super) peer: Peer,
    pub(super) number: u32,
}

impl Names {
    pub(super) fn new(own: BareJid) -> Self {
        let scope = Scope::new(own.as_str());
        Self { own, scope }
    }

    pub(super) const fn own(&self) -> &BareJid {
        &self.own
    }

    /// Where all of them are.
    pub(super) const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The device that the account is.
    pub(super) fn identity(&self) -> Key {
        Key::new(IDENTITY, self.partition(), [])
    }

    /// What an account has one of.
    pub(super) fn account(&self, what: &str) -> Key {
        Key::new(ACCOUNT, self.partition(), what)
    }

    pub(super) fn version_state(&self, version: Version) -> Key {
        Key::new(ACCOUNT, self.partition(), [b'v', version.code()])
    }

    /// That the user has blocked somebody.
    pub(super) fn blocked(&self, jid: &BareJid) -> Key {
        let name = [blocked::PREFIX, jid.as_str().as_bytes()].concat();
        Key::new(ACCOUNT, self.partition(), name)
    }

    /// Everybody whom the user has blocked.
    pub(super) fn all_blocked(&self) -> Range {
        let mut end = blocked::PREFIX.to_vec();
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        self.account_range().from(blocked::PREFIX).until(end)
    }

    /// What others have written into the account's own list.
    pub(super) fn list_extras(&self, version: Version) -> Key {
        Key::new(ACCOUNT, self.partition(), [b'x', version.code()])
    }

    /// All that an account has one of.
    pub(super) fn account_range(&self) -> Range {
        Range::partition(ACCOUNT, self.partition())
    }

    pub(super) fn pre_key(&self, version: Version, id: u32) -> Key {
        Key::new(PRE_KEYS, self.of_version(version), id.to_be_bytes())
    }

    pub(super) fn pre_keys(&self, version: Version) -> Range {
        Range::partition(PRE_KEYS, self.of_version(version))
    }

    pub(super) fn signed_pre_key(&self, version: Version, id: u32) -> Key {
        Key::new(SIGNED_PRE_KEYS, self.of_version(version), id.to_be_bytes())
    }

    pub(super) fn signed_pre_keys(&self, version: Version) -> Range {
        Range::partition(SIGNED_PRE_KEYS, self.of_version(version))
    }

    /// That a signed pre-key was made.
    pub(super) fn made(&self, version: Version, digest: &[u8]) -> Key {
        Key::new(SIGNED_PRE_KEYS, self.of_made(version), digest)
    }

    /// All signed pre-keys that were made.
    pub(super) fn all_made(&self, version: Version) -> Range {
        Range::partition(SIGNED_PRE_KEYS, self.of_made(version))
    }

    pub(super) fn contact(&self, jid: &BareJid) -> Key {
        Key::new(CONTACTS, self.partition(), jid.as_str())
    }

    pub(super) fn contacts(&self) -> Range {
        Range::partition(CONTACTS, self.partition())
    }

    pub(super) fn device(&self, jid: &BareJid, device: DeviceId) -> Key {
        Key::new(DEVICES, self.of(jid), device.get().to_be_bytes())
    }

    pub(super) fn devices(&self, jid: &BareJid) -> Range {
        Range::partition(DEVICES, self.of(jid))
    }

    /// The identity of a device that was evicted.
    pub(super) fn pinned(&self, jid: &BareJid, device: DeviceId) -> Key {
        Key::new(PINNED, self.of(jid), device.get().to_be_bytes())
    }

    pub(super) fn all_pinned(&self, jid: &BareJid) -> Range {
        Range::partition(PINNED, self.of(jid))
    }

    /// That devices of an account have shown an identity key.
    pub(super) fn owner(&self, identity: &[u8; 32], jid: &BareJid) -> Key {
        Key::new(OWNERS, self.of_key(identity), jid.as_str())
    }

    /// The accounts whose devices have shown an identity key.
    pub(super) fn owners(&self, identity: &[u8; 32]) -> Range {
        Range::partition(OWNERS, self.of_key(identity))
    }

    pub(super) fn trust(&self, jid: &BareJid, identity: &[u8]) -> Key {
        Key::new(TRUST, self.of(jid), identity)
    }

    pub(super) fn trusts(&self, jid: &BareJid) -> Range {
        Range::partition(TRUST, self.of(jid))
    }

    pub(super) fn session(&self, session: &SessionName) -> Key {
        Key::new(SESSIONS, self.of(&session.peer.jid), session.sort())
    }

    /// The chains of all sessions with an account.
    pub(super) fn all_chains(&self, jid: &BareJid) -> Range {
        Range::partition(CHAINS, self.of(jid))
    }

    pub(super) fn chains(&self, session: &SessionName) -> Key {
        self.chains_of(&session.peer.jid, session.sort())
    }

    /// The same for the session that has this sort key.
    pub(super) fn chains_of(&self, jid: &BareJid, session: Vec<u8>) -> Key {
        Key::new(CHAINS, self.of(jid), session)
    }

    /// What became of message `n` of the chain that step `step` opened.
    pub(super) fn message_key(&self, session: &SessionName, step: u32, n: u32) -> Key {
        Key::new(MESSAGE_KEYS, self.of_chain(session, step), n.to_be_bytes())
    }

    pub(super) fn message_keys(&self, session: &SessionName, step: u32) -> Range {
        Range::partition(MESSAGE_KEYS, self.of_chain(session, step))
    }

    /// The same for the session that has this sort key.
    pub(super) fn message_keys_of(&self, jid: &BareJid, session: &[u8], step: u32) -> Range {
        Range::partition(MESSAGE_KEYS, self.chain_of(jid, session, step))
    }

    /// All that there is of a contact, besides its own record and the keys of its messages.
    pub(super) fn of_contact(&self, jid: &BareJid) -> [Range; 6] {
        [CHAINS, SESSIONS, DEVICES, PINNED, TRUST, ANSWERS]
            .map(|table| Range::partition(table, self.of(jid)))
    }

    pub(super) fn failures(&self, peer: &Peer) -> Key {
        Key::new(FAILURES, self.partition(), peer_sort(peer))
    }

    pub(super) fn all_failures(&self) -> Range {
        Range::partition(FAILURES, self.partition())
    }

    pub(super) fn answer(&self, peer: &Peer) -> Key {
        Key::new(ANSWERS, self.partition(), peer_sort(peer))
    }

    /// The same for an account that was not accepted: a stranger's are in nobody's way.
    pub(super) fn held_answer(&self, peer: &Peer) -> Key {
        let mut sort = peer.device.get().to_be_bytes().to_vec();
        sort.push(peer.version.code());
        Key::new(ANSWERS, self.of(&peer.jid), sort)
    }

    pub(super) fn held_answers(&self, jid: &BareJid) -> Range {
        Range::partition(ANSWERS, self.of(jid))
    }

    pub(super) fn answers(&self) -> Range {
        Range::partition(ANSWERS, self.partition())
    }

    pub(super) fn inbox(&self, id: &[u8]) -> Key {
        Key::new(INBOX, self.partition(), id)
    }

    pub(super) fn inbox_range(&self) -> Range {
        Range::partition(INBOX, self.partition())
    }

    fn partition(&self) -> &[u8] {
        self.own.as_str().as_bytes()
    }

    fn of(&self, jid: &BareJid) -> Vec<u8> {
        self.scope.partition(jid.as_str().as_bytes())
    }

    fn of_key(&self, identity: &[u8; 32]) -> Vec<u8> {
        [self.partition(), &[SEPARATOR], identity].concat()
    }

    fn of_version(&self, version: Version) -> Vec<u8> {
        self.scope.partition(&[version.code()])
    }

    fn of_made(&self, version: Version) -> Vec<u8> {
        let mut name = self.of_version(version);
        name.extend_from_slice(&[SEPARATOR, b'm']);
        name
    }

    fn of_chain(&self, session: &SessionName, step: u32) -> Vec<u8> {
        self.chain_of(&session.peer.jid, &session.sort(), step)
    }

    fn chain_of(&self, jid: &BareJid, session: &[u8], step: u32) -> Vec<u8> {
        let mut name = self.of(jid);
        name.push(SEPARATOR);
        name.extend_from_slice(session);
        name.extend_from_slice(&step.to_be_bytes());
        name
    }
}

impl Peer {
    pub(super) const fn session(self, number: u32) -> SessionName {
        SessionName { peer: self, number }
    }
}

impl SessionName {
    fn sort(&self) -> Vec<u8> {
        let Peer {
            device, version, ..
        } = &self.peer;
        let mut sort = device.get().to_be_bytes().to_vec();
        sort.push(version.code());
        sort.extend_from_slice(&self.number.to_be_bytes());
        sort
    }
}

fn peer_sort(peer: &Peer) -> Vec<u8> {
    let mut sort = peer.jid.as_str().as_bytes().to_vec();
    sort.push(SEPARATOR);
    sort.extend_from_slice(&peer.device.get().to_be_bytes());
    sort.push(peer.version.code());
    sort
}

/// The device and version that [`Names::held_answer`] has in its name.
pub(super) fn held_by(jid: &BareJid, sort: &[u8]) -> Option<Peer> {
    let (device, code) = sort.split_first_chunk::<4>()?;
    let &[code] = code else {
        return None;
    };
    Some(Peer {
        jid: jid.clone(),
        device: DeviceId::new(u32::from_be_bytes(*device))?,
        version: Version::from_code(code)?,
    })
}

/// The peer that [`Names::failures`] and [`Names::answer`] have in their names.
pub(super) fn peer_of(sort: &[u8]) -> Option<Peer> {
    let (rest, code) = sort.split_last_chunk::<1>()?;
    let (rest, device) = rest.split_last_chunk::<4>()?;
    let jid = rest.strip_suffix(&[SEPARATOR])?;
    Some(Peer {
        jid: core::str::from_utf8(jid).ok()?.parse().ok()?,
        device: DeviceId::new(u32::from_be_bytes(*device))?,
        version: Version::from_code(code[0])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_read_from_its_name() {
        let peer = Peer {
            jid: "romeo@montague.example".parse().unwrap(),
            device: DeviceId::new(256).unwrap(),
            version: Version::Omemo2,
        };
        assert_eq!(peer_of(&peer_sort(&peer)), Some(peer));
        assert_eq!(peer_of(b""), None);
        assert_eq!(peer_of(b"a@b\0\0\0\0\0\x01"), None);
    }

    #[test]
    fn no_two_things_share_a_name() {
        let names = Names::new("juliet@capulet.example".parse().unwrap());
        let peer = |jid: &str, device| Peer {
            jid: jid.parse().unwrap(),
            device: DeviceId::new(device).unwrap(),
            version: Version::Legacy,
        };
        let a = peer("romeo@montague.example", 1).session(1);
        let b = peer("romeo@montague.example", 1).session(2);
        let c = peer("romeo@montague.example", 2).session(1);
        let mut all = Vec::new();
        for session in [&a, &b, &c] {
            all.push(names.session(session));
            all.push(names.chains(session));
            all.extend([1, 2].map(|step| names.message_key(session, step, 7)));
        }
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
