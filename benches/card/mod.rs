//! How far a kernel is from what the card can do.

/// So much a second in the kernel, and its share of what the card has, where that is told.
pub(crate) fn share(kernel: Option<f64>, amount: f64, most: &str, unit: &str) -> String {
    let Some(kernel) = kernel else { return String::new() };
    let rate = amount / kernel;
    let most = std::env::var(most).ok().and_then(|text| text.parse::<f64>().ok());
    match most {
        Some(most) => format!("{rate:.3} {unit}, {:.0} %", 100.0 * rate / most),
        None => format!("{rate:.3} {unit}"),
    }
}
