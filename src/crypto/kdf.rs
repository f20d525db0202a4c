//! HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869).

use std::sync::LazyLock;

use hkdf::HkdfExtract;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::Secret;

/// HKDF-Extract with 32 zero bytes for salt, as X3DH §2.2 and OMEMO's message and payload keys want
/// it: the salt's two hash blocks are computed once for the process.
static ZERO_SALT: LazyLock<HkdfExtract<Sha256>> =
    LazyLock::new(|| HkdfExtract::new(Some(&[0; 32])));

/// `HKDF(salt = 32 zero bytes, ikm, info)`, `N` bytes; `ikm` is the concatenation of its parts.
#[must_use]
pub fn hkdf<const N: usize>(ikm: &[&[u8]], info: &[u8]) -> Secret<N> {
    expand(ZERO_SALT.clone(), ikm, info)
}

/// `HKDF(salt, ikm, info)`, `N` bytes.
#[must_use]
pub fn hkdf_salted<const N: usize>(salt: &[u8], ikm: &[u8], info: &[u8]) -> Secret<N> {
    expand(HkdfExtract::new(Some(salt)), &[ikm], info)
}

fn expand<const N: usize>(
    mut extract: HkdfExtract<Sha256>,
    ikm: &[&[u8]],
    info: &[u8],
) -> Secret<N> {
    const { assert!(N <= 255 * 32, "RFC 5869 §2.3: L <= 255 * HashLen") };
    ikm.iter().for_each(|part| extract.input_ikm(part));
    let (mut prk, hkdf) = extract.finalize();
    prk.as_mut_slice().zeroize();
    let mut okm = Secret::new([0; N]);
    #[expect(clippy::expect_used, reason = "N is checked when this is compiled")]
    hkdf.expand(info, okm.expose_mut())
        .expect("the length is in range");
    okm
}

/// A keyed HMAC-SHA-256, for several messages under one key: the key's two hash blocks are shared.
#[derive(Clone)]
pub struct HmacKey(Hmac<Sha256>);

impl HmacKey {
    /// Schedules a key of 32 bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        // RFC 2104: a key that is shorter than a block is filled up with zeros.
        let mut block = [0; 64];
        block.split_at_mut(32).0.copy_from_slice(key);
        let keyed = Self(Hmac::new(&block.into()));
        block.zeroize();
        keyed
    }

    /// The HMAC of the concatenated parts.
    #[must_use]
    pub fn mac(&self, parts: &[&[u8]]) -> Secret<32> {
        let mut hmac = self.0.clone();
        parts.iter().for_each(|part| hmac.update(part));
        Secret::new(hmac.finalize().into_bytes().into())
    }

    /// Whether `tag` is the HMAC of the concatenated parts, cut to `len` bytes. The length is public
    /// and must be exact; the bytes are compared in constant time.
    #[must_use]
    pub fn verify_truncated(&self, parts: &[&[u8]], tag: &[u8], len: usize) -> bool {
        let mac = self.mac(parts);
        tag.len() == len
            && mac
                .expose()
                .get(..len)
                .is_some_and(|mac| bool::from(mac.ct_eq(tag)))
    }
}

impl core::fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("HmacKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a26_a_mac_has_exactly_its_length() {
        let key = HmacKey::new(&[1; 32]);
        let mac = key.mac(&[b"message"]);
        for len in 0..=32 {
            let tag = &mac.expose()[..len];
            assert_eq!(key.verify_truncated(&[b"message"], tag, 8), len == 8);
            assert_eq!(key.verify_truncated(&[b"mess", b"age"], tag, 16), len == 16);
        }
        assert!(!key.verify_truncated(&[b"massage"], &mac.expose()[..16], 16));
    }
}
