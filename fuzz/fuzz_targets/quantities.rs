#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| neuropod_fuzz_targets::quantities(data));
