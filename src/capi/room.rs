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
/// Messages to the room are encrypted for its members, who count as accepted.
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
