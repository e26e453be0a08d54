//! How far numbers may have been given, at a second place: where the spool is lost, that many are owned up to, and never fewer.

use super::log::sync_folder;
use liuhen_proto::types::IdentityId;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 16] = b"liuhen-numbers-1";
/// So many numbers are reserved at once.
const AT_ONCE: u64 = 1_000;

/// The second place.
#[derive(Debug)]
pub struct Numbers {
    path: PathBuf,
    gateway: IdentityId,
    reserved: u64,
}

impl Numbers {
    /// Opens it; where there is none it is made, and nothing is reserved. Errors where it is damaged or another gateway's.
    pub fn open(path: &Path, gateway: IdentityId) -> io::Result<Self> {
        let reserved = match std::fs::read(path) {
            Ok(bytes) => read(&bytes, &gateway).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, "damaged, or another gateway's")
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        Ok(Self { path: path.to_owned(), gateway, reserved })
    }

    /// The last number that may have been given.
    pub fn reserved(&self) -> u64 {
        self.reserved
    }

    /// Sees to it that a number is among those that may have been given.
    pub fn reserve(&mut self, number: u64) -> io::Result<()> {
        if number <= self.reserved {
            return Ok(());
        }
        let reserved = number.saturating_add(AT_ONCE - 1);
        let mut bytes = [&MAGIC[..], self.gateway.as_bytes(), &reserved.to_be_bytes()].concat();
        bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        sync_folder(&self.path)?;
        self.reserved = reserved;
        Ok(())
    }
}

fn read(bytes: &[u8], gateway: &IdentityId) -> Option<u64> {
    let (said, sum) = bytes.split_last_chunk::<4>()?;
    let (head, number) = said.split_last_chunk::<8>()?;
    let known = crc32c::crc32c(said) == u32::from_be_bytes(*sum)
        && head == [&MAGIC[..], gateway.as_bytes()].concat();
    known.then_some(u64::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: IdentityId = IdentityId::new([7; 32]);

    #[test]
    fn never_fewer_than_were_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers");
        let mut numbers = Numbers::open(&path, GATEWAY).unwrap();
        for number in [1, 2, 1_000, 1_001, 5_000] {
            numbers.reserve(number).unwrap();
            let again = Numbers::open(&path, GATEWAY).unwrap();
            assert!(again.reserved() >= number);
            assert_eq!(again.reserved(), numbers.reserved());
        }
        let mut bent = std::fs::read(&path).unwrap();
        for bit in 0..bent.len() * 8 {
            bent[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bent).unwrap();
            assert!(Numbers::open(&path, GATEWAY).is_err(), "bit {bit}");
            bent[bit / 8] ^= 1 << (bit % 8);
        }
        std::fs::write(&path, &bent).unwrap();
        assert!(Numbers::open(&path, IdentityId::new([8; 32])).is_err());
    }
}
