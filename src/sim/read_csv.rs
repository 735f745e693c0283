//! Traces from CSV files, plain or gzip.
//!
//! In: bytes. Out: a [`Trace`], or the line that stands in the way. Knows no file system.

use std::io::{BufRead, BufReader, Read};

use super::trace::Trace;
use crate::Error;
use crate::time::Timestamp;

/// Names under which a header is looked for, the best first; compared without case.
const TIMES: [&str; 6] = ["timestamp", "time", "datetime", "date", "ds", "at"];
const VALUES: [&str; 8] =
    ["value", "load", "rps", "requests", "count", "y", "invocations", "total"];

impl Trace {
    /// Reads a CSV with a column of times and one of values, plain or gzip (told by its first bytes),
    /// parted by commas, semicolons or tabs (told by the first line).
    ///
    /// Times are ISO-8601 (UTC where they have no offset) or numbers since the epoch: in seconds, from
    /// 10^11 up in milliseconds, from 10^14 in microseconds, from 10^17 in nanoseconds. A row that is
    /// absent is filled in, see [`from_samples`](Self::from_samples); one without a value is refused. With a header the columns are found by their names
    /// (`timestamp`, `time`, ...; `value`, `load`, ...); else, and for unknown names, the first two
    /// columns are taken.
    ///
    /// ```
    /// let text = "time,load\n2026-01-05T00:00:00Z,10\n2026-01-05T00:01:00Z,12.5\n";
    /// let trace = forescale::sim::Trace::from_csv("shop", text.as_bytes())?;
    /// assert_eq!(trace.values, [10.0, 12.5]);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Trace`](crate::ErrorKind::Trace), with the line: an empty file, text that is not
    /// UTF-8 or damaged gzip, a time or value that is none, and what
    /// [`from_samples`](Self::from_samples) refuses.
    pub fn from_csv(name: impl Into<String>, reader: impl Read) -> Result<Self, Error> {
        let mut reader = BufReader::new(reader);
        let head = reader.fill_buf().map_err(|error| unreadable(&error))?;
        if head.starts_with(&[0x1f, 0x8b]) {
            Self::from_plain(name.into(), flate2::bufread::MultiGzDecoder::new(reader))
        } else {
            Self::from_plain(name.into(), reader)
        }
    }

    fn from_plain(name: String, reader: impl Read) -> Result<Self, Error> {
        let mut reader = BufReader::new(reader);
        let separator = separator(reader.fill_buf().map_err(|error| unreadable(&error))?);
        let mut rows = csv::ReaderBuilder::new()
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .comment(Some(b'#'))
            .from_reader(reader);
        let (mut times, mut values, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        let mut columns = (0, 1);
        let mut row = csv::StringRecord::new();
        let mut is_first = true;
        while rows.read_record(&mut row).map_err(|error| unreadable_row(&error))? {
            let line = row.position().map_or(0, csv::Position::line);
            if std::mem::take(&mut is_first) {
                if let Some(first) =
                    row.get(0).map(|text| text.trim_start_matches('\u{feff}').to_owned())
                {
                    let others = row.iter().skip(1).map(str::to_owned);
                    row = std::iter::once(first).chain(others).collect();
                }
                if let Some(found) = header(&row) {
                    columns = found;
                    continue;
                }
            }
            let cell = |column: usize, what: &str| {
                row.get(column).filter(|text| !text.is_empty()).ok_or_else(|| {
                    let hint =
                        if what == "value" { "; leave the line out if it is missing" } else { "" };
                    let message = format!("has no {what} in column {}{hint}", column + 1);
                    Error::trace(format!("line {line}"), message)
                })
            };
            let (time, value) = (cell(columns.0, "time")?, cell(columns.1, "value")?);
            let not = |text: &str, what: &str| {
                Error::trace(format!("line {line}"), format!("has \"{text}\", must be {what}"))
            };
            times.push(parse_time(time).ok_or_else(|| {
                not(time, "an ISO-8601 time or seconds or milliseconds since 1970")
            })?);
            values.push(value.parse::<f64>().map_err(|_| not(value, "a number"))?);
            lines.push(line);
        }
        if times.is_empty() {
            return Err(Error::trace("trace", "is empty, must have lines of time and value"));
        }
        Self::from_rows(name, &times, &values, |index| format!("line {}", lines[index]))
    }
}

/// What parts the columns: a semicolon or a tab if the first line has one and no comma, else a comma.
fn separator(head: &[u8]) -> u8 {
    let mut lines = head.split(|&byte| byte == b'\n');
    let first = lines.find(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"#"));
    let first = first.unwrap_or_default();
    let found = [b',', b';', b'\t'].into_iter().find(|byte| first.contains(byte));
    found.unwrap_or(b',')
}

