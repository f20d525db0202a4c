//! `omemo demo`: a conversation, and what the servers in between see of it.
//!
//! Everything is real but the network: two clients of the library, whose stanzas are passed on as text,
//! and what the servers saw is searched for the words that were said.

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
    let stores = [
        person::store("Juliet", folder)?,
        person::store("Romeo", folder)?,
    ];
    let mut page = Page::default();
    page.paragraph(
        "Juliet writes to Romeo, who is offline; he reads it later and answers. They use two \
         servers that neither of them trusts.",
    );
    let versions = args
        .only
        .map_or(Version::ALL.to_vec(), |version| vec![version.into()]);
    for (index, version) in versions.into_iter().enumerate() {
        let [juliets, romeos] = stores.clone();
        let juliet = Person::open("Juliet", "juliet@capulet.example", juliets, version)?;
        let romeo = Person::open("Romeo", "romeo@montague.example", romeos, version)?;
        if index == 0 && juliet.is_back() && romeo.is_back() {
            page.paragraph(
                "They were here before. Their keys and sessions are in their stores: they continue \
                 where they stopped.",
            );
        }
        play(&mut page, version, juliet, romeo)?;
    }
    Ok(page)
}

fn play(
    page: &mut Page,
    version: Version,
    mut juliet: Person,
    mut romeo: Person,
) -> Result<(), Failure> {
    let mut capulet = Server::new("capulet.example");
    let mut montague = Server::new("montague.example");
    let (juliets, romeos) = (juliet.jid().clone(), romeo.jid().clone());
    page.title(&format!("{} ({})", name_of(version), version.namespace()));

    page.heading("1. Two devices");
    page.paragraph(
        "Each has an identity key, the same in both versions. Whoever compares its fingerprint with \
         the other's screen knows that nobody sits in between.",
    );
    show::owner(page, &juliet);
    show::owner(page, &romeo);

    page.heading("2. Bundles are published");
    page.paragraph(
        "A bundle lets others begin a conversation with a device that is not there. Its keys are \
         public; the identity key signs the signed pre-key. A device list says which devices an \
         account has.",
    );
    if juliet.is_back() && romeo.is_back() {
        juliet.restore_nodes(version, &mut capulet, &mut montague)?;
        romeo.restore_nodes(version, &mut montague, &mut capulet)?;
    }
    juliet.come_online(&mut capulet, &mut montague)?;
    romeo.come_online(&mut montague, &mut capulet)?;
    romeo.go_offline();
    show::bundle(page, &juliet, &capulet, version)?;
    show::bundle(page, &romeo, &montague, version)?;

    page.heading("3. Juliet writes, while Romeo is offline");
    let offered = romeo.client.account().bundle(version)?.bundle;
    let doings = juliet.write(&romeos, FIRST, &mut capulet, &mut montague)?;
    let is_first = show::has_key_exchange(&doings.sent)?;
    page.paragraph(if is_first {
        "Her device fetches his bundle, verifies the signature, picks one of the pre-keys and \
         agrees on a secret with keys that only Romeo's device can match. Her message waits on his \
         server."
    } else {
        "Her device has a session with his, and needs no bundle and no key exchange. Her message \
         waits on his server."
    });
    show::stanzas(page, &doings.sent)?;

    page.heading("4. Romeo comes online and reads");
    let doings = romeo.come_online(&mut montague, &mut capulet)?;
    show::texts(page, &romeo, &juliet, &doings.read);
    if is_first {
        let now = romeo.client.account().bundle(version)?.bundle;
        show::renewal(page, &offered, &now);
    }

    page.heading("5. Romeo answers, and Juliet reads");
    page.paragraph(
        "His answer is no key exchange: the session exists on both sides. It carries a new ratchet \
         key, so whoever steals today's keys can read neither yesterday's messages nor, soon, \
         tomorrow's.",
    );
    let doings = romeo.write(&juliets, ANSWER, &mut montague, &mut capulet)?;
    show::stanzas(page, &doings.sent)?;
    let doings = juliet.come_online(&mut capulet, &mut montague)?;
    show::texts(page, &juliet, &romeo, &doings.read);

    page.heading("6. Juliet writes again");
    page.paragraph("Her session is answered, so from now on she sends no key exchange either.");
    let doings = juliet.write(&romeos, SECOND, &mut capulet, &mut montague)?;
    show::stanzas(page, &doings.sent)?;
    let doings = romeo.come_online(&mut montague, &mut capulet)?;
    show::texts(page, &romeo, &juliet, &doings.read);

    page.heading("7. What is kept");
    page.paragraph(
        "Each has the session in a store, and the keys of the next messages in it. Those of the \
         messages that were read are gone.",
    );
    show::sessions(page, &juliet, &romeos, version)?;
    show::sessions(page, &romeo, &juliets, version)?;

    page.heading("8. What the servers know");
    page.paragraph(
        "Who wrote to whom, when, from which device, and about how much. OMEMO does not hide that.",
    );
    for server in [&capulet, &montague] {
        show::verdict(page, server, &[FIRST, ANSWER, SECOND]);
    }
    Ok(())
}
