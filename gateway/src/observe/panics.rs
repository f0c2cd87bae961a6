//! What is said of a panic: where it was, and its words only if the compiler knew them.

use std::panic::PanicHookInfo;

/// Replaces the standard hook, which prints whatever was formatted into the message.
pub fn install() {
    std::panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        tracing::error!(%location, thread, message = words(info), "panic");
    }));
}

/// A literal was written by us; formatted text may hold anything, a card number too.
fn words<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    match info.payload().downcast_ref::<&'static str>() {
        Some(literal) => literal,
        None => "withheld: it was formatted from data",
    }
}
