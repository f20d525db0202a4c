//! `omemo pipe`: for programs. A JSON object a line, commands in and events out.
//!
//! ```text
//! in   {"cmd":"send","to":JID,"body":TEXT,"tag":1}        sent, or error
//!      {"cmd":"subscribe","to":JID,"tag":2}               ok
//!      {"cmd":"reset","to":JID,"tag":5}                   ok; new sessions, as the old ones are broken
//!      {"cmd":"join","room":JID,"nick":NAME,"tag":3}      joined, or error
//!      {"cmd":"gsend","room":JID,"body":TEXT,"tag":4}     sent, or error
//!      {"cmd":"file","to":JID,"path":PATH,"tag":6}        sent, or error; "room" in the place of "to"
//!      {"cmd":"quit"}                                     end
//!
//! out  {"ev":"ready","device_id":1}
//!      {"ev":"msg","from":JID,"body":TEXT,"type":"chat","ns":NAMESPACE,"device_id":1}
//!      {"ev":"file","from":JID,"path":PATH,"name":TEXT,"type":"chat","ns":NAMESPACE}      (--files)
//!      {"ev":"file-failed","from":JID,"name":TEXT,"error":TEXT}
//!      {"ev":"plain","from":JID,"body":TEXT,"type":"chat"}
//!      {"ev":"decrypt-failed","from":JID,"error":TEXT}
//!      {"ev":"sent","tag":1}  {"ev":"error","tag":1,"what":TEXT}  {"ev":"notice","what":TEXT}  {"ev":"end"}
//! ```
//!
//! Keys are trusted without a question, also those of the account's own new devices: nobody is there to
//! be asked.
//!
//! Programs that start it may give it more than it knows: other options are passed over.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use omemo::account::{Trust, TrustPolicy};
use omemo::client::{Origin, Ticket};
use omemo::model::BareJid;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::fetching::{Fetched, Fetching};
use super::{account, show};
use crate::Failure;
use crate::messenger::{
    Event, Message, Messenger, MessengerError, SharedFile, TransferError, TransferId, now,
};

/// What `omemo pipe` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    account: account::Args,
    /// For test beds: every user of the machine can see it [OMEMO_PASSWORD]
    #[arg(long)]
    password: Option<String>,
    /// Fetch the files that messages share into this folder
    #[arg(long, value_name = "FOLDER")]
    files: Option<PathBuf>,
    /// Options of other programs, passed over
    #[arg(hide = true, allow_hyphen_values = true)]
    others: Vec<String>,
}

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

/// Reads commands and prints events until the commands end.
///
/// # Errors
/// There is no account, or no server; or nobody reads the events.
pub async fn run(args: &Args) -> Result<(), Failure> {
    let account = args.account.find()?.with_password(args.password.clone());
    if !args.others.is_empty() {
        show::note(&format!("passed over: {}", args.others.join(" ")));
    }
    let mut options = account.options(TrustPolicy::BlindUntilVerified);
    options.account.trust_own = TrustPolicy::BlindUntilVerified;
    let messenger = account.log_in(options).await?;
    let mut pipe = Pipe {
        messenger,
        sending: BTreeMap::new(),
        joining: BTreeMap::new(),
        uploading: BTreeMap::new(),
        fetching: Fetching::new(args.files.clone()),
    };
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            event = pipe.messenger.next() => pipe.take(event).await?,
            line = lines.next_line() => match line? {
                Some(line) if line.trim().is_empty() => {}
                Some(line) => if !pipe.obey(&line)? {
                    break;
                },
                None => break,
            },
        }
    }
    pipe.messenger.close().await;
    print(&json!({"ev": "end"}))
}

struct Pipe {
    messenger: Messenger,
    sending: BTreeMap<Ticket, Option<i64>>,
    joining: BTreeMap<BareJid, Option<i64>>,
    uploading: BTreeMap<TransferId, (BareJid, Option<i64>)>,
    fetching: Fetching,
}

