//! The numbers by which devices and keys are called.
//!
//! XEP-0384 draws all of them from 1 to 2^31 - 1. Deployed clients have sent more: every value that
//! fits 32 bits is read, except the 0 that some take for "none".

use core::fmt;
use core::num::NonZeroU32;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(NonZeroU32);

        impl $name {
            /// The largest id that is drawn; larger ones are read only.
            pub const MAX_DRAWN: u32 = i32::MAX as u32;

            /// The id of that number; `None` for 0.
            #[must_use]
            pub const fn new(id: u32) -> Option<Self> {
                match NonZeroU32::new(id) {
                    Some(id) => Some(Self(id)),
                    None => None,
                }
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> u32 {
                self.0.get()
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
