//! What the servers know: device lists, and bundles as they were published.

use std::collections::{BTreeMap, BTreeSet};

use omemo::account::Peer;
use omemo::model::{BareJid, Bundle, Device, DeviceId, DeviceList, Version};

#[derive(Default)]
pub(crate) struct Server {
    lists: BTreeMap<(BareJid, Version), BTreeSet<DeviceId>>,
    /// With the life of the store that published it.
    bundles: BTreeMap<Peer, (Bundle, u32)>,
    /// Every pre-key that was ever published: one id never stands for two keys.
    pre_keys: BTreeMap<(Peer, u32), [u8; 32]>,
    signed_pre_keys: BTreeMap<(Peer, u32), [u8; 32]>,
}

impl Server {
    pub(crate) fn ids(&self, jid: &BareJid, version: Version) -> BTreeSet<DeviceId> {
        let list = self.lists.get(&(jid.clone(), version));
        list.cloned().unwrap_or_default()
    }

    pub(crate) fn list(&self, jid: &BareJid, version: Version) -> DeviceList {
        let ids = self.ids(jid, version).into_iter();
        DeviceList {
            version,
            devices: ids.map(|id| Device { id, label: None }).collect(),
        }
    }

    pub(crate) fn publish_list(&mut self, jid: &BareJid, list: &DeviceList) {
        let ids = list.devices.iter().map(|device| device.id).collect();
        self.lists.insert((jid.clone(), list.version), ids);
    }

    pub(crate) fn unlist(&mut self, jid: &BareJid, version: Version, device: DeviceId) {
        let list = self.lists.entry((jid.clone(), version)).or_default();
        list.remove(&device);
    }

    pub(crate) fn bundle(&self, peer: &Peer) -> Option<&(Bundle, u32)> {
        self.bundles.get(peer)
    }

    pub(crate) fn publish_bundle(&mut self, peer: &Peer, bundle: Bundle, life: u32) {
        assert!(bundle.pre_keys.len() >= 25, "the bundle is nearly empty");
        for entry in &bundle.pre_keys {
            let name = (peer.clone(), entry.id.get());
            let key = *entry.key.as_bytes();
            let known = self.pre_keys.entry(name).or_insert(key);
            assert_eq!(*known, key, "{peer:?}: pre-key id {:?} again", entry.id);
        }
        let name = (peer.clone(), bundle.signed_pre_key_id.get());
        let key = *bundle.signed_pre_key.as_bytes();
        let known = self.signed_pre_keys.entry(name).or_insert(key);
        assert_eq!(*known, key, "{peer:?}: signed pre-key id again");
        self.bundles.insert(peer.clone(), (bundle, life));
    }

    pub(crate) fn remove_bundle(&mut self, peer: &Peer) {
        self.bundles.remove(peer);
    }
}
