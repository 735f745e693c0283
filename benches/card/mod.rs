//! Where the time on a card goes, and how far a kernel is from what the card can do.

use forescale::gpu::Seconds;

/// What a call took on the card's own clock, and what was moved and computed in it.
pub(crate) struct Rates {
    pub(crate) seconds: Option<Seconds>,
    /// Bytes from host to card and back.
    pub(crate) moved: f64,
    /// Of the card's memory, read and written in the kernel.
    pub(crate) gigabytes: f64,
    /// Operations in the kernel, 10^12 of them.
    pub(crate) teraflops: f64,
}

impl Rates {
    /// Seconds of upload, kernel and read-back, what was moved, and what was done a second in the kernel
    /// as a share of what the card has, where that is told; columns of a table.
    pub(crate) fn columns(&self) -> String {
        let moved = format!("{:.1} MB", self.moved / 1e6);
        // A card whose clock stands tells nothing.
        let Some(seconds) = self.seconds.filter(|seconds| seconds.kernel > 0.0) else {
            return format!(" | | | {moved} | | ");
        };
        let Seconds { upload, kernel, read_back } = seconds;
        let share = |amount: f64, most: &str, unit: &str| {
            let rate = amount / kernel;
            let most = std::env::var(most).ok().and_then(|text| text.parse::<f64>().ok());
            match most {
                Some(most) => format!("{rate:.3} {unit}, {:.2} %", 100.0 * rate / most),
                None => format!("{rate:.3} {unit}"),
            }
        };
        let of_memory = share(self.gigabytes, "FORESCALE_GPU_GBPS", "GB/s");
        let of_f32 = share(self.teraflops, "FORESCALE_GPU_TFLOPS", "T/s");
        format!("{upload:.2e} | {kernel:.3e} | {read_back:.2e} | {moved} | {of_memory} | {of_f32}")
    }
}
