//! The engine's log, by the engine's own `wal` and codec of entries: see `src/wal.rs` and `src/wal/thread.rs` there.

use crate::disk::{SimDisk, SimFile};
use liuhen_node::consensus::by_hand::engine_log;
use liuhen_node::consensus::codec::WireCodec;
use liuhen_node::consensus::types::{Ctx, Height};
use malachitebft_app_channel::app::consensus::Input;
use malachitebft_app_channel::app::engine::wal::{decode_entry, encode_entry};
use malachitebft_app_channel::app::wal;
use std::io::{Cursor, Result};
use std::path::Path;

pub(super) struct Log {
    log: wal::log::Log<SimFile>,
    height: Option<Height>,
}

impl Log {
    pub(super) fn open(disk: &SimDisk, votes: bool) -> Result<Self> {
        let path = Path::new("/node").join(engine_log(votes));
        Ok(Self { log: wal::log::Log::open_with(path, disk.clone())?, height: None })
    }

    /// A height begins: what is to be played back of it.
    pub(super) fn begin(&mut self, height: Height) -> Result<Vec<Result<Input<Ctx>>>> {
        if self.height == Some(height) {
            return Ok(Vec::new());
        }
        self.height = Some(height);
        match self.log.sequence() == height.0 {
            true => self.entries(),
            false => self.log.reset(height.0).map(|()| Vec::new()),
        }
    }

    pub(super) fn reset(&mut self, height: Height) -> Result<()> {
        self.height = Some(height);
        self.log.reset(height.0)
    }

    fn entries(&mut self) -> Result<Vec<Result<Input<Ctx>>>> {
        if self.log.is_empty() {
            return Ok(Vec::new());
        }
        let mut entries = Vec::new();
        let mut broken = None;
        for (number, bytes) in (0u64..).zip(self.log.iter()?) {
            let is_broken = bytes.is_err();
            entries.push(bytes.and_then(|it| decode_entry(&WireCodec, Cursor::new(it))));
            if is_broken {
                broken = Some(number);
                break;
            }
        }
        if let Some(number) = broken {
            self.log.truncate(number)?;
        }
        Ok(entries)
    }

    pub(super) fn append(&mut self, height: Height, entry: Input<Ctx>) -> Result<()> {
        if self.height != Some(height) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        encode_entry(entry, &WireCodec, &mut bytes)?;
        self.log.append(&bytes)
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.log.flush()
    }
}
