//! The numbers by which devices and keys are called.
//!
//! XEP-0384 draws all of them from 1 to 2^31 - 1. Deployed clients have sent more: every value that
//! fits 32 bits is read. 0 names no device, and no key of ours. Bundles of others may count their keys
//! from 0 (Converse.js does), and a key exchange with such a device has to name the key as the bundle does.

use core::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u32);

        impl $name {
            /// The largest id that is drawn; larger ones are read only.
            pub const MAX_DRAWN: u32 = i32::MAX as u32;

            /// The id of that number; `None` for 0.
            #[must_use]
            pub const fn new(id: u32) -> Option<Self> {
                match id {
                    0 => None,
                    id => Some(Self(id)),
                }
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> u32 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

ids! {
    /// A device of an account; `sid` and `rid` in stanzas (XEP-0384 §2). Unique for one account only.
    DeviceId;
    /// A one-time pre-key of a bundle.
    PreKeyId;
    /// A signed pre-key. A number space of its own: it may equal a [`PreKeyId`].
    SignedPreKeyId;
}

impl PreKeyId {
    /// The id that a bundle of another device gives to a pre-key. It may be 0; ours are made by
    /// [`Self::new`] and are not.
    #[must_use]
    pub const fn in_bundle(id: u32) -> Self {
        Self(id)
    }
}

impl SignedPreKeyId {
    /// The id that a bundle of another device gives to its signed pre-key. It may be 0; ours are made by
    /// [`Self::new`] and are not.
    #[must_use]
    pub const fn in_bundle(id: u32) -> Self {
        Self(id)
    }
}
