//! Argon2id (RFC 9106): a key out of what a person can remember.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use super::Secret;

/// What deriving a key from a passphrase costs. The recommendations of RFC 9106 §4 are the only
/// reason to trust such a key: a short passphrase remains one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    memory: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// RFC 9106 §4, second recommended option: 64 MiB, 3 passes, 4 lanes. A fraction of a second.
    pub const RECOMMENDED: Self = Self {
        memory: 64 << 10,
        passes: 3,
        lanes: 4,
    };

    /// The most memory that is used, in KiB: 1 GiB. A stored cost is read before anybody has vouched
    /// for it.
    pub const MAX_MEMORY: u32 = 1 << 20;

    /// The most passes that are made.
    pub const MAX_PASSES: u32 = 16;

    /// The most lanes that are used.
    pub const MAX_LANES: u32 = 16;

    /// Memory in KiB, passes, and lanes. `None` if one of them is zero, over its limit, or the memory is
    /// less than 8 KiB for each lane.
    #[must_use]
    pub const fn new(memory: u32, passes: u32, lanes: u32) -> Option<Self> {
        let within = memory <= Self::MAX_MEMORY
            && (1 <= passes && passes <= Self::MAX_PASSES)
            && (1 <= lanes && lanes <= Self::MAX_LANES)
            && memory >= 8 * lanes;
        if !within {
            return None;
        }
        Some(Self {
            memory,
            passes,
            lanes,
        })
    }

    /// Memory in KiB.
    #[must_use]
    pub const fn memory(self) -> u32 {
        self.memory
    }

    /// Passes over the memory.
    #[must_use]
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes. They are worked on one after the other.
    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }
}

/// Argon2id, version 0x13, without a secret or associated data. The memory is wiped after it.
/// `None` if the passphrase is longer than 2^32 - 1 bytes.
#[must_use]
pub fn argon2id(passphrase: &[u8], salt: &[u8; 16], cost: Cost) -> Option<Secret<32>> {
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(32)).ok()?;
    let mut memory = Zeroizing::new(vec![Block::default(); params.block_count()]);
    let mut key = Secret::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(passphrase, salt, key.expose_mut(), &mut *memory)
        .ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_bounded() {
        assert!(Cost::new(8, 1, 1).is_some());
        for (memory, passes, lanes) in [
            (7, 1, 1),
            (16, 1, 4),
            (64, 0, 1),
            (64, 1, 0),
            (Cost::MAX_MEMORY + 1, 1, 1),
            (64, Cost::MAX_PASSES + 1, 1),
            (1 << 10, 1, Cost::MAX_LANES + 1),
            (u32::MAX, u32::MAX, u32::MAX),
        ] {
            assert_eq!(Cost::new(memory, passes, lanes), None);
        }
        let Cost {
            memory,
            passes,
            lanes,
        } = Cost::RECOMMENDED;
        assert_eq!(Cost::new(memory, passes, lanes), Some(Cost::RECOMMENDED));
    }

    #[test]
    fn everything_has_a_part_in_the_key() {
        let cost = Cost::new(16, 1, 1).unwrap();
        let more = Cost::new(16, 2, 1).unwrap();
        let key = |passphrase: &[u8], salt, cost| {
            *argon2id(passphrase, &[salt; 16], cost).unwrap().expose()
        };
        let first = key(b"correct horse", 1, cost);
        assert_eq!(first, key(b"correct horse", 1, cost));
        assert_ne!(first, key(b"correct horsf", 1, cost));
        assert_ne!(first, key(b"correct horse", 2, cost));
        assert_ne!(first, key(b"correct horse", 1, more));
    }
}
