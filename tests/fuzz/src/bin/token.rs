//! Tokens by which callers say who they are. The fuzzer has no key, so none may hold.

#![no_main]

use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{ChainId, TimeMs};
use liuhen_rpc::token::{Audience, check, key_of, make};
use std::sync::LazyLock;

const CHAIN: ChainId = ChainId::new([2; 32]);
const NOW: TimeMs = TimeMs::new(1_800_000_000_000);

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::from_seed(&[1; 32]));
/// The one token that was given out, as the seeds have it.
static MADE: LazyLock<String> = LazyLock::new(|| {
    let audience = Audience { chain: CHAIN, server: "node.example".into() };
    make(&KEY, &audience, Some("a-2026"), NOW).expect("a token can be made")
});
static SERVERS: LazyLock<[String; 1]> = LazyLock::new(|| ["node.example".to_owned()]);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(token) = std::str::from_utf8(bytes) else { return };
    let _ = key_of(token);
    if check(token, &KEY.public(), &CHAIN, SERVERS.as_slice(), NOW).is_ok() {
        assert_eq!(token, MADE.as_str(), "a token that nobody made");
    }
});
