//! Rooms: who is in them.

use core::ffi::c_char;
use std::collections::BTreeMap;

use super::boundary::{Caller, call};
use super::client::omemo_client;
use super::error::omemo_error;
use super::status::omemo_status;
use crate::client::Room;
use crate::model::Timestamp;

/// An occupant of a room.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct omemo_occupant {
    /// The nickname, in UTF-8; ends with a zero byte.
    pub nick: *const c_char,
    /// Whose it is; ends with a zero byte.
    pub jid: *const c_char,
}

/// Says who is in a members-only room in which everybody's address is known, whenever that changes. `members`
/// are the addresses of its members, administrators and owners, also of those who are not there; `occupants`
/// those who are. All of it is copied.
///
/// Messages to the room are encrypted for its members, who count as accepted. A message that comes from it live is
/// from the occupant of its nickname. Who wrote what is in its history or archive is found among the members and
/// the occupants; while that is not known the message waits (OMEMO_DISPOSITION_PENDING, `omemo_client_unnamed`).
/// So that the room's own address is not taken for an account before its members are known, say so as you enter
/// it, with no members.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_set_room(
    client: *mut omemo_client,
    room: *const c_char,
    members: *const *const c_char,
    member_count: usize,
    occupants: *const omemo_occupant,
    occupant_count: usize,
    now_ms: u64,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let (jid, now) = (caller.jid(room)?, Timestamp::from_millis(now_ms));
        let members = caller.jids(members, member_count)?;
        let mut occupants_by_nick = BTreeMap::new();
        for occupant in caller.array(occupants, occupant_count)? {
            let nick = caller.word(occupant.nick)?.to_owned();
            occupants_by_nick.insert(nick, caller.jid(occupant.jid)?);
        }
        let room = Room {
            members,
            occupants: occupants_by_nick,
        };
        let client = caller.handle(client)?;
        client.change("set_room", |client| Ok(client.set_room(&jid, room, now)?))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// How many messages wait until it is known who wrote them. `count` gets it. They are in memory alone: before you
/// acknowledge to the server what has come (XEP-0198), or move your place in an archive, it has to be 0; else
/// they are lost in a crash. It becomes 0 in three times the timeout of requests at most.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_unnamed(
    client: *const omemo_client,
    count: *mut usize,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let client = caller.handle(client)?;
        let place = caller.place(count)?;
        place.put(client.lock()?.unnamed());
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// The room is left: messages to it are messages to an account again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_leave_room(
    client: *mut omemo_client,
    room: *const c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let jid = caller.jid(room)?;
        let client = caller.handle(client)?;
        client.change("leave_room", |client| {
            client.leave_room(&jid);
            Ok(())
        })
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}
