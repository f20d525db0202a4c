//! `omemo demo`: a conversation, and what the servers in between see of it.
//!
//! Everything is real but the network: the accounts keep their keys in stores, the messages are
//! encrypted and decrypted by the library, and what the servers saw is searched for the words that were
//! said.

mod envelope;
mod person;
mod server;
mod show;

use std::fs;
use std::path::PathBuf;

use omemo::model::Version;

use crate::page::Page;
use crate::{Failure, VersionName, name_of};
use person::Person;
use server::Server;

/// The arguments of `omemo demo`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    override_usage = "omemo demo [OPTIONS]",
    after_help = "Examples:
  omemo demo
  omemo demo --version omemo2
  omemo demo --store verona      twice: the second time they go on where they stopped"
)]
pub struct Args {
    /// Show this version only; both, one after the other, if it is left out
    #[arg(long = "version", value_name = "VERSION")]
    only: Option<VersionName>,
    /// Keep the accounts in this folder; in memory, if it is left out
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

const FIRST: &str = "Art thou not Romeo and a Montague?";
const ANSWER: &str = "Neither, fair saint, if either thee dislike.";
const SECOND: &str = "How camest thou hither, tell me, and wherefore?";

/// Plays the conversation.
///
/// # Errors
/// If a store cannot be used, the library refuses its own messages, or the random number generator fails.
pub fn run(args: &Args) -> Result<Page, Failure> {
    let folder = args.store.as_deref();
    if let Some(folder) = folder {
        fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let juliet = Person::open("Juliet", "juliet@capulet.example", folder)?;
    let romeo = Person::open("Romeo", "romeo@montague.example", folder)?;
    let mut page = Page::default();
    page.paragraph(
        "Juliet writes to Romeo, who is offline; he reads it later and answers. They use two \
         servers that neither of them trusts.",
    );
    if juliet.is_back() && romeo.is_back() {
        page.paragraph(
            "They were here before. Their keys and sessions are in their stores: they continue where \
             they stopped.",
        );
    }
    let versions = args
        .only
        .map_or(Version::ALL.to_vec(), |version| vec![version.into()]);
    for version in versions {
        play(&mut page, version, &juliet, &romeo)?;
    }
    Ok(page)
}

fn play(page: &mut Page, version: Version, juliet: &Person, romeo: &Person) -> Result<(), Failure> {
    let mut capulet = Server::new("capulet.example");
    let mut montague = Server::new("montague.example");
    page.title(&format!("{} ({})", name_of(version), version.namespace()));

    page.heading("1. Two devices");
    page.paragraph(
        "Each has an identity key, the same in both versions. Whoever compares its fingerprint with \
         the other's screen knows that nobody sits in between.",
    );
    show::owner(page, juliet);
    show::owner(page, romeo);

    page.heading("2. Bundles are published");
    page.paragraph(
        "A bundle lets others begin a conversation with a device that is not there. Its keys are \
         public; the identity key signs the signed pre-key. A device list says which devices an \
         account has.",
    );
    juliet.publish(&mut capulet, version)?;
    romeo.publish(&mut montague, version)?;
    show::bundle(page, juliet, &capulet, version)?;
    show::bundle(page, romeo, &montague, version)?;
    for person in [juliet, romeo] {
        person.learn(juliet.account.jid(), &capulet, version)?;
        person.learn(romeo.account.jid(), &montague, version)?;
    }

    page.heading("3. Juliet writes, while Romeo is offline");
    let fetch = |of: &_| capulet.fetch(&mut montague, of);
    let bundles = juliet.fetch_bundles(romeo.account.jid(), version, fetch)?;
    page.paragraph(match bundles.is_empty() {
        false => {
            "Her device fetches his bundle, verifies the signature, picks one of the pre-keys and \
             agrees on a secret with keys that only Romeo's device can match. Her message waits on his \
             server."
        }
        true => {
            "Her device has a session with his, and needs no bundle and no key exchange. Her message \
             waits on his server."
        }
    });
    let offered = romeo.account.bundle(version)?.bundle;
    for stanza in juliet.write(romeo.account.jid(), version, &bundles, FIRST)? {
        show::stanza(page, &stanza);
        capulet.send(&mut montague, stanza);
    }

    page.heading("4. Romeo comes online and reads");
    read_all(page, &mut montague, juliet, romeo)?;
    if !bundles.is_empty() {
        show::renewal(page, &offered, &romeo.account.bundle(version)?.bundle);
    }
    romeo.publish(&mut montague, version)?;

    page.heading("5. Romeo answers, and Juliet reads");
    page.paragraph(
        "His answer is no key exchange: the session exists on both sides. It carries a new ratchet \
         key, so whoever steals today's keys can read neither yesterday's messages nor, soon, \
         tomorrow's.",
    );
    let fetch = |of: &_| montague.fetch(&mut capulet, of);
    let bundles = romeo.fetch_bundles(juliet.account.jid(), version, fetch)?;
    for stanza in romeo.write(juliet.account.jid(), version, &bundles, ANSWER)? {
        show::stanza(page, &stanza);
        montague.send(&mut capulet, stanza);
    }
    read_all(page, &mut capulet, romeo, juliet)?;

    page.heading("6. Juliet writes again");
    page.paragraph("Her session is answered, so from now on she sends no key exchange either.");
    for stanza in juliet.write(romeo.account.jid(), version, &bundles, SECOND)? {
        show::stanza(page, &stanza);
        capulet.send(&mut montague, stanza);
    }
    read_all(page, &mut montague, juliet, romeo)?;

    page.heading("7. What is kept");
    page.paragraph(
        "Each has the session in a store, and the keys of the next messages in it. Those of the \
         messages that were read are gone.",
    );
    show::sessions(page, juliet, romeo.account.jid(), version)?;
    show::sessions(page, romeo, juliet.account.jid(), version)?;

    page.heading("8. What the servers know");
    page.paragraph(
        "Who wrote to whom, when, from which device, and about how much. OMEMO does not hide that.",
    );
    for server in [&capulet, &montague] {
        show::verdict(page, server, &[FIRST, ANSWER, SECOND]);
    }
    Ok(())
}

/// Reads what waits on a server.
fn read_all(
    page: &mut Page,
    server: &mut Server,
    writer: &Person,
    reader: &Person,
) -> Result<(), Failure> {
    for stanza in server.come_online(reader.account.jid()) {
        let text = reader.read(&stanza)?;
        let label = format!("{} reads", reader.name);
        page.field(label, format!("“{text}”, from {}", writer.name));
    }
    Ok(())
}
