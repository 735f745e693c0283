//! A real Prometheus server scrapes an exporter of ours, and what is read from the server is what
//! the exporter handed out.
//!
//! Needs the program `prometheus` on the path; without it the test is skipped, or fails where
//! `FORESCALE_REQUIRE_PROMETHEUS` is set. Server and exporter listen on the loopback only, and the
//! server is gone when the test ends, however it ends.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test at the border waits for a server")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration as Wait, Instant};

use forescale::sim::prometheus::{History, MOST_POINTS, Options, chunks};
use forescale::{Duration, ErrorKind, Timestamp};
use serde_json::Value;

/// So many scrapes are read: more than 11 seconds, so that steps of a millisecond need two chunks.
const N_SCRAPES: usize = 14;

/// The counter starts anew from 0 before this scrape.
const RESTART: u64 = 6;

/// The load of pod `a` at a scrape: once not a number, once not told.
fn load(scrape: u64) -> Option<f64> {
    match scrape {
        4 => Some(f64::NAN),
        8 => None,
        _ => Some(10.0 * scrape as f64 + 0.1),
    }
}

/// The requests that came between the scrape before and this one.
fn requests(scrape: u64) -> u64 {
    scrape * 37 % 11 + 1
}

fn counter(scrape: u64) -> u64 {
    let first = if scrape < RESTART { 1 } else { RESTART };
    (first..=scrape).map(requests).sum()
}

/// The page of a scrape, in Prometheus's text format.
fn page(scrape: u64) -> String {
    let mut page = format!("number {scrape}\nload{{pod=\"b\"}} {}\n", 1000 + scrape);
    if let Some(load) = load(scrape) {
        page += &format!("load{{pod=\"a\"}} {load}\n");
    }
    page + &format!("# TYPE requests_total counter\nrequests_total {}\n", counter(scrape))
}