impl Pipe {
    /// Does what a line says; whether there may be another.
    fn obey(&mut self, line: &str) -> Result<bool, Failure> {
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
            "send" => self.send(command.to.as_ref(), command),
            "gsend" => self.send(command.room.as_ref(), command),
            "file" => {
                let to = address(command.to.as_ref().or(command.room.as_ref()))?;
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
                self.messenger.join(&room, nick);
                self.joining.insert(room, command.tag);
                Ok(false)
            }
            other => Err(format!("unknown command {other}").into()),
        }
    }

    fn send(&mut self, to: Option<&String>, command: &Command) -> Result<bool, Failure> {
        let body = command.body.as_deref().ok_or("no body")?;
        let ticket = self.messenger.send(&address(to)?, body)?;
        self.sending.insert(ticket, command.tag);
        Ok(false)
    }

    async fn take(&mut self, event: Result<Event, MessengerError>) -> Result<(), Failure> {
        let event = match event {
            Err(MessengerError::Stream(error)) if error.may_pass() => {
                print(&json!({"ev": "disconnected", "what": error.to_string()}))?;
                return self.reconnect().await;
            }
            event => event?,
        };
        match event {
            Event::Ready(device) => print(&json!({"ev": "ready", "device_id": device.get()})),
            Event::Message(message) => {
                print(&json!({
                    "ev": "msg",
                    "from": message.from,
                    "to": message.to,
                    "body": message.body,
                    "type": kind(message.is_groupchat),
                    "ns": message.version.namespace(),
                    "device_id": message.device.get(),
                    "carbon": matches!(message.origin, Origin::CarbonSent | Origin::CarbonReceived),
                }))?;
                match self.fetching.hold(&mut self.messenger, message)? {
                    Some(message) => Ok(self.messenger.acknowledge(&message.id)?),
                    None => Ok(()),
                }
            }
            Event::Uploaded { transfer, result } => self.share(transfer, result),
            Event::Downloaded { transfer, result } => {
                let Some((message, files)) = self.fetching.take(transfer, result) else {
                    return Ok(());
                };
                for file in files {
                    print(&told(&message, file))?;
                }
                Ok(self.messenger.acknowledge(&message.id)?)
            }
            Event::Plain(plain) => print(&json!({
                "ev": "plain", "from": plain.from, "body": plain.body, "type": kind(plain.is_groupchat),
            })),
            Event::Unreadable { from, reason } => print(
                &json!({"ev": "decrypt-failed", "from": from, "error": format!("{reason:?}")}),
            ),
            Event::Sent { ticket, report } => {
                let skipped: Vec<_> = report
                    .skipped()
                    .map(|(device, gap)| format!("{}: {gap:?}", device.device))
                    .collect();
                let keys: Vec<_> = report
                    .encrypted()
                    .map(|device| device.device.get())
                    .collect();
                let tag = self.sending.remove(&ticket).flatten();
                print(&json!({"ev": "sent", "tag": tag, "keys": keys, "skipped": skipped}))
            }
            Event::Refused { ticket, reason } => {
                let tag = self.sending.remove(&ticket).flatten();
                print(&json!({"ev": "error", "tag": tag, "what": reason.to_string()}))
            }
            Event::Question(question) => {
                for key in question.keys {
                    let omemo = self.messenger.omemo();
                    omemo.decide(&key.jid, &key.fingerprint, Trust::Blind, now())?;
                }
                Ok(())
            }
            Event::Joined(room) => {
                let tag = self.joining.remove(&room).flatten();
                print(&json!({"ev": "joined", "tag": tag, "room": room.as_str()}))
            }
            Event::NotJoined(room) => {
                let tag = self.joining.remove(&room).flatten();
                print(&json!({"ev": "error", "tag": tag, "what": "the room does not let us in"}))
            }
            Event::Notice(notice) => print(&json!({"ev": "notice", "what": format!("{notice:?}")})),
            Event::Synced => Ok(()),
        }
    }

    fn share(
        &mut self,
        transfer: TransferId,
        result: Result<SharedFile, TransferError>,
    ) -> Result<(), Failure> {
        let Some((to, tag)) = self.uploading.remove(&transfer) else {
            return Ok(());
        };
        let shared = match result {
            Ok(file) => self.messenger.share(&to, &file).map_err(Failure::from),
            Err(error) => Err(error.into()),
        };
        match shared {
            Ok(ticket) => {
                self.sending.insert(ticket, tag);
                Ok(())
            }
            Err(error) => print(&json!({"ev": "error", "tag": tag, "what": error.to_string()})),
        }
    }

    async fn reconnect(&mut self) -> Result<(), Failure> {
        let mut delay = Duration::from_secs(1);
        loop {
            tokio::time::sleep(delay).await;
            match self.messenger.reopen().await {
                Err(MessengerError::Stream(error)) if error.may_pass() => {
                    delay = (delay * 2).min(Duration::from_secs(300));
                }
                done => return Ok(done?),
            }
        }
    }
}

fn address(text: Option<&String>) -> Result<BareJid, Failure> {
    Ok(text.ok_or("no address")?.parse()?)
}

fn told(message: &Message, (file, result): Fetched) -> Value {
    match result {
        Ok(path) => json!({
            "ev": "file",
            "from": message.from,
            "path": path,
            "name": file.name,
            "type": kind(message.is_groupchat),
            "ns": message.version.namespace(),
        }),
        Err(error) => json!({
            "ev": "file-failed",
            "from": message.from,
            "name": file.name,
            "error": error.to_string(),
        }),
    }
}

const fn kind(is_groupchat: bool) -> &'static str {
    if is_groupchat { "groupchat" } else { "chat" }
}

fn print(event: &Value) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{event}")?;
    Ok(out.flush()?)
}
