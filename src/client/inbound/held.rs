//! Messages that were taken apart, and wait to be decrypted.

use super::attached::Attached;
use super::evidence::Evidence;
use crate::model::{Encrypted, OwnKey};

/// A message that was taken apart, and not decrypted yet.
pub(in crate::client) struct Held {
    pub(in crate::client) evidence: Evidence,
    /// It was not written just now.
    pub(in crate::client) is_late: bool,
    pub(in crate::client) elements: Vec<Encrypted<OwnKey>>,
    pub(in crate::client) attached: Attached,
}

impl Held {
    /// About how many bytes it takes.
    pub(in crate::client) fn size(&self) -> usize {
        let elements = self.elements.iter().map(|element| {
            let keys = element.keys.iter();
            let keys = keys.map(|key| size_of::<OwnKey>() + key.bytes.len());
            let texts = [&element.payload, &element.iv].into_iter().flatten();
            keys.sum::<usize>() + texts.map(Vec::len).sum::<usize>()
        });
        size_of::<Self>() + self.attached.shell.len() + elements.sum::<usize>()
    }

    /// Whether there is a key for this device in it.
    pub(in crate::client) fn is_for_us(&self) -> bool {
        self.elements.iter().any(|element| !element.keys.is_empty())
    }
}
