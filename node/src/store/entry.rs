//! An entry of an append-only file: length u32 ‖ CRC-32C of the length u32 ‖ CRC-32C of the payload u32 ‖ payload,
//! big-endian. The block log and the record of votes are made of them.

use crate::codec;

/// Bytes before the payload.
pub(super) const HEADER: usize = 12;

/// What stands before a payload.
pub(super) fn header(payload: &[u8]) -> [u8; HEADER] {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&length);
    header[4..8].copy_from_slice(&crc32c::crc32c(&length).to_be_bytes());
    header[8..].copy_from_slice(&crc32c::crc32c(payload).to_be_bytes());
    header
}

/// The whole entry.
pub(super) fn whole(payload: &[u8]) -> Vec<u8> {
    [&header(payload)[..], payload].concat()
}

/// The payload's length, if the header is whole.
pub(super) fn payload_length(header: &[u8]) -> Option<usize> {
    let length = header.get(..4)?;
    let sum = u32::from_be_bytes(header.get(4..8)?.try_into().ok()?);
    let stated = u32::from_be_bytes(length.try_into().ok()?) as usize;
    (crc32c::crc32c(length) == sum && stated > 0 && stated <= codec::LIMIT).then_some(stated)
}

/// Whether a payload is the one that its header was made for.
pub(super) fn payload_fits(header: &[u8], payload: &[u8]) -> bool {
    header
        .get(8..HEADER)
        .and_then(|sum| sum.try_into().ok())
        .is_some_and(|sum| u32::from_be_bytes(sum) == crc32c::crc32c(payload))
}

/// Where the entry at `offset` ends, if it is whole.
pub(super) fn end(bytes: &[u8], offset: usize) -> Option<usize> {
    let begin = offset.checked_add(HEADER)?;
    let header = bytes.get(offset..begin)?;
    let end = begin.checked_add(payload_length(header)?)?;
    payload_fits(header, bytes.get(begin..end)?).then_some(end)
}
