//! The stored form of a session: fixed places, no skipped keys.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 1 | version of this form: 1 |
//! | 1 | 1 | version of OMEMO: [`Version::code`] |
//! | 2 | 1 | flags |
//! | 3 | 32 | own identity key, in the form of the OMEMO version |
//! | 35 | 32 | their identity key |
//! | 67 | 32 | base key |
//! | 99 | 32 | `RK` |
//! | 131 | 32, 32 | `DHs`: private, public |
//! | 195 | 32 | `CKs` |
//! | 227 | 32 | `DHr` |
//! | 259 | 32 | `CKr` |
//! | 291 | 4 × 4 | `Ns`, `PN`, `Nr`, steps |
//! | 307 | 3 × 4 | pre-key id, signed pre-key id, own device id: while the key exchange is unanswered |
//!
//! Integers are little-endian. What does not apply is zero, and a record in which it is not is refused.

use zeroize::Zeroizing;

use super::{Session, Unanswered};
use crate::crypto::{PublicKey, RatchetKeyPair, Role, Secret};
use crate::error::RecordError;
use crate::model::Version;
use crate::protocol::{self, Parties};
use crate::ratchet::{ChainKey, Ratchet, Receiving, RootKey, Sending};

/// The length of every record of form 1.
pub const RECORD_LEN: usize = 319;

const FORM: u8 = 1;

const INITIATOR: u8 = 1;
const UNANSWERED: u8 = 1 << 1;
const HEARTBEAT_DUE: u8 = 1 << 2;
const SENDING: u8 = 1 << 3;
const RECEIVING: u8 = 1 << 4;

impl Session {
    /// The record. It holds every secret of the session: it is wiped when dropped.
    #[must_use]
    pub fn to_record(&self) -> Zeroizing<[u8; RECORD_LEN]> {
        let mut record = Zeroizing::new([0; RECORD_LEN]);
        let mut writer = Writer(record.as_mut_slice());
        writer.put(&[FORM, self.version().code(), self.flags()]);
        writer.put(self.parties.local.as_bytes());
        writer.put(self.parties.remote.as_bytes());
        writer.put(self.base_key.as_bytes());
        writer.put(self.ratchet.root().as_secret().expose());
        let sent = match self.ratchet.sending() {
            Sending::Open { dh, chain, n } => {
                writer.put(dh.private().expose());
                writer.put(dh.public().as_bytes());
                writer.put(chain.as_secret().expose());
                *n
            }
            Sending::Deferred | Sending::Waiting(_) => {
                writer.skip(96);
                0
            }
        };
        let received = match self.ratchet.receiving() {
            Receiving::Open { dh, chain, n } => {
                writer.put(dh.as_bytes());
                writer.put(chain.as_secret().expose());
                *n
            }
            Receiving::Waiting(dh) => {
                writer.put(dh.as_bytes());
                writer.skip(32);
                0
            }
            Receiving::Nothing(_) => {
                writer.skip(64);
                0
            }
        };
        let steps = self.ratchet.steps();
        for number in [sent, self.ratchet.previous(), received, steps] {
            writer.put(&number.to_le_bytes());
        }
        if let Some(unanswered) = self.unanswered {
            writer.put(&unanswered.pre_key_id.to_le_bytes());
            writer.put(&unanswered.signed_pre_key_id.to_le_bytes());
            writer.put(&unanswered.device_id.to_le_bytes());
        }
        record
    }

