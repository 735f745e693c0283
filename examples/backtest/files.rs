//! Files in, text and traces out; whoever cannot be read is named.

use std::fs::File;
use std::path::Path;

use forescale::sim::Trace;

pub(crate) fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// A CSV, plain or gzip.
pub(crate) fn trace(path: &Path) -> Result<Trace, String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Trace::from_csv(name(path), file).map_err(|error| format!("{}: {error}", path.display()))
}

/// The file's name without its ending; load.csv.gz has two.
pub(crate) fn name(path: &Path) -> String {
    let name = path
        .file_stem()
        .map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned());
    name.strip_suffix(".csv").map_or(name.clone(), str::to_owned)
}
