//! With the feature `capi`: the C header, made of `src/capi`, into the folder of the build. Without it,
//! nothing.

#[cfg(not(feature = "capi"))]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}

/// The modules in the order of the header: what everybody needs, then a group for each handle.
#[cfg(feature = "capi")]
const GROUPS: &[&str] = &[
    "mod", "status", "error", "memory", "store", "host_store", "trust", "options", "account", "device",
    "contact", "identity", "client", "room", "catch_up", "action", "report", "undecryptable",
];

#[cfg(feature = "capi")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::path::Path;
    use std::{env, fs};

    println!("cargo::rerun-if-changed=src/capi");
    println!("cargo::rerun-if-changed=include");
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let root = Path::new(&root);
    let sources = root.join("src/capi");
    let config = cbindgen::Config::from_file(root.join("include/cbindgen.toml"))?;
    let mut builder = cbindgen::Builder::new().with_config(config);
    for group in GROUPS {
        builder = builder.with_src(sources.join(group).with_extension("rs"));
    }
    let made = Path::new(&env::var("OUT_DIR")?).join("omemo.h");
    builder.generate()?.write_to_file(&made);
    let (made, committed) = (fs::read(made)?, fs::read(root.join("include/omemo.h")));
    if committed.ok() != Some(made) {
        println!("cargo::warning=include/omemo.h is not what src/capi says: make header");
    }
    Ok(())
}
