//! Whose records they are.
//!
//! A record is in the scope that its partition begins with: everything up to the first zero byte, or all of
//! it if there is none. So each record is in one scope, no scope is a part of another, and a name says
//! by itself where it belongs.

use core::fmt;

use super::{Key, MAX_KEY_PART, Range, StoreError};

/// Ends the scope in a partition.
const END: u8 = 0;

/// Whose records they are: what is written in one scope disturbs nobody who works in another. The scope
/// of an account is its address. Prints its length only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Vec<u8>);

impl Scope {
    /// The scope of that name, of at most [`MAX_KEY_PART`] bytes. No record is in a scope whose name has a
    /// zero byte in it.
    #[must_use]
    pub fn new(name: impl Into<Vec<u8>>) -> Self {
        Self(name.into())
    }

    /// The scope that a partition is in.
    #[must_use]
    pub fn of(partition: &[u8]) -> Self {
        Self(name_of(partition).to_vec())
    }

    /// Its name, for those who write a store of their own.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A partition in this scope.
    #[must_use]
    pub fn partition(&self, name: &[u8]) -> Vec<u8> {
        [&self.0, &[END][..], name].concat()
    }

    /// Whether a partition is in this scope.
    #[must_use]
    pub fn contains(&self, partition: &[u8]) -> bool {
        name_of(partition) == self.0
    }

    /// For those who write a store of their own: whether the name keeps its limit.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`].
    pub const fn check(&self) -> Result<(), StoreError> {
        if self.0.len() > MAX_KEY_PART {
            return Err(StoreError::TooLarge);
        }
        Ok(())
    }
}

fn name_of(partition: &[u8]) -> &[u8] {
    partition.split(|byte| *byte == END).next().unwrap_or(&[])
}

impl Key {
    /// Whether the record is in a scope.
    #[must_use]
    pub fn is_in(&self, scope: &Scope) -> bool {
        scope.contains(&self.partition)
    }
}

impl Range {
    /// Whether the records are in a scope.
    #[must_use]
    pub fn is_in(&self, scope: &Scope) -> bool {
        scope.contains(&self.partition)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_in_one_scope() {
        let partitions: [(&[u8], &[u8]); 6] = [
            (b"", b""),
            (b"\0", b""),
            (b"\0a", b""),
            (b"a", b"a"),
            (b"a\0", b"a"),
            (b"a\0b\0c", b"a"),
        ];
        for (partition, scope) in partitions {
            assert_eq!(Scope::of(partition), Scope::new(scope));
            for other in [&b""[..], b"a", b"ab", b"a\0", b"a\0b", b"\0"] {
                let contains = Scope::new(other).contains(partition);
                assert_eq!(contains, other == scope, "{other:?} {partition:?}");
            }
        }
        let scope = Scope::new(*b"a");
        assert!(scope.contains(&scope.partition(b"\0b")));
        assert_eq!(format!("{scope:?}"), "Scope(1 bytes)");
    }
}
