//! OMEMO for XMPP clients: X3DH, the Double Ratchet, payloads and stanzas, in both versions that are
//! deployed.
//!
//! ```
//! use getrandom::SysRng;
//! use omemo::crypto::{IdentityKeyPair, PreKeyPair, SignedPreKeyPair, random};
//! use omemo::model::{Bundle, DeviceId, PreKeyEntry, PreKeyId, SignedPreKeyId, Version};
//! use omemo::protocol::{self, KeyExchange};
//! use omemo::ratchet::Budget;
//! use omemo::session::{ResponderKeys, Session};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let omemo2 = protocol::of(Version::Omemo2);
//!
//! // Romeo publishes a bundle and goes offline.
//! let romeo = IdentityKeyPair::generate(&mut SysRng)?;
//! let signed_pre_key = SignedPreKeyPair::generate(&mut SysRng)?;
//! let pre_key = PreKeyPair::generate(&mut SysRng)?;
//! let bundle = Bundle {
//!     version: Version::Omemo2,
//!     identity: omemo2.identity(&romeo),
//!     signed_pre_key_id: SignedPreKeyId::new(1).ok_or("not 0")?,
//!     signed_pre_key: *signed_pre_key.public(),
//!     signature: omemo2.sign(&romeo, signed_pre_key.public(), &random(&mut SysRng)?),
//!     pre_keys: vec![PreKeyEntry {
//!         id: PreKeyId::new(7).ok_or("not 0")?,
//!         key: *pre_key.public(),
//!     }],
//! };
//!
//! // Juliet encrypts a payload once, and its key for each device.
//! let juliet = IdentityKeyPair::generate(&mut SysRng)?;
//! let device = DeviceId::new(1111).ok_or("not 0")?;
//! let payload = omemo2.seal_payload(b"Wherefore art thou?", &random(&mut SysRng)?)?;
//! let mut session = Session::initiate(&juliet, device, &bundle, &mut SysRng)?;
//! let key = session.encrypt(&payload.key_material, &mut SysRng)?;
//! assert!(key.key_exchange);
//!
//! // Romeo comes back, and reads.
//! let exchange = KeyExchange::read(Version::Omemo2, &key.bytes)?;
//! let keys = ResponderKeys { identity: &romeo, signed_pre_key: &signed_pre_key, pre_key: &pre_key };
//! let accepted = Session::accept(&keys, &exchange, &mut Budget::for_stanza())?;
//! let text = omemo2.open_payload(&accepted.plaintext, None, &payload.ciphertext)?;
//! assert_eq!(text.as_slice(), b"Wherefore art thou?");
//! # Ok(())
//! # }
//! ```
//!
//! # The house
//!
//! From the ground up; a floor knows those below it, never those above:
//!
//! | module | what is in it |
//! |---|---|
//! | [`error`] | what can go wrong, an enum for each kind of operation |
//! | [`crypto`] | keys with a type for each role, XEdDSA, key derivation, ciphers |
//! | [`model`] | the nouns: versions, addresses, ids, bundles, device lists |
//! | [`files`] | files in ciphertext, piece by piece; it does not know OMEMO |
//! | [`store`] | where records are kept: in memory, in a file, sealed; it does not know OMEMO either |
//! | [`x3dh`], [`ratchet`] | the two papers; they do not know OMEMO |
//! | [`protocol`] | what differs between the versions of OMEMO |
//! | [`stanza`] | XML to model and back |
//! | [`session`] | one session with one device |
//! | [`account`] | one device of one account: device lists, trust, encryption for many, repair |
//! | [`client`] | stanzas in, actions out |
//!
//! Nothing here has a clock or a socket, and nothing below [`client`], which takes the system's, a generator of
//! its own: randomness is an argument, and failing to draw it is an error. There is no unsafe code, except in `capi`, the C library, which is a feature
//! that is off by default.

pub mod account;
#[cfg(feature = "capi")]
pub mod capi;
pub mod client;
pub mod crypto;
pub mod error;
pub mod files;
pub mod model;
pub mod protocol;
pub mod ratchet;
pub mod session;
pub mod stanza;
pub mod store;
pub mod x3dh;
