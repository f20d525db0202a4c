//! `omemo demo`: a conversation, and what the servers in between see of it.
//!
//! Everything is real but the network: the keys are drawn, the messages encrypted and decrypted by the
//! library, and what the servers saw is searched for the words that were said.

mod device;
mod envelope;
mod server;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use omemo::model::{Bundle, Fingerprint, PreKeyId, Version};
use omemo::protocol;

use crate::page::Page;
use crate::{Failure, VersionName, name_of};
use device::{Device, Owner};
use server::{PIECE, Server, Stanza};

/// The arguments of `omemo demo`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    override_usage = "omemo demo [OPTIONS]",
    after_help = "Examples:
  omemo demo
  omemo demo --version omemo2"
)]
pub struct Args {
    /// Show this version only; both, one after the other, if it is left out
    #[arg(long = "version", value_name = "VERSION")]
    only: Option<VersionName>,
}

const FIRST: &str = "Art thou not Romeo and a Montague?";
const ANSWER: &str = "Neither, fair saint, if either thee dislike.";
const SECOND: &str = "How camest thou hither, tell me, and wherefore?";

/// Plays the conversation.
///
/// # Errors
/// If the library refuses its own messages, or the random number generator fails.
pub fn run(args: &Args) -> Result<Page, Failure> {
    let mut page = Page::default();
    page.paragraph(
        "Juliet writes to Romeo, who is offline; he reads it later and answers. They use two \
         servers that neither of them trusts.",
    );
    let juliet = Owner::new("Juliet", "juliet@capulet.example")?;
    let romeo = Owner::new("Romeo", "romeo@montague.example")?;
    let versions = args
        .only
        .map_or(Version::ALL.to_vec(), |version| vec![version.into()]);
    for version in versions {
        play(&mut page, version, &juliet, &romeo)?;
    }
    Ok(page)
}

fn play(page: &mut Page, version: Version, juliet: &Owner, romeo: &Owner) -> Result<(), Failure> {
    let mut capulet = Server::new("capulet.example");
    let mut montague = Server::new("montague.example");
    let mut juliets = Device::new(juliet, version)?;
    let mut romeos = Device::new(romeo, version)?;
    page.title(&format!("{} ({})", name_of(version), version.namespace()));

    page.heading("1. Two devices");
    page.paragraph(
        "Each has an identity key, the same in both versions. Whoever compares its fingerprint with \
         the other's screen knows that nobody sits in between.",
    );
    show_owner(page, juliet);
    show_owner(page, romeo);

    page.heading("2. Bundles are published");
    page.paragraph(
        "A bundle lets others begin a conversation with a device that is not there. Its keys are \
         public; the identity key signs the signed pre-key.",
    );
    capulet.publish(&juliet.address, juliet.device, juliets.bundle()?);
    montague.publish(&romeo.address, romeo.device, romeos.bundle()?);
    show_bundle(page, juliet, &capulet, &juliets.bundle()?);
    show_bundle(page, romeo, &montague, &romeos.bundle()?);

    page.heading("3. Juliet writes, while Romeo is offline");
    page.paragraph(
        "Her device fetches his bundle, verifies the signature, picks one of the pre-keys and \
         agrees on a secret with keys that only Romeo's device can match. Her message waits on his \
         server.",
    );
    let bundle = capulet
        .fetch(&mut montague, &romeo.address, romeo.device, version)
        .ok_or("Romeo's bundle is not on his server")?;
    juliets.start_session(&bundle)?;
    let stanza = juliets.write(romeo, FIRST)?;
    show_stanza(page, &stanza);
    capulet.send(&mut montague, stanza);

    page.heading("4. Romeo comes online and reads");
    let used = read_all(page, &mut montague, juliet, &mut romeos)?;
    let bundle = romeos.bundle()?;
    show_renewal(page, used, &bundle);
    montague.publish(&romeo.address, romeo.device, bundle);

    page.heading("5. Romeo answers, and Juliet reads");
    page.paragraph(
        "His answer is no key exchange: the session exists on both sides. It carries a new ratchet \
         key, so whoever steals today's keys can read neither yesterday's messages nor, soon, \
         tomorrow's.",
    );
    let stanza = romeos.write(juliet, ANSWER)?;
    show_stanza(page, &stanza);
    montague.send(&mut capulet, stanza);
    read_all(page, &mut capulet, romeo, &mut juliets)?;

    page.heading("6. Juliet writes again");
    page.paragraph("Her session is answered, so from now on she sends no key exchange either.");
    let stanza = juliets.write(romeo, SECOND)?;
    show_stanza(page, &stanza);
    capulet.send(&mut montague, stanza);
    read_all(page, &mut montague, juliet, &mut romeos)?;

    page.heading("7. What the servers know");
    page.paragraph(
        "Who wrote to whom, when, from which device, and about how much. OMEMO does not hide that.",
    );
    for server in [&capulet, &montague] {
        judge(page, server);
    }
    Ok(())
}

