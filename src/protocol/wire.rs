//! The protobuf messages of both versions (XEP-0384 §10; libsignal's for legacy).
//!
//! prost does not check that required fields are there and leaves out zeros that are not optional, so
//! every field is optional here: readers check, writers write `Some(0)`. Submessages are bytes, since
//! MACs cover the bytes that came.

use prost::Message;
use prost::bytes::Bytes;
use prost::encoding::{DecodeContext, WireType, skip_field};

use crate::error::MessageError;

/// The most bytes of a 32-bit number, its tag among them.
pub(super) const MAX_NUMBER: usize = 6;

/// A message whose fields have the numbers 1, 2, 3, …
pub(super) trait Fields: Message + Default {
    /// The wire type of each.
    const WIRE_TYPES: &[WireType];
}

/// Reads a message by protobuf's rules: fields in any order, the last of several counts, unknown ones are
/// passed over. A known number with another wire type is an unknown field as well, and so is a number
/// beyond those that a schema can have; there prost gives up, and the message is read again without them.
pub(super) fn decode<M: Fields>(wire: Bytes) -> Result<M, MessageError> {
    M::decode(wire.clone()).or_else(|_| {
        known_fields(&wire, M::WIRE_TYPES)
            .and_then(|known| M::decode(known.as_slice()).ok())
            .ok_or(MessageError::Protobuf)
    })
}

/// The fields that are known, as they came.
fn known_fields(wire: &[u8], types: &[WireType]) -> Option<Vec<u8>> {
    let mut known = Vec::with_capacity(wire.len());
    let mut rest = wire;
    while !rest.is_empty() {
        let (tag, after_tag) = varint(rest)?;
        let wire_type = WireType::try_from(tag & 7).ok()?;
        let after = match wire_type {
            WireType::Varint => varint(after_tag)?.1,
            WireType::SixtyFourBit => after_tag.get(8..)?,
            WireType::ThirtyTwoBit => after_tag.get(4..)?,
            WireType::LengthDelimited => {
                let (len, bytes) = varint(after_tag)?;
                bytes.get(usize::try_from(len).ok()?..)?
            }
            WireType::StartGroup => {
                let mut bytes = after_tag;
                let context = DecodeContext::default();
                skip_field(
                    wire_type,
                    u32::try_from(tag >> 3).ok()?,
                    &mut bytes,
                    context,
                )
                .ok()?;
                bytes
            }
            WireType::EndGroup => return None,
        };
        let index = usize::try_from((tag >> 3).checked_sub(1)?).ok()?;
        if types.get(index) == Some(&wire_type) {
            known.extend_from_slice(rest.get(..rest.len().checked_sub(after.len())?)?);
        }
        rest = after;
    }
    Some(known)
}

/// A number of at most ten bytes, and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let last = bytes.iter().take(10).position(|byte| *byte < 0x80)?;
    let (number, rest) = bytes.split_at_checked(last.checked_add(1)?)?;
    let value = number
        .iter()
        .rev()
        .fold(0_u64, |value, byte| value << 7 | u64::from(byte & 0x7f));
    Some((value, rest))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_schema_has_is_passed_over() {
        let message = OmemoAuthenticatedMessage {
            mac: Some(Bytes::from_static(b"mac")),
            message: Some(Bytes::from_static(b"message")),
        };
        let genuine = message.encode_to_vec();
        let foreign_type = &[0x08, 0x07][..];
        let huge_number = &[0xf8, 0xff, 0xff, 0xff, 0xff, 0x01, 0x07];
        let group_of_a_known_number = &[0x0b, 0x0c];
        for odd in [foreign_type, huge_number, group_of_a_known_number] {
            for wire in [[odd, &genuine].concat(), [&genuine, odd].concat()] {
                assert_eq!(decode(wire.into()), Ok(message.clone()), "{odd:02x?}");
            }
        }
    }

    #[test]
    fn what_is_no_protobuf_is_refused() {
        let eleven_bytes = &[0x80; 11][..];
        let field_zero = &[0x00, 0x01];
        let wire_type_seven = &[0x0f, 0x01];
        let open_group = &[0x0b, 0x08, 0x01];
        let too_long = &[
            0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
        ];
        for wire in [
            eleven_bytes,
            field_zero,
            wire_type_seven,
            open_group,
            too_long,
        ] {
            let outcome = decode::<OmemoAuthenticatedMessage>(Bytes::from_static(wire));
            assert_eq!(outcome, Err(MessageError::Protobuf), "{wire:02x?}");
        }
    }
}
