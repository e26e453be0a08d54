//! A node's services, each method of them, as called by all sorts of callers.

#![no_main]

use liuhen_fuzz::services::Services;
use std::sync::LazyLock;

static SERVICES: LazyLock<Services> =
    LazyLock::new(|| Services::make().expect("the chain can be made"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    SERVICES.run(bytes);
});
