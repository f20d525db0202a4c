use super::scripted::{SALT, Scripted, element, features, said};
use super::*;

fn begin(features: &str) -> Result<(Authentication, Zeroizing<String>), StreamError> {
    Authentication::start(features, "user", "pencil", true)
}

fn first(challenge: &str) -> Result<Option<Zeroizing<String>>, StreamError> {
    let features = features(&["SCRAM-SHA-1"], &[]);
    let nonce = "fyko+d2lbbFgONRv9qkxdawL";
    let begun = Authentication::start_with_nonce(&features, "user", "pencil", true, nonce);
    begun.unwrap().0.answer(&element("challenge", challenge))
}

/// RFC 5802 §5, RFC 7677 §3, draft-melnikov-scram-sha-512 §4; and the first of them with extensions behind it,
/// computed by Python's hashlib.
#[test]
fn published_exchanges() {
    let (sha1, sha256) = ("fyko+d2lbbFgONRv9qkxdawL", "rOprNGfwEbeRWgbNEkqO");
    for (mechanism, nonce, challenge, proof, verifier) in [
        (
            "SCRAM-SHA-1",
            sha1,
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ),
        (
            "SCRAM-SHA-256",
            sha256,
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ),
        (
            "SCRAM-SHA-512",
            sha256,
            "r=rOprNGfwEbeRWgbNEkqO02431b08-2f89-4bad-a4e6-80c0564ec865,\
             s=Yin2FuHTt/M0kJWb0t9OI32n2VmOGi3m+JfjOvuDF88=,i=4096",
            "Hc5yec3NmCD7t+kFRw4/3yD6/F3SQHc7AVYschRja+Bc3sbdjlA0eH1OjJc0DD4ghn1tnXN5/Wr6qm9xmaHt4A==",
            "BQuhnKHqYDwQWS5jAw4sZed+C9KFUALsbrq81bB0mh+bcUUbbMPNNmBIupnS2AmyyDnG5CTBQtkjJ9kyY4kzmw==",
        ),
        (
            "SCRAM-SHA-1",
            sha1,
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,\
             h=G6k/rBLDqgOhRRaCuuatSDFkJ08=,x=y",
            "t/q0LdgN07mFlZTpqPys1BKk9mc=",
            "0niC/SyoCwzg3QgupdzSG7nlMNc=",
        ),
    ] {
        // What XEP-0474 §5.3 has the hash of, where only that mechanism is used.
        let offered = match challenge.contains(",h=") {
            true => features(
                &["SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"],
                &["tls-exporter", "tls-server-end-point"],
            ),
            false => features(&[mechanism], &[]),
        };
        let begun = Authentication::start_with_nonce(&offered, "user", "pencil", true, nonce);
        let (mut client, auth) = begun.unwrap();
        assert!(auth.contains(&format!("mechanism='{mechanism}'")));
        assert_eq!(said(&auth), format!("n,,n=user,r={nonce}"));
        let response = client.answer(&element("challenge", challenge));
        let response = said(&response.unwrap().unwrap());
        let (theirs, _) = challenge.split_once(',').unwrap();
        assert_eq!(response, format!("c=biws,{theirs},p={proof}"));
        let success = element("success", &format!("v={verifier}"));
        assert_eq!(client.answer(&success), Ok(None));
    }
}

#[test]
fn servers_with_extensions_and_without_let_us_in() {
    let hashes = [
        ("SCRAM-SHA-1", Hash::Sha1),
        ("SCRAM-SHA-256", Hash::Sha256),
        ("SCRAM-SHA-512", Hash::Sha512),
    ];
    for (mechanism, hash) in hashes {
        for proves_early in [false, true] {
            for bindings in [&[][..], &["tls-exporter", "tls-server-end-point"]] {
                let plus = format!("{mechanism}-PLUS");
                let offered = features(&["X-OAUTH2", &plus, "PLAIN", mechanism], bindings);
                let mut server = Scripted::new(hash, "pencil", offered.clone());
                server.proves_early = proves_early;
                let separators = [(0x1e, 0x1f), (b',', b'|')];
                let told = separators.map(|(item, list)| {
                    let mut text = [mechanism, &plus, "X-OAUTH2"].map(str::to_owned).to_vec();
                    text.push("PLAIN".to_owned());
                    text.sort_unstable();
                    let mut text = text.join(&char::from(item).to_string());
                    if !bindings.is_empty() {
                        text.push(char::from(list));
                        text.push_str(&bindings.join(&char::from(item).to_string()));
                    }
                    format!(",h={}", STANDARD.encode(&*hash.digest(text.as_bytes())))
                });
                for extensions in ["", ",d=unknown", ",x=1,y=2", &told[0], &told[1]] {
                    server.extensions = extensions.to_owned();
                    let in_or_not = server.let_in(begin(&server.features).unwrap());
                    assert_eq!(in_or_not, Ok(()), "{mechanism} {extensions}");
                }
            }
        }
    }
}

