//! A whole client without a network: the stream on standard input and output, one stanza a line.
//!
//! ```text
//! in   <message …/>, <iq …/>       a stanza that came
//!      to JID TEXT                 what the user says
//!      trust JID FINGERPRINT       what the user thinks of a key
//!
//! out  <message …/>, <iq …/>       a stanza to be sent
//!      everything else             for the user
//! ```
//!
//! `cargo run --example client -- juliet@capulet.example juliet.db`, and paste stanzas.

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use omemo::account::{Trust, TrustPolicy};
use omemo::client::{Action, Answer, Client, Disposition, Options};
use omemo::model::{BareJid, Fingerprint, Timestamp};
use omemo::stanza::{IqAnswer, PlainMessage};
use omemo::store::SqliteStore;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(jid), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: client JID FILE".into());
    };
    let store = Arc::new(SqliteStore::open(file)?);
    let options = Options::new(TrustPolicy::BlindUntilVerified);
    let mut omemo = Client::open(store, jid.parse()?, options, now()?)?;
    println!("your fingerprint: {}", omemo.account().fingerprint());

    omemo.connected(now()?)?;
    // Old keys go, new ones are published. Who stays connected does this once a day.
    omemo.maintain(now()?)?;
    act(&mut omemo)?;
    for line in io::stdin().lock().lines() {
        if let Err(error) = take(&mut omemo, &line?) {
            println!("that did not work: {error}");
        }
        act(&mut omemo)?;
    }
    Ok(())
}

/// A line of input: a stanza, or a wish of the user.
fn take(omemo: &mut Client, line: &str) -> Result<(), Box<dyn Error>> {
    let mut words = line.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some("to"), Some(to), Some(text)) => {
            let body = text.replace('&', "&amp;").replace('<', "&lt;");
            let stanza = format!("<message to='{to}' type='chat'><body>{body}</body></message>");
            omemo.encrypt(&stanza, &[to.parse::<BareJid>()?], now()?)?;
        }
        (Some("trust"), Some(jid), Some(key)) => {
            let key: Fingerprint = key.parse()?;
            omemo.decide(&jid.parse()?, &key, Trust::Verified, now()?)?;
        }
        _ if line.starts_with("<message") => {
            if omemo.receive(line, now()?)? == Disposition::NotOurs {
                println!("in clear: {line}");
            }
        }
        _ if line.starts_with("<iq") => {
            let answer = IqAnswer::read(line)?.ok_or("no answer")?;
            let id = answer.id.ok_or("an answer without an id")?.parse()?;
            omemo.answer(id, Answer::Stanza(line), now()?)?;
        }
        _ => return Err("to JID TEXT, trust JID FINGERPRINT, or a stanza".into()),
    }
    Ok(())
}

/// Does what is to be done.
fn act(omemo: &mut Client) -> Result<(), Box<dyn Error>> {
    let mut shown = Vec::new();
    while let Some(action) = omemo.next_action() {
        match action {
            Action::Request(request) => println!("{request}"),
            Action::Encrypted(message) => {
                println!("{}", message.stanza);
                for (device, gap) in message.report.skipped() {
                    println!("not for device {} of {}: {gap}", device.device, device.jid);
                }
            }
            Action::Send(stanza) => println!("{stanza}"),
            Action::Deliver(delivery) => {
                let message = PlainMessage::read(&delivery.stanza)?;
                let text = message.body().unwrap_or("(no text)");
                println!("{} ({:?}): {text}", delivery.sender.jid, delivery.trust);
                shown.push(delivery.id);
            }
            Action::Refused(refused) => println!("not sent: {}", refused.reason),
            Action::Undecryptable(what) => println!("not readable: {:?}", what.reason),
            Action::DecideTrust(question) => {
                for key in question.keys {
                    println!("do you trust {} {:x}?", key.jid, key.fingerprint);
                }
            }
            Action::Notice(notice) => println!("notice: {notice:?}"),
            // A client with a timer calls `tick` then.
            _ => {}
        }
    }
    io::stdout().flush()?;
    omemo.acknowledge(&shown)?;
    Ok(())
}

fn now() -> Result<Timestamp, Box<dyn Error>> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(Timestamp::from_millis(since.as_millis().try_into()?))
}
