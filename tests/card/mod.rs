//! The card that tests run on.

use forescale::gpu::{Choice, info};

/// The adapter to test on; `None` without one, unless there must be one.
pub(crate) fn adapter() -> Option<Choice> {
    let text = std::env::var("FORESCALE_GPU").ok();
    let choice = Choice { allow_software: true, ..Choice::from_text(text.as_deref()) };
    match info(&choice) {
        Ok(_) => Some(choice),
        Err(error) => {
            assert!(std::env::var("FORESCALE_REQUIRE_GPU").as_deref() != Ok("1"), "{error}");
            println!("skipped: {error}");
            None
        }
    }
}
