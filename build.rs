//! With the feature `capi`: the C header, made of `src/capi`, into the folder of the build. Without it,
//! nothing.

#[cfg(not(feature = "capi"))]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}

#[cfg(feature = "capi")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::path::Path;
    use std::{env, fs};

    println!("cargo::rerun-if-changed=src/capi");
    println!("cargo::rerun-if-changed=include");
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let root = Path::new(&root);
    let sources = root.join("src/capi");
    let mut config = cbindgen::Config::from_file(root.join("include/cbindgen.toml"))?;
    for source in fs::read_dir(&sources)? {
        // Most enums cross as plain numbers, so that no function names them.
        for line in fs::read_to_string(source?.path())?.lines() {
            let name = line
                .strip_prefix("pub enum ")
                .and_then(|rest| rest.strip_suffix(" {"));
            config.export.include.extend(name.map(str::to_owned));
        }
    }
    // The modules come in the order in which this one names them.
    let builder = cbindgen::Builder::new()
        .with_config(config)
        .with_src(sources.join("mod.rs"));
    let made = Path::new(&env::var("OUT_DIR")?).join("omemo.h");
    builder.generate()?.write_to_file(&made);
    let (made, committed) = (fs::read(made)?, fs::read(root.join("include/omemo.h")));
    if committed.ok() != Some(made) {
        println!("cargo::warning=include/omemo.h is not what src/capi says: make header");
    }
    Ok(())
}