/// Somebody in between takes mechanisms or channel bindings away, or adds some.
#[test]
fn an_offer_that_was_changed_on_the_way_is_refused() {
    let bindings = ["tls-exporter"];
    let all = ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"];
    let sent = Offer::read(&features(&all, &bindings));
    for (mechanisms, bindings) in [
        (&["PLAIN", "SCRAM-SHA-1"][..], &bindings[..]),
        (&["SCRAM-SHA-1"], &bindings),
        (&["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"], &[]),
        (&["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"], &["tls-unique"]),
        (
            &[
                "PLAIN",
                "SCRAM-SHA-1",
                "SCRAM-SHA-256",
                "SCRAM-SHA-256-PLUS",
            ],
            &bindings,
        ),
    ] {
        let came = features(mechanisms, bindings);
        let hash = match Offer::read(&came).has("SCRAM-SHA-256") {
            true => Hash::Sha256,
            false => Hash::Sha1,
        };
        let mut server = Scripted::new(hash, "pencil", came);
        let told = hash.digest(&sent.text(0x1e, 0x1f));
        server.extensions = format!(",h={}", STANDARD.encode(&*told));
        let refused = server.let_in(begin(&server.features).unwrap());
        assert_eq!(refused, Err(StreamError::Downgrade), "{mechanisms:?}");
    }
    // Whoever takes the hash away changes what the proof covers.
    let mut server = Scripted::new(Hash::Sha1, "pencil", features(&["SCRAM-SHA-1"], &[]));
    server.extensions = ",h=AAAA".to_owned();
    let refused = server.let_in(begin(&server.features).unwrap());
    assert_eq!(refused, Err(StreamError::Downgrade));
}

#[test]
fn a_wrong_password_is_refused_and_a_wrong_server_too() {
    let offered = features(&["SCRAM-SHA-256"], &[]);
    let server = Scripted::new(Hash::Sha256, "crayon", offered.clone());
    let refused = server.let_in(begin(&offered).unwrap());
    assert_eq!(refused, Err(StreamError::Refused));

    for last in ["v=", "v=AAAA", "", "x=rmF9pqV8S7suAoZWja4dJRkFsKQ="] {
        let (mut client, auth) = begin(&offered).unwrap();
        let said = said(&auth);
        let (_, nonce) = said.rsplit_once("r=").unwrap();
        let challenge = format!("r={nonce}x,s={SALT},i=4096");
        client.answer(&element("challenge", &challenge)).unwrap();
        let success = client.answer(&element("success", last));
        assert_eq!(success, Err(StreamError::Authentication), "{last}");
        // It does not begin to believe after that.
        let success = client.answer(&element("success", last));
        assert_eq!(success, Err(StreamError::Protocol), "{last}");
    }
}

#[test]
fn success_without_a_proof_is_none() {
    let success = format!("<success xmlns='{NAMESPACE}'/>");
    let (mut scram, _) = begin(&features(&["SCRAM-SHA-1"], &[])).unwrap();
    assert_eq!(scram.answer(&success), Err(StreamError::Authentication));
    let (mut plain, text) = begin(&features(&["PLAIN"], &[])).unwrap();
    assert_eq!(said(&text), "\0user\0pencil");
    assert_eq!(plain.answer(&success), Ok(None));
    let (mut plain, _) = begin(&features(&["PLAIN"], &[])).unwrap();
    let challenge = plain.answer(&element("challenge", ""));
    assert_eq!(challenge, Err(StreamError::Protocol));
}

