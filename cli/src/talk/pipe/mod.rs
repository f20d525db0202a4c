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
//!      {"ev":"msg","from":JID,"sender":JID,"body":TEXT,"type":"chat","ns":NAMESPACE,"device_id":1}
//!      {"ev":"reaction","from":JID,"sender":JID,"reacts_to":ID,"reactions":[TEXT],"type":"chat",...}
//!      {"ev":"file","from":JID,"path":PATH,"name":TEXT,"type":"chat","ns":NAMESPACE}      (--files)
//!      {"ev":"file-failed","from":JID,"name":TEXT,"error":TEXT}
//!      {"ev":"plain","from":JID,"body":TEXT,"type":"chat"}
//!      {"ev":"decrypt-failed","from":JID,"sender":JID,"device_id":1,"reason":REASON,"error":TEXT,...}
//!      {"ev":"sent","tag":1,"keys":[1],"report":REPORT}
//!      {"ev":"error","tag":1,"what":TEXT}  and of a message  "reason":REASON,"jid":JID,"report":REPORT
//!      {"ev":"bounced","tag":1,"what":TEXT}                       sent, and come back
//!      {"ev":"waiting","until":MILLISECONDS,"what":TEXT}          when this device goes back on its list
//!      {"ev":"notice","what":TEXT}  {"ev":"end"}
//! ```
//!
//! `from` is the address in the stanza, in a room that of the room with the nickname; `sender` is the account
//! that the key proves, `null` where nothing proves it. A `msg` may have `"corrects":ID`, to be applied to a
//! message of the same `sender` only, and `"answers":{"id":ID,"to":JID}`; then it says, as a `reaction` does, in
//! `are_references_authenticated` whether that is from the sender, or stood beside a legacy message. A REPORT is
//! `{"devices":[{"jid":JID,"device_id":1,"ns":NAMESPACE}],"left_out":[],"lists":[]}`: a device that gets nothing has
//! `"reason":REASON,"what":TEXT` in the place of `ns`, and so have the members of a room who are left out, and the
//! device `lists` that could not be looked up. Each REASON is a word that stays the same; the texts are for
//! people.
//!
//! Keys are trusted without a question, also those of the account's own new devices: nobody is there to
//! be asked.
//!
//! Whatever has a tag gets an answer: at the end of the input it is waited for, for a minute, and after
//! `quit` there is an error. While there is no server, commands are kept.
//!
//! Programs that start it may give it more than it knows: other options are passed over.

mod codes;
mod command;
mod input;
mod options;
mod told;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use omemo::account::{Trust, TrustPolicy};
use omemo::client::Ticket;
use omemo::model::BareJid;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use self::input::Input;
pub use self::options::sorted;
use self::told::print;
use super::account::{self, Password};
use super::fetching::{Fetching, is_settled};
use super::show;
use crate::Failure;
use crate::messenger::{
    Event, Messenger, MessengerError, Recipient, SharedFile, TransferError, TransferId, now,
};

/// What `omemo pipe` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    account: account::Args,
    /// For test beds: every user of the machine can see it [OMEMO_PASSWORD]
    #[arg(long, value_parser = |text: &str| Ok::<_, Infallible>(Password::from(text.to_owned())))]
    password: Option<Password>,
    /// Fetch the files that messages share into this folder
    #[arg(long, value_name = "FOLDER")]
    files: Option<PathBuf>,
    /// Options of other programs, passed over
    #[arg(hide = true, last = true)]
    others: Vec<OsString>,
}

/// Reads commands and prints events until the commands end.
///
/// # Errors
/// There is no account, or no server; or nobody reads the events.
pub async fn run(args: &Args) -> Result<(), Failure> {
    let account = args.account.find()?.with_password(args.password.clone());
    // Their names only: a value may be meant for nobody else.
    let others = args.others.iter().map(|other| other.to_string_lossy());
    for option in others.filter(|other| other.starts_with('-')) {
        let name = option.split('=').next().unwrap_or_default();
        show::note(&format!("passed over: {name}"));
    }
    let mut options = account.options(TrustPolicy::BlindUntilVerified);
    options.account.trust_own = TrustPolicy::BlindUntilVerified;
    let messenger = account.log_in(options).await?;
    let mut pipe = Pipe {
        messenger,
        sending: BTreeMap::new(),
        sent: BTreeMap::new(),
        joining: BTreeMap::new(),
        uploading: BTreeMap::new(),
        fetching: Fetching::new(args.files.clone()),
    };
    pipe.go(&mut Input::new()).await?;
    pipe.give_up("the program ended before this was done")?;
    pipe.messenger.close().await;
    print(&json!({"ev": "end"}))
}

/// How long what was asked for may take when no other command can come.
const PATIENCE: Duration = Duration::from_secs(60);
/// Of how many messages that went out the tags are kept.
const MAX_SENT: usize = 1000;

struct Pipe {
    messenger: Messenger,
    sending: BTreeMap<Ticket, Option<i64>>,
    /// The last that went out: they may come back.
    sent: BTreeMap<Ticket, Option<i64>>,
    joining: BTreeMap<BareJid, Option<i64>>,
    uploading: BTreeMap<TransferId, (Recipient, Option<i64>)>,
    fetching: Fetching,
}

