//! The protobuf messages of both versions (XEP-0384 §10; libsignal's for legacy).
//!
//! prost does not check that required fields are there and leaves out zeros that are not optional, so
//! every field is optional here: readers check, writers write `Some(0)`. Submessages are bytes, since
//! MACs cover the bytes that came.

use prost::Message;
use prost::bytes::{Buf, Bytes};
use prost::encoding::{DecodeContext, WireType, decode_key, skip_field};

use crate::error::MessageError;

/// A message whose fields have the numbers 1, 2, 3, …
pub(super) trait Fields: Message + Default {
    /// The wire type of each.
    const WIRE_TYPES: &[WireType];
}

/// Reads a message by protobuf's rules: fields in any order, the last of several counts, unknown ones are
/// passed over. One with a known number and another wire type is unknown as well; there prost gives up,
/// and the message is read again without it.
pub(super) fn decode<M: Fields>(wire: Bytes) -> Result<M, MessageError> {
    M::decode(wire.clone()).or_else(|_| {
        without_foreign(wire, M::WIRE_TYPES)
            .and_then(|wire| M::decode(wire).ok())
            .ok_or(MessageError::Protobuf)
    })
}

fn without_foreign(wire: Bytes, types: &[WireType]) -> Option<Bytes> {
    let mut kept = Vec::with_capacity(wire.len());
    let mut rest = wire;
    while rest.has_remaining() {
        let field = rest.clone();
        let (tag, wire_type) = decode_key(&mut rest).ok()?;
        skip_field(wire_type, tag, &mut rest, DecodeContext::default()).ok()?;
        let known = usize::try_from(tag).ok()?.checked_sub(1)?;
        if types.get(known).is_none_or(|known| *known == wire_type) {
            kept.extend_from_slice(field.get(..field.len().checked_sub(rest.len())?)?);
        }
    }
    Some(kept.into())
}

const VARINT: WireType = WireType::Varint;
const BYTES: WireType = WireType::LengthDelimited;

impl Fields for LegacyMessage {
    const WIRE_TYPES: &[WireType] = &[BYTES, VARINT, VARINT, BYTES];
}
impl Fields for LegacyKeyExchange {
    const WIRE_TYPES: &[WireType] = &[VARINT, BYTES, BYTES, BYTES, VARINT, VARINT];
}
impl Fields for OmemoMessage {
    const WIRE_TYPES: &[WireType] = &[VARINT, VARINT, BYTES, BYTES];
}
impl Fields for OmemoAuthenticatedMessage {
    const WIRE_TYPES: &[WireType] = &[BYTES, BYTES];
}
impl Fields for OmemoKeyExchange {
    const WIRE_TYPES: &[WireType] = &[VARINT, VARINT, BYTES, BYTES, BYTES];
}

/// Legacy `SignalMessage`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct LegacyMessage {
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub(super) ratchet_key: Option<Bytes>,
    #[prost(uint32, optional, tag = "2")]
    pub(super) counter: Option<u32>,
    #[prost(uint32, optional, tag = "3")]
    pub(super) previous_counter: Option<u32>,
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub(super) ciphertext: Option<Bytes>,
}

/// Legacy `PreKeySignalMessage`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct LegacyKeyExchange {
    #[prost(uint32, optional, tag = "1")]
    pub(super) pre_key_id: Option<u32>,
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub(super) base_key: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub(super) identity_key: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub(super) message: Option<Bytes>,
    #[prost(uint32, optional, tag = "5")]
    pub(super) registration_id: Option<u32>,
    #[prost(uint32, optional, tag = "6")]
    pub(super) signed_pre_key_id: Option<u32>,
}

/// OMEMO 2 `OMEMOMessage`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OmemoMessage {
    #[prost(uint32, optional, tag = "1")]
    pub(super) n: Option<u32>,
    #[prost(uint32, optional, tag = "2")]
    pub(super) pn: Option<u32>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub(super) dh_pub: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub(super) ciphertext: Option<Bytes>,
}

/// OMEMO 2 `OMEMOAuthenticatedMessage`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OmemoAuthenticatedMessage {
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub(super) mac: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub(super) message: Option<Bytes>,
}

/// OMEMO 2 `OMEMOKeyExchange`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OmemoKeyExchange {
    #[prost(uint32, optional, tag = "1")]
    pub(super) pk_id: Option<u32>,
    #[prost(uint32, optional, tag = "2")]
    pub(super) spk_id: Option<u32>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub(super) ik: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub(super) ek: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "5")]
    pub(super) message: Option<Bytes>,
}
