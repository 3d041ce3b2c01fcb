//! References and templates, from any bytes.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::reference(input));

/// Without a fuzzer there is nothing to run; this keeps the target compiling everywhere.
#[cfg(not(fuzzing))]
fn main() {
    let _ = fuzz::reference;
}
