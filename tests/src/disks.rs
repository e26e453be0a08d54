//! File systems of a test's own, that can be full, or lose power.

use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// `FS_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`: what was not synced is gone.
const CUT: &str = "import fcntl, os, struct, sys
for path in sys.argv[1:]:
    fcntl.ioctl(os.open(path, os.O_RDONLY), 0x8004587D, struct.pack('I', 2))";

/// Images with a file system each, mounted below a folder; they are unmounted with it.
pub struct Disks {
    folder: TempDir,
    names: Vec<&'static str>,
}

impl Disks {
    /// Makes and mounts an ext4 of so many MiB for each name. `None` where this machine does not let this user mount.
    pub fn of(names: &[&'static str], mebibytes: u32) -> anyhow::Result<Option<Self>> {
        let mut disks = Self { folder: tempfile::tempdir()?, names: Vec::new() };
        for name in names {
            std::fs::create_dir(disks.path(name))?;
            let image = std::fs::File::create(disks.image(name))?;
            image.set_len(u64::from(mebibytes) << 20)?;
            let made = run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(disks.image(name)));
            if let Err(error) = made.and_then(|()| disks.mount(name)) {
                anyhow::ensure!(std::env::var_os("CI").is_none(), "{error:#}");
                eprintln!("skipped: {error:#}");
                return Ok(None);
            }
            disks.names.push(name);
        }
        Ok(Some(disks))
    }

    /// Where one is mounted.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn image(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.image"))
    }

    fn mount(&self, name: &str) -> anyhow::Result<()> {
        run(Command::new("mount").args(["-o", "loop"]).arg(self.image(name)).arg(self.path(name)))
    }

    /// Cuts the power of all: nothing reaches them any more, and what was not synced never did.
    pub fn cut(&self) -> anyhow::Result<()> {
        let paths = self.names.iter().map(|name| self.path(name));
        run(Command::new("python3").args(["-c", CUT]).args(paths))
    }

    /// Mounts them once more, as a machine does that starts. Nothing may have a file open there.
    pub fn mount_again(&self) -> anyhow::Result<()> {
        for name in &self.names {
            run(Command::new("umount").arg(self.path(name)))?;
            self.mount(name)?;
        }
        Ok(())
    }

    /// Makes durable what stands there.
    pub fn sync(&self) -> anyhow::Result<()> {
        run(Command::new("sync").arg("-f").args(self.names.iter().map(|name| self.path(name))))
    }

    /// Makes one the home of its node in a consortium's folder, where nothing is yet.
    pub fn be_homes_in(&self, folder: &Path) -> anyhow::Result<()> {
        for name in &self.names {
            std::os::unix::fs::symlink(self.path(name), folder.join(name))?;
        }
        Ok(())
    }
}

impl Drop for Disks {
    fn drop(&mut self) {
        for name in &self.names {
            // Best effort: the test is over.
            let _ = Command::new("umount").arg(self.path(name)).status();
        }
    }
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("run {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    anyhow::ensure!(output.status.success(), "{program}: {said}");
    Ok(())
}