/// Reads what waits on a server. Returns the pre-key that it used up.
fn read_all(
    page: &mut Page,
    server: &mut Server,
    writer: &Owner,
    reader: &mut Device<'_>,
) -> Result<Option<PreKeyId>, Failure> {
    let mut used = None;
    for stanza in server.come_online(&reader.owner.address) {
        let read = reader.read(&stanza)?;
        let label = format!("{} reads", reader.owner.name);
        page.field(label, format!("“{}”, from {}", read.text, writer.name));
        used = used.or(read.used);
    }
    Ok(used)
}

fn show_owner(page: &mut Page, owner: &Owner) {
    let identity = protocol::of(Version::Legacy).identity(&owner.identity);
    page.field(
        owner.name,
        format!("{}, device {}", owner.address, owner.device),
    );
    page.indented(|page| page.field("fingerprint", Fingerprint::from(&identity)));
}

fn show_bundle(page: &mut Page, owner: &Owner, server: &Server, bundle: &Bundle) {
    page.field(
        format!("{}'s bundle", owner.name),
        format!("published at {}", server.domain),
    );
    page.indented(|page| {
        page.field("identity key", short(bundle.identity.as_bytes()));
        page.field(
            "signed pre-key",
            format!(
                "{}, id {}",
                short(bundle.signed_pre_key.as_bytes()),
                bundle.signed_pre_key_id
            ),
        );
        page.field("its signature", short(bundle.signature.as_bytes()));
        page.field("pre-keys", count_pre_keys(bundle));
    });
}

/// What became of the bundle when one of its pre-keys was used.
fn show_renewal(page: &mut Page, used: Option<PreKeyId>, bundle: &Bundle) {
    match used {
        Some(used) if bundle.pre_keys.iter().all(|entry| entry.id != used) => {
            page.field(
                "pre-key",
                format!("{used} is used up, and gone from his bundle"),
            );
            page.field("pre-keys now", count_pre_keys(bundle));
        }
        _ => page.problem("the pre-key that was used is still in his bundle"),
    }
}

fn count_pre_keys(bundle: &Bundle) -> String {
    let ids = bundle.pre_keys.iter().map(|entry| entry.id);
    match (ids.clone().min(), ids.max()) {
        (Some(first), Some(last)) => {
            format!("{}, ids {first} to {last}", bundle.pre_keys.len())
        }
        _ => "none".to_owned(),
    }
}

fn show_stanza(page: &mut Page, stanza: &Stanza) {
    page.paragraph("Both servers see:");
    page.indented(|page| {
        page.field(
            "from",
            format!("{}, device {}", stanza.from, stanza.from_device),
        );
        page.field("to", format!("{}, device {}", stanza.to, stanza.to_device));
        page.field(
            "key exchange",
            if stanza.key_exchange { "yes" } else { "no" },
        );
        page.field("encrypted key", sized(&stanza.key));
        page.field("encrypted payload", sized(&stanza.payload));
    });
}

/// Looks for the words in what a server saw; finding any is a problem.
fn judge(page: &mut Page, server: &Server) {
    let said = [FIRST, ANSWER, SECOND];
    if said.iter().any(|text| server.has_seen(text)) {
        page.problem(format_args!(
            "{} has seen something of what was said",
            server.domain
        ));
    } else {
        page.field(
            server.domain,
            format!(
                "saw {} bytes: nothing that was said, no {PIECE} letters of it",
                server.seen_bytes()
            ),
        );
    }
}

fn sized(bytes: &[u8]) -> String {
    format!("{} bytes: {}", bytes.len(), short(bytes))
}

/// The beginning, in base64.
fn short(bytes: &[u8]) -> String {
    let text = BASE64.encode(bytes);
    text.get(..24)
        .map_or_else(|| text.clone(), |start| format!("{start}…"))
}
