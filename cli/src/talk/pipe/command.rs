//! What a program says.

use std::path::PathBuf;

use omemo::model::BareJid;
use serde::Deserialize;
use serde_json::json;

use super::Pipe;
use super::told::print;
use crate::Failure;
use crate::messenger::{Recipient, now};

#[derive(Debug, Deserialize)]
struct Command {
    cmd: String,
    to: Option<String>,
    room: Option<String>,
    nick: Option<String>,
    body: Option<String>,
    path: Option<PathBuf>,
    tag: Option<i64>,
}

/// Whether a line says that it was the last.
pub(super) fn is_quit(line: &str) -> bool {
    serde_json::from_str(line).is_ok_and(|command: Command| command.cmd == "quit")
}

impl Pipe {
    /// Does what a line says; whether there may be another.
    pub(super) fn obey(&mut self, line: &str) -> Result<bool, Failure> {
        let command: Command = match serde_json::from_str(line) {
            Ok(command) => command,
            Err(error) => {
                print(&json!({"ev": "error", "what": error.to_string()}))?;
                return Ok(true);
            }
        };
        if command.cmd == "quit" {
            return Ok(false);
        }
        match self.execute(&command) {
            Ok(true) => print(&json!({"ev": "ok", "tag": command.tag}))?,
            // What comes of it is told when it has come.
            Ok(false) => {}
            Err(error) => {
                print(&json!({"ev": "error", "tag": command.tag, "what": error.to_string()}))?
            }
        }
        Ok(true)
    }

    /// Whether it is done already.
    fn execute(&mut self, command: &Command) -> Result<bool, Failure> {
        match command.cmd.as_str() {
            "send" => self.send(&account(command)?, command),
            "gsend" => self.send(&room(command)?, command),
            "file" => {
                let to = match command.to {
                    Some(_) => account(command)?,
                    None => room(command)?,
                };
                let path = command.path.as_ref().ok_or("no path")?;
                let transfer = self.messenger.upload(path, None)?;
                self.uploading.insert(transfer, (to, command.tag));
                Ok(false)
            }
            "subscribe" => {
                self.messenger.subscribe(&address(command.to.as_ref())?)?;
                Ok(true)
            }
            "reset" => {
                let of = address(command.to.as_ref())?;
                self.messenger.omemo().reset(&of, now())?;
                Ok(true)
            }
            "join" => {
                let room = address(command.room.as_ref())?;
                let nick = command.nick.as_deref().ok_or("no nick")?;
                self.messenger.join(&room, nick)?;
                self.joining.insert(room, command.tag);
                Ok(false)
            }
            other => Err(format!("unknown command {other}").into()),
        }
    }

    fn send(&mut self, to: &Recipient, command: &Command) -> Result<bool, Failure> {
        let body = command.body.as_deref().ok_or("no body")?;
        let ticket = self.messenger.send(to, body)?;
        self.sending.insert(ticket, command.tag);
        Ok(false)
    }
}

fn account(command: &Command) -> Result<Recipient, Failure> {
    Ok(Recipient::Account(address(command.to.as_ref())?))
}

fn room(command: &Command) -> Result<Recipient, Failure> {
    Ok(Recipient::Room(address(command.room.as_ref())?))
}

fn address(text: Option<&String>) -> Result<BareJid, Failure> {
    Ok(text.ok_or("no address")?.parse()?)
}
