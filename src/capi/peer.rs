//! Devices in one version, by name: what is to be asked for, and to whom something is owed.

use core::ffi::c_char;
use core::ptr;

use super::boundary::{Caller, accessor, free};
use super::bundle::omemo_bundle;
use super::device::{device_id, protocol_number, version_of};
use super::error::Failure;
use super::memory::Texts;
use crate::account::{Bundles, FetchedBundle, Peer};

/// A device of somebody, in one version.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_peer {
    /// Whose device it is; ends with a zero byte.
    pub jid: *const c_char,
    /// Its id.
    pub device: u32,
    /// The version that is spoken with it: an omemo_protocol.
    pub protocol: u32,
}

/// What came of asking for a bundle.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_fetched_bundle {
    /// Whose it is.
    pub peer: omemo_peer,
    /// The bundle. NULL: there is none, or nobody answered.
    pub bundle: *const omemo_bundle,
    /// Not 0, and `bundle` NULL: there is something that is no bundle.
    pub is_broken: u8,
}

/// A list of devices. Threads: one at a time, or several that only read.
pub struct omemo_peers {
    peers: Vec<omemo_peer>,
    _texts: Texts,
}

/// How many there are; 0 if `peers` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_peers_count(peers: *const omemo_peers) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(peers, 0, |peers| peers.peers.len()) }
}

/// One of them; NULL if there are not so many. There as long as `peers` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_peers_get(
    peers: *const omemo_peers,
    index: usize,
) -> *const omemo_peer {
    let get = |peers: &omemo_peers| peers.peers.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(peers, ptr::null(), get) }
}

/// Frees a list of devices; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_peers_free(peers: *mut omemo_peers) {
    // SAFETY: the promises at the top of the header.
    unsafe { free(peers) }
}

impl omemo_peers {
    pub(super) fn new<'p>(peers: impl IntoIterator<Item = &'p Peer>) -> Self {
        let mut texts = Texts::default();
        let peers = peers.into_iter().map(|it| lent(it, &mut texts)).collect();
        Self {
            peers,
            _texts: texts,
        }
    }

    /// Accounts, in a version: without a device.
    pub(super) fn accounts<'p>(
        accounts: impl IntoIterator<Item = &'p (crate::model::BareJid, crate::model::Version)>,
    ) -> Self {
        let mut texts = Texts::default();
        let accounts = accounts.into_iter().map(|(jid, version)| omemo_peer {
            jid: texts.add(jid.as_str()),
            device: 0,
            protocol: protocol_number(*version),
        });
        Self {
            peers: accounts.collect(),
            _texts: texts,
        }
    }
}

/// A device for C, whose address is among these texts.
pub(super) fn lent(peer: &Peer, texts: &mut Texts) -> omemo_peer {
    omemo_peer {
        jid: texts.add(peer.jid.as_str()),
        device: peer.device.get(),
        protocol: protocol_number(peer.version),
    }
}

impl Caller {
    pub(super) fn peer(&self, peer: *const omemo_peer) -> Result<Peer, Failure> {
        let peer = self.borrow(peer)?;
        Ok(Peer::new(
            self.jid(peer.jid)?,
            device_id(peer.device)?,
            version_of(peer.protocol)?,
        ))
    }

    pub(super) fn bundles(
        &self,
        fetched: *const omemo_fetched_bundle,
        count: usize,
    ) -> Result<Bundles, Failure> {
        let fetched = self.array(fetched, count)?.iter();
        fetched
            .map(|fetched| Ok((self.peer(&raw const fetched.peer)?, self.fetched(fetched)?)))
            .collect()
    }

    fn fetched(&self, fetched: &omemo_fetched_bundle) -> Result<FetchedBundle, Failure> {
        Ok(match (fetched.bundle.is_null(), fetched.is_broken) {
            (true, 0) => FetchedBundle::Absent,
            (true, _) => FetchedBundle::Broken,
            (false, 0) => self.borrow(fetched.bundle)?.fetched(),
            (false, _) => return Err(Failure::value()),
        })
    }
}