/// The columns of time and value, if the row is a header: no cell of it is a number or a time.
fn header(row: &csv::StringRecord) -> Option<(usize, usize)> {
    let is_datum = |text: &str| text.parse::<f64>().is_ok() || parse_time(text).is_some();
    if row.iter().any(is_datum) {
        return None;
    }
    let find = |names: &[&str]| {
        names.iter().find_map(|name| row.iter().position(|text| text.eq_ignore_ascii_case(name)))
    };
    let time = find(&TIMES).unwrap_or(0);
    let value = find(&VALUES).filter(|&value| value != time);
    Some((time, value.unwrap_or(if time == 0 { 1 } else { 0 })))
}

fn parse_time(text: &str) -> Option<Timestamp> {
    if let Ok(number) = text.parse::<f64>() {
        // Seconds until the year 5138; milliseconds and the finer units from 1973 to then.
        let millis = match number.abs() {
            size if size < 1e11 => number * 1e3,
            size if size < 1e14 => number,
            size if size < 1e17 => number / 1e3,
            size if size < 1e20 => number / 1e6,
            _ => return None,
        };
        return Some(Timestamp::from_millis(millis.round() as i64));
    }
    if let Ok(exact) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_millis(exact.as_millisecond()));
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    let exact = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_millis(exact.timestamp().as_millisecond()))
}

fn unreadable(error: &std::io::Error) -> Error {
    Error::trace("trace", format!("cannot be read: {error}"))
}

fn unreadable_row(error: &csv::Error) -> Error {
    let place = error.position().map_or("trace".to_owned(), |at| format!("line {}", at.line()));
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => Error::trace(place, "is not UTF-8 text"),
        csv::ErrorKind::Io(error) => unreadable(error),
        _ => Error::trace(place, format!("cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn refused(text: &[u8]) -> String {
        let error = Trace::from_csv("t", text).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Trace);
        error.to_string()
    }

    #[test]
    fn every_way_to_write_a_trace_is_the_same_trace() {
        let want = Trace::from_csv("t", &b"0,1\n60,2\n120,3\n"[..]).unwrap();
        assert_eq!(want.values, [1.0, 2.0, 3.0]);
        let ways: [&[u8]; 7] = [
            b"timestamp,value\n0,1\n60,2\n120,3\n",
            b"\xef\xbb\xbfhost,value,time\nx,1,1970-01-01T00:00:00Z\nx,2,1970-01-01 00:01:00\nx,3,1970-01-01T01:02:00+01:00\n",
            b"timestamp;value\n0;1\n60;2\n120;3\n",
            b"# a, comment\n\nload\ttime\n1\t0\n2\t60\n3\t120\n",
            b"what,ever\r\n0,1\r\n60,2\r\n\r\n120,3\r\n",
            b"# a comment\n 0 , 1 \n 60.0 , 2 \n 120 , 3e0",
            b"\"ts\",\"load\"\n\"0\",\"1\"\n\"60\",\"2\"\n\"120\",\"3\"\n",
        ];
        for way in ways {
            let trace = Trace::from_csv("t", way).unwrap();
            assert_eq!(trace, want, "{}", String::from_utf8_lossy(way));
        }
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(ways[0]).unwrap();
        assert_eq!(Trace::from_csv("t", &gzip.finish().unwrap()[..]).unwrap(), want);
        for finer in ["000", "000000", "000000000"] {
            let text = format!("893971800{finer},1\n893971860{finer},2\n");
            let trace = Trace::from_csv("t", text.as_bytes()).unwrap();
            assert_eq!(trace.start, Timestamp::from_secs(893_971_800), "{finer}");
            assert_eq!(trace.step, crate::Duration::from_secs(60), "{finer}");
        }
    }

    #[test]
    fn what_is_no_trace_is_named_with_its_line() {
        let cases: [(&[u8], &str); 12] = [
            (b"", "is empty"),
            (b"timestamp,value\n", "is empty"),
            (b"timestamp,value\n0,1\n60,many\n", "`line 3` has \"many\", must be a number"),
            (b"timestamp,value\n0,1\nnoon,2\n", "`line 3` has \"noon\""),
            (
                b"timestamp,value\n0,1\n60,\n",
                "`line 3` has no value in column 2; leave the line out",
            ),
            (b"0,1\n60,2\n150,3\n", "`line 3` comes 90 s after"),
            (b"0,1\n60,2\n60,3\n", "`line 3` has the same time as"),
            (b"0,1\n60,2\n30,3\n", "`line 3` has a time before"),
            (b"0,1\n60,-2\n", "`line 2` is -2"),
            (b"0,1\n60,NaN\n", "`line 2` is NaN"),
            (b"0,1\n60,\xff\xfe\n", "`line 2` is not UTF-8"),
            (b"\x1f\x8b\x08\x00rubbish", "cannot be read"),
        ];
        for (text, want) in cases {
            let message = refused(text);
            assert!(message.contains(want), "{}: {message}", String::from_utf8_lossy(text));
        }
    }
}
