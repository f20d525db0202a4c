//! What people compare.

use core::fmt;

use crate::crypto::IdentityKey;

/// The fingerprint of an identity key: its Curve25519 form, in both versions (XEP-0384 §7).
///
/// Shown as 64 lower-case hexadecimal digits in eight groups.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<&IdentityKey> for Fingerprint {
    fn from(key: &IdentityKey) -> Self {
        Self(*key.to_curve25519().as_bytes())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if index % 4 == 0 && index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}