#[test]
fn first_messages_that_are_refused() {
    let ours = "fyko+d2lbbFgONRv9qkxdawL";
    for (challenge, error) in [
        // A mandatory extension, in its place and in another.
        (
            format!("m=x,r={ours}x,s={SALT},i=4096"),
            StreamError::Protocol,
        ),
        (
            format!("r={ours}x,s={SALT},i=4096,m=x"),
            StreamError::Protocol,
        ),
        // Nonces that do not extend ours.
        (format!("r={ours},s={SALT},i=4096"), StreamError::Protocol),
        (format!("r=x{ours},s={SALT},i=4096"), StreamError::Protocol),
        (format!("r=,s={SALT},i=4096"), StreamError::Protocol),
        (
            format!("r={ours}\u{7f},s={SALT},i=4096"),
            StreamError::Protocol,
        ),
        // Rounds.
        (
            format!("r={ours}x,s={SALT},i=4095"),
            StreamError::Rounds(4095),
        ),
        (format!("r={ours}x,s={SALT},i=1"), StreamError::Rounds(1)),
        (
            format!("r={ours}x,s={SALT},i=10000001"),
            StreamError::Rounds(10_000_001),
        ),
        (
            format!("r={ours}x,s={SALT},i=99999999999"),
            StreamError::Protocol,
        ),
        (format!("r={ours}x,s={SALT},i=+4096"), StreamError::Protocol),
        (format!("r={ours}x,s={SALT},i="), StreamError::Protocol),
        // Parts that are missing, twice there, empty or not what they should be.
        (format!("r={ours}x,i=4096,s={SALT}"), StreamError::Protocol),
        (format!("r={ours}x,s={SALT}"), StreamError::Protocol),
        (format!("r={ours}x,s=,i=4096"), StreamError::Protocol),
        (format!("r={ours}x,s=*,i=4096"), StreamError::Protocol),
        (format!("r={ours}x,s={SALT},i=4096,"), StreamError::Protocol),
        (
            format!("r={ours}x,s={SALT},i=4096,h"),
            StreamError::Protocol,
        ),
        (
            format!("r={ours}x,s={SALT},i=4096,h=,h="),
            StreamError::Protocol,
        ),
        (String::new(), StreamError::Protocol),
        (
            format!("r={ours}{},s={SALT},i=4096", "x".repeat(MAX_MESSAGE)),
            StreamError::Protocol,
        ),
    ] {
        assert_eq!(first(&challenge), Err(error), "{challenge}");
    }
    assert!(first(&format!("r={ours}x,s={SALT},i=4096")).is_ok());
}

#[test]
fn the_best_mechanism_is_taken_and_plain_only_where_it_may_be() {
    let chosen = |mechanisms: &[&str], allows_plain| {
        let begun =
            Authentication::start(&features(mechanisms, &[]), "a=b,c", "pencil", allows_plain);
        begun.map(|(this, auth)| {
            let mechanism = look(&auth, |auth| auth.attribute("mechanism").map(str::to_owned));
            (mechanism.flatten().unwrap(), this.is_scram())
        })
    };
    let all = [
        "PLAIN",
        "SCRAM-SHA-1",
        "SCRAM-SHA-256",
        "SCRAM-SHA-512",
        "SCRAM-SHA-512-PLUS",
    ];
    for allows_plain in [true, false] {
        for (count, best) in [
            (4, "SCRAM-SHA-512"),
            (3, "SCRAM-SHA-256"),
            (2, "SCRAM-SHA-1"),
        ] {
            let best = Ok((best.to_owned(), true));
            assert_eq!(chosen(&all[..count], allows_plain), best);
        }
    }
    assert_eq!(chosen(&all[..1], true), Ok(("PLAIN".to_owned(), false)));
    for (mechanisms, allows_plain) in [
        (&all[..1], false),
        (&all[4..], true),
        (&[], true),
        (&["plain", "SCRAM-SHA-1x", "EXTERNAL"], true),
    ] {
        assert_eq!(
            chosen(mechanisms, allows_plain),
            Err(StreamError::NoMechanism)
        );
    }
    let begun = Authentication::start(&features(&all, &[]), "a=b,c", "pencil", true);
    assert!(said(&begun.unwrap().1).starts_with("n,,n=a=3Db=2Cc,r="));
}

#[test]
fn a_server_that_cannot_look_is_asked_again() {
    for (condition, may_pass) in [("temporary-auth-failure", true), ("not-authorized", false)] {
        let (mut plain, _) = begin(&features(&["PLAIN"], &[])).unwrap();
        let failure = format!("<failure xmlns='{NAMESPACE}'><{condition}/></failure>");
        let error = plain.answer(&failure).unwrap_err();
        assert_eq!(error.may_pass(), may_pass, "{error}");
    }
}