impl Pipe {
    /// Goes on until it is told to quit, or the input has ended and nothing is left to be done.
    async fn go(&mut self, input: &mut Input) -> Result<(), Failure> {
        let mut deadline = None;
        loop {
            if let Some(line) = input.take() {
                if !self.obey(&line)? {
                    return Ok(());
                }
                continue;
            }
            if input.is_ended() && self.is_idle() {
                return Ok(());
            }
            if input.is_ended() && deadline.is_none() {
                deadline = Some(Instant::now() + PATIENCE);
            }
            tokio::select! {
                event = self.messenger.next() => match event {
                    Err(MessengerError::Stream(error)) if error.may_pass() => {
                        print(&json!({"ev": "disconnected", "what": error.to_string()}))?;
                        // Rooms are to be entered again: nobody answers this any more.
                        self.give_up_rooms("the connection broke")?;
                        if input.is_ended() || !self.reconnect(input).await? {
                            return Ok(());
                        }
                    }
                    event => self.take(event?)?,
                },
                read = input.read(), if input.is_readable() => read?,
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    return Ok(());
                }
            }
        }
    }

    /// Whether nobody waits for anything.
    fn is_idle(&self) -> bool {
        self.sending.is_empty() && self.joining.is_empty() && self.uploading.is_empty()
    }

    /// Tells of everything that somebody waits for that it has not come.
    fn give_up(&mut self, what: &str) -> Result<(), Failure> {
        self.give_up_rooms(what)?;
        let sending = core::mem::take(&mut self.sending).into_values();
        let uploading = core::mem::take(&mut self.uploading).into_values();
        for tag in sending.chain(uploading.map(|(_, tag)| tag)) {
            print(&json!({"ev": "error", "tag": tag, "what": what}))?;
        }
        Ok(())
    }

    fn give_up_rooms(&mut self, what: &str) -> Result<(), Failure> {
        for (room, tag) in core::mem::take(&mut self.joining) {
            print(&json!({"ev": "error", "tag": tag, "room": room.as_str(), "what": what}))?;
        }
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Ready(device) => print(&json!({"ev": "ready", "device_id": device.get()})),
            Event::Message(message) => {
                print(&told::message(&message))?;
                if let Some(message) = self.fetching.hold(&mut self.messenger, message)? {
                    self.messenger.acknowledge(message.id);
                }
                Ok(())
            }
            Event::Uploaded { transfer, result } => self.share(transfer, result),
            Event::Downloaded { transfer, result } => {
                let Some((message, files)) = self.fetching.take(transfer, result) else {
                    return Ok(());
                };
                let is_settled = is_settled(&files);
                for file in files {
                    print(&told::file(&message, file))?;
                }
                if is_settled {
                    self.messenger.acknowledge(message.id);
                }
                Ok(())
            }
            Event::Plain(plain) => print(&told::plain(&plain)),
            Event::Unreadable(what) => print(&told::unreadable(&what)),
            Event::Sent { ticket, report } => {
                let tag = self.sending.remove(&ticket).flatten();
                self.sent.insert(ticket, tag);
                if self.sent.len() > MAX_SENT {
                    self.sent.pop_first();
                }
                print(&told::sent(tag, &report))
            }
            Event::Bounced { ticket, condition } => {
                let tag = self.sent.remove(&ticket).flatten();
                print(&json!({"ev": "bounced", "tag": tag, "what": condition}))
            }
            Event::Refused { ticket, reason } => {
                let tag = self.sending.remove(&ticket).flatten();
                print(&told::refused(tag, &reason))
            }
            Event::Question(question) => {
                for key in question.keys {
                    let omemo = self.messenger.omemo();
                    omemo.decide(&key.jid, &key.fingerprint, Trust::Blind, now())?;
                }
                Ok(())
            }
            Event::Changed(question) => {
                for it in question.changed {
                    let omemo = self.messenger.omemo();
                    omemo.accept_identity(&it.jid, it.device, &it.shown, now())?;
                }
                Ok(())
            }
            Event::Joined(room) => {
                let tag = self.joining.remove(&room).flatten();
                print(&json!({"ev": "joined", "tag": tag, "room": room.as_str()}))
            }
            Event::NotJoined(room) => {
                let tag = self.joining.remove(&room).flatten();
                let what = "the room refuses this client, or has removed it";
                print(&json!({"ev": "error", "tag": tag, "room": room.as_str(), "what": what}))
            }
            Event::PutBackAt(at) => print(
                &json!({"ev": "waiting", "until": at.as_millis(), "what": show::put_back(at)}),
            ),
            Event::Notice(notice) => print(&json!({"ev": "notice", "what": show::notice(&notice)})),
            Event::Trouble(trouble) => print(&json!({"ev": "notice", "what": trouble.to_string()})),
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

    /// Whether there is a stream again: not if it is told to quit before.
    async fn reconnect(&mut self, input: &mut Input) -> Result<bool, Failure> {
        let mut delay = Duration::from_secs(1);
        loop {
            let pause = tokio::time::sleep(delay);
            let attempt = async {
                pause.await;
                self.messenger.reopen().await
            };
            tokio::pin!(attempt);
            let done = loop {
                tokio::select! {
                    done = &mut attempt => break done,
                    read = input.read(), if input.is_readable() => {
                        read?;
                        if input.is_ended() || input.last().is_some_and(command::is_quit) {
                            return Ok(false);
                        }
                    }
                }
            };
            match done {
                Err(MessengerError::Stream(error)) if error.may_pass() => {
                    delay = (delay * 2).min(Duration::from_secs(300));
                }
                done => return Ok(done.map(|()| true)?),
            }
        }
    }
}