    fn flags(&self) -> u8 {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        flag(self.parties.local_is_initiator, INITIATOR)
            | flag(self.unanswered.is_some(), UNANSWERED)
            | flag(self.heartbeat_due, HEARTBEAT_DUE)
            | flag(
                matches!(self.ratchet.sending(), Sending::Open { .. }),
                SENDING,
            )
            | flag(
                matches!(self.ratchet.receiving(), Receiving::Open { .. }),
                RECEIVING,
            )
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`RecordError`] if [`Session::to_record`] did not write it. Records are not authenticated: what
    /// somebody else wrote into a store may be read without an error.
    pub fn from_record(record: &[u8]) -> Result<Self, RecordError> {
        let (&form, _) = record.split_first().ok_or(RecordError::Malformed)?;
        if form != FORM {
            return Err(RecordError::Version(form));
        }
        if record.len() != RECORD_LEN {
            return Err(RecordError::Malformed);
        }
        let mut reader = Reader(record);
        let [_, version, flags] = reader.take()?;
        let has = |flag: u8| flags & flag != 0;
        let version = Version::from_code(version).ok_or(RecordError::Malformed)?;
        let protocol = protocol::of(version);
        let parties = Parties {
            local: protocol.stored_identity(reader.take()?),
            remote: protocol.stored_identity(reader.take()?),
            local_is_initiator: has(INITIATOR),
        };
        let base_key = reader.public_key()?;
        let root = RootKey::new(reader.secret()?);

        let sending = if has(SENDING) {
            let private = reader.secret()?;
            let dh = RatchetKeyPair::from_parts(private, reader.public_key()?);
            let chain = ChainKey::new(reader.secret()?);
            Some((dh, chain))
        } else {
            reader.zeros::<96>()?;
            None
        };
        let their = reader.public_key()?;
        let receiving = if has(RECEIVING) {
            Some(ChainKey::new(reader.secret()?))
        } else {
            reader.zeros::<32>()?;
            None
        };
        let [sent, previous, received, steps] = reader.numbers()?;
        let ids = reader.numbers()?;

        let [pre_key_id, signed_pre_key_id, device_id] = ids;
        let unanswered = has(UNANSWERED).then_some(Unanswered {
            pre_key_id,
            signed_pre_key_id,
            device_id,
        });
        // Nobody waits for an answer to what he did not start, or after it has come; the responder has
        // received, or there would be no session.
        let consistent = flags >> 5 == 0
            && (sending.is_some() || sent == 0)
            && (receiving.is_some() == (steps > 0))
            && (receiving.is_some() || (received == 0 && previous == 0 && has(INITIATOR)))
            && (unanswered.is_some() == receiving.is_none())
            && (unanswered.is_some() || ids == [0; 3]);
        if !consistent {
            return Err(RecordError::Malformed);
        }
        let sending = sending.map_or(Sending::Deferred, |(dh, chain)| Sending::Open {
            dh,
            chain: Box::new(chain),
            n: sent,
        });
        let receiving = match receiving {
            Some(chain) => Receiving::Open {
                dh: their,
                chain: Box::new(chain),
                n: received,
            },
            None => Receiving::Waiting(their),
        };
        let ratchet = Ratchet::from_parts(root, sending, receiving, previous, steps);
        let mut session = Self::parts(protocol, parties, base_key, unanswered, ratchet);
        session.heartbeat_due = has(HEARTBEAT_DUE);
        Ok(session)
    }
}

struct Writer<'a>(&'a mut [u8]);

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        if let Some((place, rest)) = core::mem::take(&mut self.0).split_at_mut_checked(bytes.len())
        {
            place.copy_from_slice(bytes);
            self.0 = rest;
        }
    }

    fn skip(&mut self, count: usize) {
        self.0 = core::mem::take(&mut self.0)
            .split_at_mut_checked(count)
            .map_or(&mut [], |(_, rest)| rest);
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(RecordError::Malformed)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn zeros<const N: usize>(&mut self) -> Result<(), RecordError> {
        match self.take::<N>()? == [0; N] {
            true => Ok(()),
            false => Err(RecordError::Malformed),
        }
    }

    fn secret(&mut self) -> Result<Secret<32>, RecordError> {
        self.take().map(Secret::new)
    }

    fn public_key<R: Role>(&mut self) -> Result<PublicKey<R>, RecordError> {
        PublicKey::from_bytes(self.take()?).map_err(|_| RecordError::Malformed)
    }

    fn numbers<const N: usize>(&mut self) -> Result<[u32; N], RecordError> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = u32::from_le_bytes(self.take()?);
        }
        Ok(numbers)
    }
}
