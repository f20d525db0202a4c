//! What makes the account this device: its identity and its id.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 1 | form: 1 |
//! | 1 | 4 | device id, big-endian |
//! | 5 | 1 | sign of the Edwards form: 0 natural, 1 zero |
//! | 6 | 32 | identity, private |
//! | 38 | 8 | when it was made, milliseconds since 1970, big-endian |

use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::AccountError;
use crate::crypto::{EdwardsSign, IdentityKeyPair, Secret, random};
use crate::error::RngError;
use crate::model::{DeviceId, Timestamp};

const FORM: u8 = 1;
const LEN: usize = 46;

/// The device that this account is.
#[derive(Clone, Debug)]
pub(super) struct Own {
    pub(super) identity: IdentityKeyPair,
    pub(super) device: DeviceId,
    pub(super) created: Timestamp,
}

impl Own {
    /// A new device, with an identity of its own unless there is one already.
    pub(super) fn draw<G: TryCryptoRng + ?Sized>(
        identity: Option<IdentityKeyPair>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Self, AccountError> {
        let identity = match identity {
            Some(identity) => identity,
            None => IdentityKeyPair::generate(rng)?,
        };
        Ok(Self {
            identity,
            device: draw_device_id(rng)?,
            created: now,
        })
    }

    pub(super) fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let mut record = Zeroizing::new(Vec::with_capacity(LEN));
        record.push(FORM);
        record.extend_from_slice(&self.device.get().to_be_bytes());
        record.push(match self.identity.edwards_sign() {
            EdwardsSign::Natural => 0,
            EdwardsSign::Zero => 1,
        });
        record.extend_from_slice(self.identity.private().expose());
        record.extend_from_slice(&self.created.as_millis().to_be_bytes());
        record
    }

    /// Whether the record is that of this device. Compared in constant time: there is a secret in it.
    pub(super) fn is_record(&self, record: &[u8]) -> bool {
        self.to_record().ct_eq(record).into()
    }

    pub(super) fn from_record(record: &[u8]) -> Result<Self, AccountError> {
        let (&form, rest) = record.split_first().ok_or(AccountError::Record)?;
        if form > FORM {
            return Err(AccountError::Newer);
        }
        let (device, rest) = rest.split_first_chunk().ok_or(AccountError::Record)?;
        let (&sign, rest) = rest.split_first().ok_or(AccountError::Record)?;
        let (private, rest) = rest.split_first_chunk().ok_or(AccountError::Record)?;
        let created = rest.try_into().map_err(|_| AccountError::Record)?;
        let sign = match sign {
            0 => EdwardsSign::Natural,
            1 => EdwardsSign::Zero,
            _ => return Err(AccountError::Record),
        };
        Ok(Self {
            identity: IdentityKeyPair::from_private(Secret::new(*private), sign),
            device: DeviceId::new(u32::from_be_bytes(*device)).ok_or(AccountError::Record)?,
            created: Timestamp::from_millis(u64::from_be_bytes(created)),
        })
    }
}

/// 1 to 2^31 - 1 (XEP-0384 §4.1).
pub(super) fn draw_device_id<G: TryCryptoRng + ?Sized>(rng: &mut G) -> Result<DeviceId, RngError> {
    // One draw in 2^31 is the 0; a generator that gives nothing else is stuck.
    for _ in 0..8 {
        let drawn = u32::from_be_bytes(*random(rng)?.expose()) & DeviceId::MAX_DRAWN;
        if let Some(id) = DeviceId::new(drawn) {
            return Ok(id);
        }
    }
    Err(RngError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_and_garbage_is_not() {
        for sign in [EdwardsSign::Natural, EdwardsSign::Zero] {
            let own = Own {
                identity: IdentityKeyPair::from_private(Secret::new([9; 32]), sign),
                device: DeviceId::new(77).unwrap(),
                created: Timestamp::from_millis(5),
            };
            let record = own.to_record();
            assert_eq!(record.len(), LEN);
            let again = Own::from_record(&record).unwrap();
            assert_eq!(again.identity.ed25519(), own.identity.ed25519());
            assert_eq!((again.device, again.created), (own.device, own.created));
            for len in 0..LEN {
                assert!(Own::from_record(&record[..len]).is_err());
            }
            let mut newer = record.to_vec();
            newer[0] = 2;
            assert_eq!(Own::from_record(&newer).unwrap_err(), AccountError::Newer);
        }
    }
}
