//! A header of 288 bytes and behind it the certificate.

#![no_main]

use liuhen_fuzz::{FOUNDING, HEADERS, both_spellings};
use liuhen_proto::header::{
    block::{HEADER_BYTES, Header},
    certificate,
};
use liuhen_proto::wire;
use prost::Message;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((header, certificate)) = bytes.split_at_checked(HEADER_BYTES) else { return };
    let Ok(header) = Header::from_bytes(header) else { return };
    assert_eq!(header.to_bytes(), bytes[..HEADER_BYTES]);
    both_spellings::<wire::Certificate>(certificate, |bytes| judge(&header, bytes));
});

fn judge(header: &Header, bytes: &[u8]) {
    let Ok(it) = certificate::decode(bytes) else { return };
    assert_eq!(it.encode_to_vec(), bytes);
    let (chain, block, validators) = (FOUNDING.chain(), header.block_id(), FOUNDING.validators());
    if certificate::verify(&it, &chain, header.height, &block, validators).is_ok() {
        assert!(HEADERS.contains(header.to_bytes().as_slice()), "certified by nobody");
    }
}
