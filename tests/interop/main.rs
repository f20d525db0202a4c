//! Conversations with the libraries that are deployed, each a real one behind a pipe.
//!
//! `ci/interop` installs the peers and starts this: for each peer, in both roles, a conversation over a
//! network that loses, reorders and repeats messages, from a seed that is printed. After them Google's
//! protobuf library is asked about a million odd inputs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod network;
mod ours;
mod peer;
mod protobuf;

use std::process::ExitCode;

use omemo::model::Version;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use network::{Counts, Network, Side};
use ours::Ours;
use peer::Peer;

const USAGE: &str = "usage: interop --python PROGRAM --live-peer SCRIPT --peers NAME,NAME…
               [--messages N] [--seed N] [--protobuf-peer SCRIPT [--protobufs N]]";

struct Options {
    python: String,
    script: String,
    peers: Vec<String>,
    messages: u32,
    seed: u64,
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
    let mut conversations = 0;
    for name in &options.peers {
        for we_initiate in [true, false] {
            let counts = converse(&options, name, we_initiate);
            let who = if we_initiate {
                "we initiate"
            } else {
                "it initiates"
            };
            println!("{name:<18} {who:<12} {counts}");
            conversations += 1;
        }
    }
    if let Some(script) = &options.protobuf_script {
        let mut rng = StdRng::seed_from_u64(options.seed);
        let messages = protobuf::compare(&options.python, script, options.protobufs, &mut rng);
        println!(
            "protobuf           {} inputs, {messages} of them messages, read alike",
            options.protobufs
        );
    }
    println!("{conversations} passed, 0 failed");
    ExitCode::SUCCESS
}

fn options() -> Result<Options, lexopt::Error> {
    use lexopt::prelude::*;
    let mut parser = lexopt::Parser::from_env();
    let (mut python, mut script, mut peers) = (None, None, Vec::new());
    let (mut messages, mut seed) = (200, rand::random());
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
            Long("seed") => seed = parser.value()?.parse()?,
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
        seed,
        protobuf_script,
        protobufs,
    })
}

fn version_of(peer: &str) -> Version {
    match peer {
        "twomemo" | "libomemo-c-omemo2" => Version::Omemo2,
        _ => Version::Legacy,
    }
}

/// One conversation. Panics, with the seed on the screen already, when something does not arrive.
fn converse(options: &Options, name: &str, we_initiate: bool) -> Counts {
    let label: u64 = name.bytes().map(u64::from).sum();
    let mut rng = StdRng::seed_from_u64(options.seed ^ label << 1 ^ u64::from(we_initiate));
    let mut ours = Ours::new(version_of(name), &mut rng);
    let mut peer = Peer::start(&options.python, &options.script, name);
    let sign_bit = if name.starts_with("libomemo-c") {
        0
    } else {
        rng.random_range(0..2)
    };
    let hello = peer.ask(&json!({
        "cmd": "init", "device_id": 22, "jid": "romeo@montague.example", "pre_keys": 10,
        "sign_bit": sign_bit, "seed": format!("{}", rng.random::<u64>()),
    }));

    if we_initiate {
        ours.initiate(&hello["bundle"], &mut rng);
        let message = ours.encrypt(&mut rng);
        peer.accept(&message);
    } else {
        let message = peer.initiate(&ours.bundle(&mut rng), &mut rng, ours.version);
        ours.accept(&message);
    }
    let mut network = Network::after_first_message();
    while network.counts.sent < options.messages {
        // Bursts of up to six messages, so that chains are longer than one.
        let sender = if rng.random() {
            Side::Ours
        } else {
            Side::Theirs
        };
        for _ in 0..rng.random_range(1..=6) {
            let message = match sender {
                Side::Ours => ours.encrypt(&mut rng),
                Side::Theirs => peer.encrypt(&mut rng, ours.version),
            };
            network.send(sender, message, &mut rng);
        }
        network.deliver_some(&mut ours, &mut peer, &mut rng);
    }
    network.deliver_all(&mut ours, &mut peer, &mut rng);
    if peer.has_payloads() {
        ours.exchange_payloads(&mut peer);
    }
    peer.quit();
    network.counts
}
