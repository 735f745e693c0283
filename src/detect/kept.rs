//! What watches several series, as a value: written at any time, taken up again on any machine.

/// Snapshots of a type that `serde` writes whole and checks as it reads.
macro_rules! kept {
    ($Kept:ident, $format:literal) => {
        impl $Kept {
            /// Settings and state as JSON text in UTF-8; loses nothing.
            ///
            /// # Errors
            /// None at present: it can always be written.
            pub fn snapshot(&self) -> Result<Vec<u8>, $crate::Error> {
                $crate::catalog::written($format, 1, self)
            }

            /// Takes up a snapshot.
            ///
            /// # Errors
            /// [`ErrorKind::Snapshot`](crate::ErrorKind::Snapshot) if it is cut, damaged, of another
            /// version, or a snapshot of something else.
            pub fn restore(snapshot: &[u8]) -> Result<Self, $crate::Error> {
                $crate::catalog::taken_up(snapshot, $format, 1)
            }
        }
    };
}
pub(super) use kept;

#[cfg(test)]
mod tests {
    use crate::detect::{Peers, Relation, TimeToLimit, peers, relation, time_to_limit};
    use crate::{ErrorKind, Timestamp};

    #[test]
    fn what_is_written_is_taken_up_and_nothing_else() {
        let at = |minute: i64| Timestamp::from_secs(60 * minute);
        let mut peers = Peers::new(peers::Config::default()).unwrap();
        let mut relation = Relation::new(relation::Config::default()).unwrap();
        let mut limit = TimeToLimit::new(time_to_limit::Config::at(500.0)).unwrap();
        for minute in 0..100 {
            let one = (minute * 31 % 17) as f64;
            let readings = ["a", "b", "c", "d"].map(|name| (name, Some(one + name.len() as f64)));
            let _ = peers.see(at(minute), &readings);
            let _ = relation.observe(at(minute), one, 2.0 * one);
            limit.observe(at(minute), minute as f64 + one);
        }
        let snapshots = [&peers.snapshot(), &relation.snapshot(), &limit.snapshot()];
        let [of_peers, of_relation, of_limit] = snapshots.map(|one| one.as_ref().unwrap().clone());
        let twin = Peers::restore(&of_peers).unwrap();
        assert_eq!(twin.snapshot().unwrap(), of_peers);
        assert_eq!(Relation::restore(&of_relation).unwrap(), relation);
        assert_eq!(TimeToLimit::restore(&of_limit).unwrap(), limit);

        let foreign = Peers::restore(&of_relation).unwrap_err();
        assert_eq!(foreign.kind(), ErrorKind::Snapshot);
        assert!(foreign.to_string().contains("no snapshot of a peers"), "{foreign}");
        for cut in 0..of_limit.len() {
            assert!(TimeToLimit::restore(&of_limit[..cut]).is_err());
        }
        let text = String::from_utf8(of_limit).unwrap();
        for (part, wrong) in [("\"version\":1", "\"version\":2"), ("\"reach\":1.0", "\"reach\":99")]
        {
            assert!(text.contains(part), "{text}");
            assert!(TimeToLimit::restore(text.replace(part, wrong).as_bytes()).is_err());
        }
    }
}
