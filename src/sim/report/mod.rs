//! stub
use super::Comparison;
/// stub
pub fn html(c: &Comparison) -> Result<String, crate::Error> {
    Ok(format!("<svg>{}", c.trace))
}
