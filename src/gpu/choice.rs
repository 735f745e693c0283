//! Where to work, and on which adapter.
//!
//! In: texts from a host. Out: what they mean. Opens nothing.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Where a panel is worked on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// The graphics card if there is a real one and the panel is large, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The graphics card; an error without one.
    Gpu,
}

impl Device {
    /// From its name.
    ///
    /// ```
    /// use forescale::gpu::Device;
    ///
    /// assert_eq!(Device::from_text("gpu"), Ok(Device::Gpu));
    /// let error = Device::from_text("tpu").unwrap_err();
    /// assert_eq!(error.to_string(), "`device` is \"tpu\", must be \"auto\", \"cpu\" or \"gpu\"");
    /// ```
    ///
    /// # Errors
    /// If it is none of the three.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu),
            _ => {
                let message = format!("is \"{text}\", must be \"auto\", \"cpu\" or \"gpu\"");
                Err(Error::config("device", message))
            }
        }
    }
}

/// Which adapter to take: a discrete one before an integrated one before a virtual one, and one that
/// is software only where asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Only one whose name contains this, whatever its case.
    pub name: Option<String>,
    /// Also a software driver; it is slower than the cores it runs on, and good for tests.
    pub allow_software: bool,
    /// No piece of memory longer than so many bytes; default: what the adapter has. Longer panels go
    /// in chunks.
    pub most_bytes: Option<u64>,
    /// No adapter at all.
    pub off: bool,
}

impl Choice {
    /// From the text of `FORESCALE_GPU`: `off`, `auto` or nothing, `software`, or a part of an
    /// adapter's name, which may be that of a software driver.
    ///
    /// ```
    /// use forescale::gpu::Choice;
    ///
    /// assert_eq!(Choice::from_text(None), Choice::default());
    /// assert!(Choice::from_text(Some("software")).allow_software);
    /// assert_eq!(Choice::from_text(Some("H200")).name.as_deref(), Some("H200"));
    /// assert!(Choice::from_text(Some("off")).off);
    /// ```
    #[must_use]
    pub fn from_text(text: Option<&str>) -> Self {
        match text.map(str::trim) {
            None | Some("" | "auto") => Self::default(),
            Some("off") => Self::off(),
            Some("software") => Self { allow_software: true, ..Self::default() },
            Some(name) => {
                Self { name: Some(name.to_owned()), allow_software: true, ..Self::default() }
            }
        }
    }

    /// No adapter at all.
    ///
    /// ```
    /// assert!(forescale::gpu::info(&forescale::gpu::Choice::off()).is_err());
    /// ```
    #[must_use]
    pub fn off() -> Self {
        Self { off: true, ..Self::default() }
    }
}
