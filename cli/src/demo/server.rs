//! An XMPP server, as much of it as OMEMO needs.

use std::collections::HashMap;

use omemo::account::Peer;
use omemo::model::{
    BareJid, Bundle, DeviceId, DeviceList, Encrypted, OwnKey, RecipientKey, Version,
};

/// A message on its way: all that a server gets of it.
#[derive(Clone, Debug)]
pub(super) struct Stanza {
    pub(super) from: BareJid,
    pub(super) to: BareJid,
    /// The `<encrypted/>` element: the payload, and its key for each device.
    pub(super) element: Encrypted<RecipientKey>,
}

impl Stanza {
    /// What a device's reader finds in the element.
    pub(super) fn for_device(&self, device: DeviceId) -> Encrypted<OwnKey> {
        let keys = self.element.keys.iter().filter(|key| key.device == device);
        Encrypted {
            version: self.element.version,
            sender_device: self.element.sender_device,
            keys: keys
                .map(|key| OwnKey {
                    key_exchange: key.key_exchange,
                    bytes: key.bytes.clone(),
                })
                .collect(),
            iv: self.element.iv.clone(),
            payload: self.element.payload.clone(),
        }
    }
}

/// Keeps what its users publish and what waits for them, passes on the rest, and remembers every byte
/// that it ever saw, as a curious operator could.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) domain: &'static str,
    device_lists: HashMap<(BareJid, Version), DeviceList>,
    bundles: HashMap<(BareJid, DeviceId, Version), Bundle>,
    waiting: HashMap<BareJid, Vec<Stanza>>,
    seen: Vec<Vec<u8>>,
}

impl Server {
    pub(super) fn new(domain: &'static str) -> Self {
        Self {
            domain,
            device_lists: HashMap::new(),
            bundles: HashMap::new(),
            waiting: HashMap::new(),
            seen: Vec::new(),
        }
    }

    /// Keeps the device list of one of its users in the place of the one before.
    pub(super) fn announce(&mut self, owner: &BareJid, list: DeviceList) {
        self.device_lists
            .insert((owner.clone(), list.version), list);
    }

    /// The device list of one of its users: public.
    pub(super) fn device_list(&self, owner: &BareJid, version: Version) -> Option<&DeviceList> {
        self.device_lists.get(&(owner.clone(), version))
    }

    /// Keeps a bundle of one of its users in the place of the one before.
    pub(super) fn publish(&mut self, owner: &BareJid, device: DeviceId, bundle: Bundle) {
        self.see_bundle(&bundle);
        let place = (owner.clone(), device, bundle.version);
        self.bundles.insert(place, bundle);
    }

    /// Asks the other server, on behalf of a user, for a bundle that is published there.
    pub(super) fn fetch(&mut self, other: &mut Self, of: &Peer) -> Option<Bundle> {
        let place = (of.jid.clone(), of.device, of.version);
        let bundle = other.bundles.get(&place).cloned()?;
        other.see_bundle(&bundle);
        self.see_bundle(&bundle);
        Some(bundle)
    }

    /// Takes a message of one of its users to the server of its recipient, where it waits.
    pub(super) fn send(&mut self, other: &mut Self, stanza: Stanza) {
        self.see_stanza(&stanza);
        other.see_stanza(&stanza);
        other
            .waiting
            .entry(stanza.to.clone())
            .or_default()
            .push(stanza);
    }

    /// Hands over what waits for a user who is online now.
    pub(super) fn come_online(&mut self, user: &BareJid) -> Vec<Stanza> {
        self.waiting.remove(user).unwrap_or_default()
    }

    /// How many bytes it has seen.
    pub(super) fn seen_bytes(&self) -> usize {
        self.seen.iter().map(Vec::len).sum()
    }

    /// Whether a piece of `text` occurs in anything that it has seen: each run of [`PIECE`] bytes is
    /// looked for, as encryption that leaks a part has failed as well.
    pub(super) fn has_seen(&self, text: &str) -> bool {
        let pieces = text.as_bytes().windows(text.len().clamp(1, PIECE));
        self.seen.iter().any(|bytes| {
            bytes
                .windows(text.len().clamp(1, PIECE))
                .any(|window| pieces.clone().any(|piece| piece == window))
        })
    }

    fn see_stanza(&mut self, stanza: &Stanza) {
        self.seen.push(stanza.from.as_str().into());
        self.seen.push(stanza.to.as_str().into());
        let keys = stanza.element.keys.iter().map(|key| key.bytes.clone());
        self.seen.extend(keys);
        self.seen.extend(stanza.element.iv.clone());
        self.seen.extend(stanza.element.payload.clone());
    }

    fn see_bundle(&mut self, bundle: &Bundle) {
        self.seen.push(bundle.identity.as_bytes().to_vec());
        self.seen.push(bundle.signed_pre_key.as_bytes().to_vec());
        self.seen.push(bundle.signature.as_bytes().to_vec());
        let pre_keys = bundle.pre_keys.iter();
        self.seen
            .extend(pre_keys.map(|entry| entry.key.as_bytes().to_vec()));
    }
}

/// Long enough to occur by chance in no demo: the odds are below one in 10^14.
pub(super) const PIECE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_the_text_is_noticed_and_noise_is_not() {
        let mut server = Server::new("capulet.example");
        server.seen.push(b"..wherefo..".to_vec());
        assert!(!server.has_seen("Art thou not Romeo?"));
        server.seen.push(b"--thou not--".to_vec());
        assert!(server.has_seen("Art thou not Romeo?"));
        assert!(server.has_seen("thou"));
    }
}