/// Hands out the next page at each scrape.
struct Exporter {
    port: u16,
    ends: Arc<AtomicBool>,
    /// The trouble it had, if any.
    trouble: Arc<Mutex<Vec<String>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Exporter {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (ends, trouble) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (has_ended, troubles) = (Arc::clone(&ends), Arc::clone(&trouble));
        let scrapes = AtomicU64::new(0);
        let thread = thread::spawn(move || {
            for caller in listener.incoming() {
                if has_ended.load(Ordering::SeqCst) {
                    return;
                }
                let answer = |mut caller: TcpStream| -> io::Result<()> {
                    caller.set_read_timeout(Some(Wait::from_secs(5)))?;
                    let mut request = Vec::new();
                    let mut byte = [0];
                    while !request.ends_with(b"\r\n\r\n") && caller.read(&mut byte)? == 1 {
                        request.push(byte[0]);
                    }
                    let page = page(scrapes.fetch_add(1, Ordering::SeqCst) + 1);
                    let head = "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n";
                    caller.write_all([head, &page].concat().as_bytes())
                };
                if let Err(error) = caller.and_then(answer) {
                    troubles.lock().unwrap().push(error.to_string());
                }
            }
        });
        Self { port, ends, trouble, thread: Some(thread) }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // It waits for a caller, so one calls.
        let called = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let (Ok(_), Some(thread)) = (called, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

/// A server of its own on a free port, with a folder of its own.
struct Server {
    port: u16,
    folder: PathBuf,
    process: Child,
}

impl Server {
    /// `None` if there is no such program.
    fn start(exporter: u16) -> Option<Self> {
        let name = format!("prometheus-{}", std::process::id());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        // Another program may take the free port before the server does.
        for _ in 0..3 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            std::fs::create_dir_all(&folder).unwrap();
            let config = folder.join("prometheus.yml");
            let text = format!(
                "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
                 scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]}}]\n"
            );
            std::fs::write(&config, text).unwrap();
            let mut command = Command::new("prometheus");
            command.arg(format!("--config.file={}", config.display()));
            command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
            command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
            command.arg("--log.level=error").current_dir(&folder).stdin(Stdio::null());
            let log = std::fs::File::create(folder.join("log")).unwrap();
            command.stdout(log.try_clone().unwrap()).stderr(log);
            let process = match command.spawn() {
                Ok(process) => process,
                Err(error) => {
                    let _ = std::fs::remove_dir_all(&folder);
                    assert_eq!(error.kind(), io::ErrorKind::NotFound, "prometheus: {error}");
                    return None;
                }
            };
            let mut server = Self { port, folder: folder.clone(), process };
            if server.is_ready() {
                return Some(server);
            }
            eprintln!("{}", std::fs::read_to_string(server.folder.join("log")).unwrap());
        }
        panic!("prometheus does not start");
    }

    /// Waits until the server answers; false if it ends.
    fn is_ready(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < Wait::from_secs(60) {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            match self.get("/-/ready") {
                Ok((200, _)) => return true,
                _ => thread::sleep(Wait::from_millis(100)),
            }
        }
        false
    }

    /// The status and the body. In HTTP 1.0, so that the body comes in one piece.
    fn get(&self, path: &str) -> io::Result<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Wait::from_secs(60)))?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP");
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(broken)?;
        let body = answer.split_off(head + 4);
        let head = String::from_utf8(answer).map_err(|_| broken())?;
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        Ok((status.ok_or_else(broken)?, body))
    }

    fn ask(&self, what: &str, parameters: &[(&str, &str)]) -> (u16, Vec<u8>) {
        let mut path = format!("/api/v1/{what}?");
        for (name, value) in parameters {
            path += &format!("{name}={}&", escaped(value));
        }
        self.get(&path).unwrap()
    }

    fn range(
        &self,
        query: &str,
        start: Timestamp,
        end: Timestamp,
        step: Duration,
    ) -> (u16, Vec<u8>) {
        let (start, end) = (seconds(start.as_millis()), seconds(end.as_millis()));
        let step = seconds(step.as_millis());
        let parameters = [("query", query), ("start", &start), ("end", &end), ("step", &step)];
        self.ask("query_range", &parameters)
    }

    /// The history of a query, asked for in chunks, the last of them first.
    fn history(&self, query: &str, start: Timestamp, end: Timestamp, step: Duration) -> History {
        let mut history = History::new();
        for (start, end) in chunks(start, end, step).unwrap().into_iter().rev() {
            let (status, body) = self.range(query, start, end, step);
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
            history.add(body).unwrap();
        }
        history
    }

    /// When the server took each scrape, from the first one on; waits until there are enough.
    fn scrapes(&self) -> Vec<(Timestamp, u64)> {
        let start = Instant::now();
        loop {
            let (_, body) = self.ask("query", &[("query", "number[10m]")]);
            let answer: Value = serde_json::from_slice(&body).unwrap();
            let points = answer["data"]["result"][0]["values"].as_array();
            let points = points.map_or(&[][..], Vec::as_slice);
            if points.len() >= N_SCRAPES {
                let text = |value: &Value| value.as_str().unwrap().parse().unwrap();
                let millis = |value: &Value| (value.as_f64().unwrap() * 1000.0).round() as i64;
                let point =
                    |point: &Value| (Timestamp::from_millis(millis(&point[0])), text(&point[1]));
                return points[..N_SCRAPES].iter().map(point).collect();
            }
            assert!(start.elapsed() < Wait::from_secs(120), "only {} scrapes", points.len());
            thread::sleep(Wait::from_millis(500));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn seconds(millis: i64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let escape =
        |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escape).collect()
}

fn options(text: &str) -> Options {
    Options::from_text(text).unwrap()
}

#[test]
fn what_is_read_from_a_real_server_is_what_was_handed_out() {
    let exporter = Exporter::start();
    let Some(server) = Server::start(exporter.port) else {
        let is_required = std::env::var_os("FORESCALE_REQUIRE_PROMETHEUS").is_some();
        assert!(
            !is_required,
            "FORESCALE_REQUIRE_PROMETHEUS is set, and there is no prometheus binary"
        );
        eprintln!("skipped: no prometheus binary");
        return;
    };
    let scrapes = server.scrapes();
    assert_eq!(*exporter.trouble.lock().unwrap(), [""; 0]);
    let numbers: Vec<_> = scrapes.iter().map(|(_, number)| *number).collect();
    let wanted: Vec<_> = (1..=N_SCRAPES as u64).collect();
    assert_eq!(numbers, wanted, "each page is one scrape");

    let (start, end) = (scrapes[0].0, scrapes[N_SCRAPES - 1].0);
    loads_in_chunks(&server, &scrapes, start, end);
    counters(&server, &scrapes, start, end);
    refusals(&server, start, end);
}

/// The scrape that the server sees at a time: the last one until then.
fn scrape_at(scrapes: &[(Timestamp, u64)], at: Timestamp) -> u64 {
    scrapes.iter().rev().find(|(taken, _)| *taken <= at).unwrap().1
}

/// Two pods, with steps of a millisecond, so that one answer cannot hold them.
fn loads_in_chunks(
    server: &Server,
    scrapes: &[(Timestamp, u64)],
    start: Timestamp,
    end: Timestamp,
) {
    let step = Duration::from_millis(1);
    let history = server.history("load", start, end, step);
    let n_points = end.since(start).as_millis() + 1;
    assert!(n_points > MOST_POINTS, "{n_points} points need no second chunk");
    assert_eq!(history.labels().len(), 2);
    let error = history.samples(&Options::default()).unwrap_err().to_string();
    assert!(error.contains("has 2 series") && error.contains("pod=\"a\""), "{error}");

    let a = |scrape| load(scrape).filter(|load| !load.is_nan());
    let b = |scrape: u64| (1000 + scrape) as f64;
    let sum = |scrape| match load(scrape) {
        None => Some(b(scrape)), // not there, as to PromQL's own sum
        Some(load) => Some(load + b(scrape)).filter(|sum| !sum.is_nan()),
    };
    type Wanted<'a> = &'a dyn Fn(u64) -> Option<f64>;
    let cases: [(&str, Wanted<'_>); 3] = [
        (r#"{"labels": {"pod": "a"}}"#, &a),
        (r#"{"labels": {"pod": "b"}}"#, &|scrape| Some(b(scrape))),
        (r#"{"sum": true}"#, &sum),
    ];
    for (chosen, wanted) in cases {
        let samples = history.samples(&options(chosen)).unwrap();
        assert_eq!((samples.times[0], samples.step), (start, step), "{chosen}");
        assert_eq!(samples.times.len() as i64, n_points, "{chosen}");
        for (at, value) in samples.times.iter().zip(&samples.values) {
            let scrape = scrape_at(scrapes, *at);
            assert_eq!(*value, wanted(scrape), "{chosen} at {at:?}, scrape {scrape}");
        }
        let trace = samples.trace("shop").unwrap();
        assert_eq!((trace.values.len() as i64, trace.n_filled), (n_points, samples.n_missing));
    }

    // The server's own sum is the same but for NaN, which it hands out and we call missing.
    let own = server.history("sum(load)", start, end, step).samples(&Options::default()).unwrap();
    assert_eq!(own, history.samples(&options(r#"{"sum": true}"#)).unwrap());
}

/// A counter with a restart tells the requests that came between two looks.
fn counters(server: &Server, scrapes: &[(Timestamp, u64)], start: Timestamp, end: Timestamp) {
    let step = Duration::from_secs(1);
    let history = server.history("requests_total", start, end, step);
    let samples = history.samples(&options(r#"{"counter": true}"#)).unwrap();
    assert_eq!((samples.times[0], samples.n_missing), (start + step, 0));
    for (at, rate) in samples.times.iter().zip(&samples.values) {
        let [before, now] = [*at - step, *at].map(|at| scrape_at(scrapes, at));
        // What came before a restart and was not looked at is lost.
        let first = if before < RESTART && RESTART <= now { RESTART } else { before + 1 };
        let came: u64 = (first..=now).map(requests).sum();
        assert_eq!(*rate, Some(came as f64), "scrapes {before} to {now}");
    }
    let raw = history.samples(&Options::default()).unwrap();
    assert!(raw.values.windows(2).any(|pair| pair[1] < pair[0]), "no restart: {:?}", raw.values);
}

/// The server's own refusals, and answers of other kinds.
fn refusals(server: &Server, start: Timestamp, end: Timestamp) {
    let refused = |(status, body): (u16, Vec<u8>), status_wanted: u16, want: &str| {
        assert_eq!(status, status_wanted);
        let error = History::read([body]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trace);
        let message = error.to_string();
        assert!(message.contains(want), "{message}");
    };
    let millisecond = Duration::from_millis(1);
    let too_many = server.range("load", start, end, millisecond);
    refused(
        too_many,
        400,
        "`answers[0].status` is \"error\" (bad_data): exceeded maximum resolution of 11,000 points",
    );
    let second = Duration::from_secs(1);
    refused(server.range("load{", start, end, second), 400, "is \"error\" (bad_data): ");
    let at = [("query", "load")];
    refused(server.ask("query", &at), 200, "is \"vector\", must be \"matrix\": this is the answer");
    refused(server.ask("query", &[("query", "7")]), 200, "is \"scalar\", must be \"matrix\"");
    refused(server.ask("query", &[("query", "'text'")]), 200, "is \"string\", must be \"matrix\"");
    let (status, page) = server.get("/nothing-here").unwrap();
    refused((status, page), 404, "`answers[0]` begins with \"404 page not found");
    let nothing = server.history("no_such_metric", start, end, second);
    let error = nothing.samples(&Options::default()).unwrap_err().to_string();
    assert!(error.contains("has no series: the query matched nothing"), "{error}");
}
