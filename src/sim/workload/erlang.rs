//! How long requests take where several servers share one line (M/M/c).
//!
//! In: the servers, the load on them. Out: who waits, and who takes longer than a time. Knows no
//! replicas.
//!
//! Requests come at random, take exponential times and are served in turn (Erlang 1917; Kleinrock
//! 1975, Queueing Systems I, 3.5). Time is counted in mean service times.

/// The chance that a request has to wait (Erlang C), for a load below `servers`, both above 0; the
/// load in servers that it keeps busy.
///
/// By the inverse of the chance of loss (Erlang B), `1/B = sum over k of c (c-1) .. (c-k+1) / a^k`,
/// whose terms are all positive: nothing cancels, whatever the size. It ends as soon as what is left
/// cannot be seen, so that thousands of servers take some dozen terms.
pub(super) fn waits(servers: u32, load: f64) -> f64 {
    let n_servers = f64::from(servers);
    let (mut term, mut inverse) = (1.0, 1.0);
    for gone in 0..servers {
        term *= (n_servers - f64::from(gone)) / load;
        inverse += term;
        if inverse > 1e18 {
            return 0.0; // nobody waits
        }
        if term < 1e-17 * inverse {
            break; // from here on the terms only fall
        }
    }
    let used = load / n_servers;
    1.0 / (used + (1.0 - used) * inverse)
}

/// The share of the requests that take longer than `time`, waiting and being served, for a load below
/// `servers`.
pub(super) fn slower_than(time: f64, servers: u32, load: f64) -> f64 {
    if load <= 0.0 {
        return libm::exp(-time);
    }
    slower(time, waits(servers, load), f64::from(servers) - load)
}

/// As [`slower_than`], by the chance to wait and the servers to `spare`: the service alone, and the
/// sum of a wait, exponential with rate `spare`, and the service.
fn slower(time: f64, waits: f64, spare: f64) -> f64 {
    // (exp(-s t) - exp(-t)) / (1 - s), which near s = 1 is t exp(-t).
    let apart = 1.0 - spare;
    let between = if apart.abs() < 1e-9 { time } else { libm::expm1(apart * time) / apart };
    let tail = libm::exp(-time);
    // Where the wait is far shorter than the service, the first form has no limit to overflow.
    let grown =
        if apart * time > 700.0 { libm::exp(-spare * time) / apart } else { tail * between };
    (tail + waits * grown).min(1.0)
}

/// The time that a share of `quantile` of the requests take at most, for a load below `servers`.
pub(super) fn time_at(quantile: f64, servers: u32, load: f64) -> f64 {
    let share = 1.0 - quantile;
    let (waits, spare) = match load {
        none if none <= 0.0 => (0.0, f64::from(servers)),
        load => (waits(servers, load), f64::from(servers) - load),
    };
    let (mut low, mut high) = (0.0, -libm::log(share));
    while slower(high, waits, spare) > share {
        (low, high) = (high, 2.0 * high);
    }
    // To a part in a thousand: a reading is noisier than that.
    while high - low > 1e-3 * high {
        let middle = 0.5 * (low + high);
        if slower(middle, waits, spare) > share { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recursion of Erlang B from no server on, `B(n) = a B / (n + a B)`.
    fn by_recursion(servers: u32, load: f64) -> f64 {
        let loss = (1..=servers).fold(1.0, |loss, n| load * loss / (f64::from(n) + load * loss));
        let used = load / f64::from(servers);
        loss / (1.0 - used * (1.0 - loss))
    }

    #[test]
    fn who_waits_is_as_in_the_tables_and_as_by_the_recursion() {
        // Two servers at half use: 1 / 3. One: its utilization.
        assert!((waits(2, 1.0) - 1.0 / 3.0).abs() < 1e-15);
        assert!((waits(1, 0.8) - 0.8).abs() < 1e-15);
        assert!((waits(10, 8.0) - 0.4092).abs() < 5e-5);
        for servers in [3, 17, 250, 4000] {
            for used in [0.01, 0.5, 0.9, 0.99, 0.9999] {
                let load = used * f64::from(servers);
                let (own, want) = (waits(servers, load), by_recursion(servers, load));
                assert!((own - want).abs() < 1e-9 * want + 1e-17, "{servers} {used}: {own} {want}");
            }
        }
        // As many servers as any fleet has, and a load that they hardly carry.
        let many = waits(1_000_000, 999_500.0);
        assert!((many - 0.504).abs() < 0.01, "{many}"); // spare / sqrt(c) = 0.5 (Halfin and Whitt 1981)
    }

    /// M/M/1: the response is exponential with rate `1 - load`.
    #[test]
    fn one_server_has_the_response_of_the_books() {
        for load in [0.1, 0.5, 0.95] {
            for time in [0.1, 1.0, 30.0] {
                let want = libm::exp(-(1.0 - load) * time);
                assert!((slower_than(time, 1, load) - want).abs() < 1e-12, "{load} {time}");
            }
            let want = -libm::log(0.05) / (1.0 - load);
            assert!((time_at(0.95, 1, load) / want - 1.0).abs() < 1e-3);
        }
        // A spare of exactly one server, where the two rates are the same.
        let (at, near) = (slower_than(2.0, 2, 1.0), slower_than(2.0, 2, 1.0 + 1e-6));
        assert!((at - near).abs() < 1e-5, "{at} {near}");
    }

    /// A simulation of single requests, as a second opinion.
    #[test]
    fn requests_one_by_one_take_as_long() {
        use crate::sim::plant::uniform;
        use rand_pcg::Pcg32;

        let (servers, load) = (5_usize, 4.0);
        let mut random = Pcg32::new(7, 7);
        let mut exponential = || -libm::log(1.0 - uniform(&mut random));
        let mut free = vec![0.0_f64; servers];
        let (mut now, mut n_slow) = (0.0, 0_u32);
        let n_requests = 400_000;
        for _ in 0..n_requests {
            now += exponential() / load;
            let first = (0..servers).min_by(|&a, &b| free[a].total_cmp(&free[b])).unwrap();
            free[first] = free[first].max(now) + exponential();
            n_slow += u32::from(free[first] - now > 3.0);
        }
        let (seen, want) = (f64::from(n_slow) / f64::from(n_requests), slower_than(3.0, 5, load));
        assert!((seen - want).abs() < 0.006, "{seen} against {want}");
    }
}
