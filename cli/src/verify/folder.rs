//! Which files there are.

use std::fs;
use std::path::{Path, PathBuf};

/// All `*.json` and `*.xml` files below a folder, sorted. What begins with a dot is left alone.
pub(super) fn vectors(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    collect(dir, &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let problem = |error| format!("{}: {error}", dir.display());
    for entry in fs::read_dir(dir).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        if path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
        {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|end| end == "json" || end == "xml")
        {
            files.push(path);
        }
    }
    Ok(())
}
