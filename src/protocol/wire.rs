//! The protobuf messages of both versions (XEP-0384 §10; libsignal's for legacy).
//!
//! prost does not check that required fields are there and leaves out zeros that are not optional, so
//! every field is optional here: readers check, writers write `Some(0)`. Submessages are bytes, since
//! MACs cover the bytes that came.

use prost::Message;
use prost::bytes::Bytes;

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
