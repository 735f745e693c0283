//! The public traces of one column, of the folder `FORESCALE_TRACES` (default: `../shared/traces` beside
//! the repository); none, and a word about it, where there is no such folder.

use std::fs::{self, File};
use std::path::PathBuf;

use forescale::sim::Trace;

pub(crate) fn traces() -> Vec<Trace> {
    let folder = std::env::var_os("FORESCALE_TRACES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/traces")),
        PathBuf::from,
    );
    let Ok(files) = fs::read_dir(&folder) else {
        eprintln!("skipped: no traces in {}", folder.display());
        return Vec::new();
    };
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let name = |file: &PathBuf| file.file_name().unwrap().to_string_lossy().into_owned();
    files.retain(|file| name(file).ends_with(".csv.gz") && !name(file).starts_with("fleet"));
    let read = |file: &PathBuf| {
        let name = name(file).trim_end_matches(".csv.gz").to_owned();
        Trace::from_csv(&name, File::open(file).unwrap()).unwrap()
    };
    files.iter().map(read).collect()
}
