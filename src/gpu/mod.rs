//! The graphics card: adapter, device, and a `NAME.wgsl` beside a `NAME.rs` for each kernel, or its parts in
//! a folder of that name where it is long.
//!
//! In: numbers side by side. Out: numbers. Knows buffers, chunks and how a device is lost, and nothing
//! of loads. With the feature `gpu`; without it the same names answer that there is none.
//!
//! | kernel | what one invocation does | twin |
//! |---|---|---|
//! | `fit` | walks the past of one series at one horizon, for [`batch`](crate::forecast::batch) | `forecast/batch/fit.rs` |
//! | `quantiles` | halves the range of the errors of that walk, for four quantiles at once | the same |
//! | `replay` | goes through the closed loop of one setting on a trace, for [`tune`](mod@crate::tune) | `sim/lanes/`, file by file |
//!
//! A kernel stands alone, its entry point is `main`, its bindings are in group 0, inputs before outputs.
//! No dispatch is long: it does so many rounds of work, keeps where it is on the device, and the next one
//! goes on there. A test parses each kernel and compares its structures with those here. Each has a twin on the processor with the
//! same arithmetic, which is also what answers where no device is, or it was lost.
//!
//! **Why no environment variable?** The core reads none. The bindings, tests and benches read
//! `FORESCALE_GPU` and hand it in as a [`Choice`].

mod choice;
#[cfg(feature = "gpu")]
mod clock;
#[cfg(feature = "gpu")]
pub(crate) mod device;
#[cfg(feature = "gpu")]
pub(crate) mod fit;
#[cfg(feature = "gpu")]
mod quantiles;
#[cfg(feature = "gpu")]
pub(crate) mod replay;
#[cfg(all(test, feature = "gpu"))]
mod tests;

use serde::Serialize;

pub use choice::{Choice, Device};

use crate::Error;

/// What is told of an adapter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Info {
    /// As its driver calls it.
    pub adapter: String,
    /// `discrete`, `integrated`, `virtual`, `cpu` (a software driver) or `other`.
    pub kind: String,
    /// The driver and its version.
    pub driver: String,
    /// `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// The longest piece of memory that a kernel sees at once, in bytes: longer panels go in chunks.
    pub max_binding_bytes: u64,
    /// The longest buffer in bytes.
    pub max_buffer_bytes: u64,
    /// The most invocations of one group.
    pub max_invocations: u32,
    /// Whether the time in a kernel can be told from that of the transfer.
    pub has_timestamps: bool,
}

/// Seconds on a device by its own clock, its parts apart: where they overlap, they come to more than what a
/// call took.
///
/// ```
/// let mut all = forescale::gpu::Seconds { upload: 0.25, kernel: 1.0, read_back: 0.25 };
/// all += all;
/// assert_eq!((all.upload, all.kernel, all.read_back), (0.5, 2.0, 0.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Seconds {
    /// From host memory to the device's.
    pub upload: f64,
    /// In the kernels alone.
    pub kernel: f64,
    /// From the device's memory to the host's.
    pub read_back: f64,
}

impl std::ops::AddAssign for Seconds {
    fn add_assign(&mut self, other: Self) {
        self.upload += other.upload;
        self.kernel += other.kernel;
        self.read_back += other.read_back;
    }
}

/// The adapter that a choice leads to; opens it if it is not open yet.
///
/// ```
/// use forescale::gpu::{Choice, info};
///
/// let off = info(&Choice::off()).expect_err("none is to be used");
/// assert_eq!(off.path(), "device");
/// ```
///
/// # Errors
/// If there is no adapter, with what each backend says, or this build has no feature `gpu`.
pub fn info(choice: &Choice) -> Result<Info, Error> {
    if choice.off {
        return Err(no_adapter("FORESCALE_GPU is off"));
    }
    #[cfg(feature = "gpu")]
    return device::open(choice).map(|device| device.info().clone());
    #[cfg(not(feature = "gpu"))]
    Err(no_adapter("this build lacks the feature `gpu`"))
}

/// The error where a device is asked for and there is none.
pub(crate) fn no_adapter(why: &str) -> Error {
    Error::config("device", format!("is \"gpu\", but no adapter was found: {why}"))
}
