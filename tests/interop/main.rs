//! Conversations with the libraries that are deployed, each a real one behind a pipe.
//!
//! `ci/interop` installs the peers and starts this. For each peer, from a seed that is printed: in both
//! roles, conversations over a network that loses, reorders and repeats messages, of a session and of an
//! account; first messages that cross; keys that are counted from 0; resets, repairs and heartbeats. After them python-omemo's parsers read
//! what clients send, and Google's protobuf library is asked about a million odd inputs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod conversation;
mod crossing;
mod juliet;
mod letter;
mod meeting;
mod network;
mod ours;
mod peer;
mod protobuf;
mod romeo;
#[path = "../server/mod.rs"]
mod server;
mod stanzas;
mod upkeep;
#[path = "../world/mod.rs"]
mod world;
mod zero;

use std::process::ExitCode;

use rand::SeedableRng;
use rand::rngs::StdRng;

use peer::Peer;

const USAGE: &str = "usage: interop --python PROGRAM --live-peer SCRIPT --peers NAME,NAME…
               [--messages N] [--crossings N] [--seed N]
               [--stanza-peer SCRIPT] [--protobuf-peer SCRIPT [--protobufs N]]";

struct Options {
    python: String,
    script: String,
    peers: Vec<String>,
    messages: u32,
    crossings: u32,
    seed: u64,
    stanza_script: Option<String>,
    protobuf_script: Option<String>,
    protobufs: usize,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("interop: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    println!("seed {}", options.seed);
    for name in &options.peers {
        let label: u64 = name.bytes().map(u64::from).sum();
        let seed = options.seed ^ label << 1;
        let mut peer = Peer::start(&options.python, &options.script, name);
        for we_initiate in [true, false] {
            let who = if we_initiate {
                "we initiate"
            } else {
                "it initiates"
            };
            let rng = &mut StdRng::seed_from_u64(seed ^ u64::from(we_initiate));
            let counts = conversation::of_sessions(&mut peer, options.messages, we_initiate, rng);
            println!("{name:<18} session, {who:<12} {counts}");
            let counts = conversation::of_accounts(&mut peer, options.messages, we_initiate, rng);
            println!("{name:<18} account, {who:<12} {counts}");
        }
        crossing::run(&mut peer, options.crossings, seed);
        zero::run(&mut peer, &mut StdRng::seed_from_u64(seed));
        upkeep::run(&mut peer, &mut StdRng::seed_from_u64(seed));
        peer.quit();
    }
    if let Some(script) = &options.stanza_script {
        let mut rng = StdRng::seed_from_u64(options.seed);
        let counts = stanzas::compare(&options.python, script, &mut rng);
        println!("stanzas            read alike: {counts}");
    }
    if let Some(script) = &options.protobuf_script {
        let mut rng = StdRng::seed_from_u64(options.seed);
        let messages = protobuf::compare(&options.python, script, options.protobufs, &mut rng);
        println!(
            "protobuf           {} inputs, {messages} of them messages, read alike",
            options.protobufs
        );
    }
    println!("{} peers passed, 0 failed", options.peers.len());
    ExitCode::SUCCESS
}

fn options() -> Result<Options, lexopt::Error> {
    use lexopt::prelude::*;
    let mut parser = lexopt::Parser::from_env();
    let (mut python, mut script, mut peers) = (None, None, Vec::new());
    let (mut messages, mut crossings, mut seed) = (200, 100, rand::random());
    let mut stanza_script = None;
    let (mut protobuf_script, mut protobufs) = (None, 1_000_000);
    while let Some(option) = parser.next()? {
        match option {
            Long("python") => python = Some(parser.value()?.string()?),
            Long("live-peer") => script = Some(parser.value()?.string()?),
            Long("peers") => {
                let names = parser.value()?.string()?;
                peers = names.split(',').map(str::to_owned).collect();
            }
            Long("messages") => messages = parser.value()?.parse()?,
            Long("crossings") => crossings = parser.value()?.parse()?,
            Long("seed") => seed = parser.value()?.parse()?,
            Long("stanza-peer") => stanza_script = Some(parser.value()?.string()?),
            Long("protobuf-peer") => protobuf_script = Some(parser.value()?.string()?),
            Long("protobufs") => protobufs = parser.value()?.parse()?,
            other => return Err(other.unexpected()),
        }
    }
    if peers.is_empty() {
        return Err("no peer is named".into());
    }
    Ok(Options {
        python: python.ok_or("--python is missing")?,
        script: script.ok_or("--live-peer is missing")?,
        peers,
        messages,
        crossings,
        seed,
        stanza_script,
        protobuf_script,
        protobufs,
    })
}
