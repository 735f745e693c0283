//! Tells the linker that Node itself resolves the addon's symbols.

fn main() {
    napi_build::setup();
}
