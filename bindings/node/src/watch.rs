//! What watches several series or a limit.
//!
//! In: settings as text, times as milliseconds, values. Out: what is found as JSON text, or why
//! nothing can be said.

use forescale::Reason;
use forescale::detect::{self, peers, relation, time_to_limit};
use napi::bindgen_prelude::{Buffer, Either, Env, Float64ArraySlice, Result};
use napi_derive::napi;
use serde::Serialize;

use crate::Abstain;
use crate::convert;
use crate::raise::raise;

fn found(answer: std::result::Result<impl Serialize, Reason>) -> Either<String, Abstain> {
    match answer {
        Ok(found) => Either::A(convert::json(&found)),
        Err(reason) => Either::B(Abstain::from(reason)),
    }
}

/// A class around one of the core's, with what all of them can do and methods of its own.
macro_rules! watcher {
    (
        $(#[$doc:meta])*
        $Watcher:ident of $Config:path;
        $($methods:tt)*
    ) => {
        $(#[$doc])*
        #[napi]
        #[derive(Debug)]
        pub struct $Watcher(detect::$Watcher);

        #[napi]
        impl $Watcher {
            /// From settings as JSON or YAML text.
            #[napi(constructor)]
            pub fn new(env: &Env, settings: String) -> Result<Self> {
                <$Config>::from_text(&settings)
                    .and_then(detect::$Watcher::new)
                    .map(Self)
                    .map_err(|error| raise(env, &error))
            }

            /// From a snapshot.
            #[napi(factory)]
            pub fn restore(env: &Env, snapshot: &[u8]) -> Result<Self> {
                detect::$Watcher::restore(snapshot).map(Self).map_err(|error| raise(env, &error))
            }

            /// Settings and state as JSON bytes.
            #[napi]
            pub fn snapshot(&self, env: &Env) -> Result<Buffer> {
                self.0.snapshot().map(Buffer::from).map_err(|error| raise(env, &error))
            }

            /// The settings in force as JSON text.
            #[napi]
            pub fn settings(&self) -> String {
                convert::json(self.0.settings())
            }

            $($methods)*
        }
    };
}

watcher! {
    /// Which member of a group differs.
    Peers of peers::Config;

    /// Takes a tick's readings, a NaN for a missing one.
    #[napi]
    pub fn see(
        &mut self,
        at: f64,
        names: Vec<String>,
        values: Float64ArraySlice,
    ) -> Either<String, Abstain> {
        let values = values.iter().copied().map(Some);
        let readings: Vec<_> = names.into_iter().zip(values).collect();
        found(self.0.see(convert::timestamp(at), &readings))
    }
}

watcher! {
    /// Whether two metrics go on moving together.
    Relation of relation::Config;

    /// Takes a pair of values, a NaN for a missing one.
    #[napi]
    pub fn observe(&mut self, at: f64, first: f64, second: f64) -> Either<String, Abstain> {
        found(self.0.observe(convert::timestamp(at), first, second))
    }
}

watcher! {
    /// When a quantity reaches its limit.
    TimeToLimit of time_to_limit::Config;

    /// Takes values, a NaN for a missing one; as many as there are times.
    #[napi]
    pub fn observe(&mut self, times: Float64ArraySlice, values: Float64ArraySlice) {
        for (&at, &value) in times.iter().zip(values.iter()) {
            self.0.observe(convert::timestamp(at), value);
        }
    }

    /// When it is reached.
    #[napi]
    pub fn answer(&self) -> Either<String, Abstain> {
        found(self.0.answer())
    }

    /// The trend a day between the bounds of its range.
    #[napi]
    pub fn per_day(&self) -> Option<Vec<f64>> {
        self.0.per_day().map(|(lower, likely, upper)| vec![lower, likely, upper])
    }

    /// Forgets all samples.
    #[napi]
    pub fn reset(&mut self) {
        self.0.reset();
    }
}
