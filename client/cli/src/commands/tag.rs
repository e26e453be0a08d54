//! `liuhen tag`: the collector's tag service. Its year keys never leave it.

use super::Common;
use crate::output::{Rows, print_one};
use crate::tell;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_client::subject_number::NumberKind;
use liuhen_keyfile::{PassphraseSource, Strength};
use liuhen_proto::subject;
use liuhen_proto::types::{Hash, check_code};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// The collector's tag service: pseudonyms of data subjects, by year
#[derive(Debug, clap::Args)]
pub struct Tag {
    /// The folder of the year keys
    #[arg(long, env = "LIUHEN_TAG_KEYS", default_value = "tag-keys", global = true)]
    keys: PathBuf,
    /// The collector
    #[arg(long, env = "LIUHEN_COLLECTOR", global = true)]
    collector: Option<String>,
    /// What kind of numbers the subjects have; others are refused
    #[arg(long, env = "LIUHEN_TAG_NUMBERS", value_parser = number_kind(), default_value = "resident", global = true)]
    numbers: NumberKind,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make the key of a year, encrypted with a passphrase
    New {
        /// The year
        year: u32,
        /// Without a passphrase: for trying out only
        #[arg(long)]
        plain: bool,
    },
    /// Years that there are keys of
    List,
    /// Tags of numbers read from standard input, a line each
    Tags {
        /// The year
        year: u32,
        /// Keys without a passphrase will do: for trying out only
        #[arg(long)]
        plain: bool,
    },
    /// The keys by which a subject reads its own trails: number from standard input
    Subject {
        /// Keys without a passphrase will do: for trying out only
        #[arg(long)]
        plain: bool,
    },
    /// Serve tags on a socket of this machine: `year number` a line in, the tag a line out
    Serve {
        /// The socket to make; its mode says who may ask
        #[arg(long)]
        socket: PathBuf,
        /// The socket's mode, octal
        #[arg(long, default_value = "600")]
        mode: String,
        /// Keys without a passphrase will do: for trying out only
        #[arg(long)]
        plain: bool,
    },
    /// Destroy the key of a year: its tags can't be linked to anybody any more, proofs stay valid
    Destroy {
        /// The year
        year: u32,
        /// The year once more, so that nobody does this by mistake
        #[arg(long)]
        confirm: u32,
    },
}

impl Tag {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        match &self.what {
            What::New { year, plain } => self.new_key(common, *year, *plain),
            What::List => {
                let mut rows = Rows::new(&["collector", "year", "file"]);
                for (year, file) in self.files()? {
                    rows.push(vec![json!(self.collector()?), json!(year), json!(file)]);
                }
                rows.print(common.output)
            }
            What::Tags { year, plain } => {
                let key = self.key(common, *year, *plain)?;
                for (number, line) in (1u64..).zip(std::io::stdin().lock().lines()) {
                    let normal = self.numbers.normal(&line?);
                    let normal =
                        normal.map_err(|e| ClientError::Usage(format!("line {number}: {e}")))?;
                    let key = subject::subject_key(&key, &normal);
                    crate::output::write(&format!("{}\n", subject::tag(&key)))?;
                }
                Ok(())
            }
            What::Subject { plain } => self.subject(common, *plain),
            What::Serve { socket, mode, plain } => self.serve(common, socket, mode, *plain).await,
            What::Destroy { year, confirm } => self.destroy(*year, *confirm),
        }
    }

    fn collector(&self) -> Result<&str, ClientError> {
        let missing = || {
            let (why, why_zh) = (
                "--collector is needed: whose subjects they are",
                "需要 --collector：哪个归集部门的主体",
            );
            ClientError::usage(why, why_zh)
        };
        let collector = self.collector.as_deref().ok_or_else(missing)?;
        check_code(collector).map_err(|e| ClientError::Usage(e.to_string()))?;
        Ok(collector)
    }

    fn file(&self, year: u32) -> Result<PathBuf, ClientError> {
        Ok(self.keys.join(format!("{}-{year}.pem", self.collector()?)))
    }

    /// The years of the collector, with their files.
    fn files(&self) -> Result<BTreeMap<u32, PathBuf>, ClientError> {
        let prefix = format!("{}-", self.collector()?);
        let mut found = BTreeMap::new();
        let entries = match std::fs::read_dir(&self.keys) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            Err(e) => return Err(ClientError::Failed(format!("{}: {e}", self.keys.display()))),
        };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
            let year = name.strip_prefix(&prefix).and_then(|it| it.strip_suffix(".pem"));
            if let Some(year) = year.and_then(|it| it.parse().ok()) {
                found.insert(year, path);
            }
        }
        Ok(found)
    }

    fn new_key(&self, common: &Common, year: u32, plain: bool) -> Result<(), ClientError> {
        if !(2000..=2999).contains(&year) {
            return Err(ClientError::Usage(format!("`{year}` is no year")));
        }
        std::fs::create_dir_all(&self.keys)
            .map_err(|e| ClientError::Failed(format!("{}: {e}", self.keys.display())))?;
        let file = self.file(year)?;
        let passphrase = match plain {
            true => None,
            false => Some(common.passphrase().choose(&file, Strength::Strong)?),
        };
        let key = liuhen_keyfile::generate()?;
        liuhen_keyfile::save(&file, &key, passphrase.as_ref())?;
        let fields =
            [("collector", json!(self.collector()?)), ("year", json!(year)), ("file", json!(file))];
        print_one(&fields, common.output)
    }

    /// A year's key: kept as any other, its secret is what tags follow from.
    fn key(&self, common: &Common, year: u32, plain: bool) -> Result<[u8; 32], ClientError> {
        self.open(&common.passphrase(), year, plain)
    }

    fn open(
        &self,
        passphrase: &PassphraseSource,
        year: u32,
        plain: bool,
    ) -> Result<[u8; 32], ClientError> {
        let file = self.file(year)?;
        if !file.exists() {
            let collector = self.collector()?;
            let (what, what_zh) = (
                format!("tag key of {collector} for {year}"),
                format!("归集部门 {collector} {year} 年的标识密钥"),
            );
            return Err(ClientError::NotFound(pick(&what, &what_zh).to_owned()));
        }
        Ok(liuhen_keyfile::load(&file, passphrase, plain)?.to_seed())
    }

    /// All years' keys, the passphrase asked for once.
    fn all(&self, common: &Common, plain: bool) -> Result<BTreeMap<u32, [u8; 32]>, ClientError> {
        let passphrase = common.passphrase().remembered();
        let mut keys = BTreeMap::new();
        for year in self.files()?.into_keys() {
            keys.insert(year, self.open(&passphrase, year, plain)?);
        }
        if keys.is_empty() {
            let collector = self.collector()?;
            let (what, what_zh) =
                (format!("tag key of {collector}"), format!("归集部门 {collector} 的标识密钥"));
            return Err(ClientError::NotFound(pick(&what, &what_zh).to_owned()));
        }
        Ok(keys)
    }

    fn subject(&self, common: &Common, plain: bool) -> Result<(), ClientError> {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        let number = self.numbers.normal(&line).map_err(|e| ClientError::Usage(e.to_string()))?;
        let mut rows = Rows::new(&["year", "subject", "subject_key"]);
        for (year, key) in self.all(common, plain)? {
            let key = subject::subject_key(&key, &number);
            let trail = format!("{}/{}", self.collector()?, subject::tag(&key));
            rows.push(vec![json!(year), json!(trail), json!(key.to_string())]);
        }
        rows.print(common.output)
    }

    async fn serve(
        &self,
        common: &Common,
        socket: &Path,
        mode: &str,
        plain: bool,
    ) -> Result<(), ClientError> {
        let bad = |why: &str| ClientError::Usage(format!("--mode {mode}: {why}"));
        let bits = u32::from_str_radix(mode, 8).map_err(|_| bad("octal digits"))?;
        if bits & 0o007 != 0 || bits > 0o777 {
            return Err(bad("others than owner and group may not ask"));
        }
        let keys = self.all(common, plain)?;
        let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", socket.display()));
        // Made in a folder of one's own first, so that nobody can ask before the mode is set.
        let folder = socket.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        let made = folder.join(format!(".{}.making", std::process::id()));
        std::fs::create_dir(&made).map_err(at)?;
        std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o700)).map_err(at)?;
        let inner = made.join("socket");
        let listener = UnixListener::bind(&inner).map_err(at)?;
        std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(bits)).map_err(at)?;
        std::fs::rename(&inner, socket).map_err(at)?;
        std::fs::remove_dir(&made).map_err(at)?;
        tell!("tags of {} years on {}", keys.len(), socket.display());
        let (keys, turns) = (Arc::new(keys), Arc::new(Semaphore::new(CONNECTIONS)));
        let numbers = self.numbers;
        loop {
            let turn = Arc::clone(&turns).acquire_owned().await.map_err(ClientError::failed)?;
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, perhaps: those who are served go on.
                    tell!("{}: {error}", socket.display());
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            };
            let keys = Arc::clone(&keys);
            tokio::spawn(async move {
                // Whoever hangs up needs no answer.
                let _gone = answer(stream, &keys, numbers, LINE_WITHIN).await;
                drop(turn);
            });
        }
    }

    fn destroy(&self, year: u32, confirm: u32) -> Result<(), ClientError> {
        if year != confirm {
            return Err(ClientError::Usage(format!("--confirm {year} is needed")));
        }
        let file = self.file(year)?;
        let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", file.display()));
        let length = std::fs::metadata(&file).map_err(at)?.len();
        let mut open = File::options().write(true).open(&file).map_err(at)?;
        let zeros = vec![b'0'; usize::try_from(length).unwrap_or(0)];
        open.write_all(&zeros).map_err(at)?;
        open.sync_all().map_err(at)?;
        std::fs::remove_file(&file).map_err(at)?;
        File::open(&self.keys).and_then(|folder| folder.sync_all()).map_err(at)?;
        tell!(
            "the tag key of {year} is destroyed here; destroy its backups as well. Nobody can say \
             any more whose its tags are; proofs stay valid"
        );
        Ok(())
    }
}

/// Takes the name of a kind of numbers.
fn number_kind() -> impl TypedValueParser<Value = NumberKind> {
    let values = NumberKind::ALL.map(|(_, name, about)| PossibleValue::new(name).help(about));
    PossibleValuesParser::new(values).try_map(|given| {
        let known = NumberKind::ALL.into_iter().find(|(_, name, _)| *name == given);
        known.map(|(kind, ..)| kind).ok_or_else(|| format!("there is no kind {given}"))
    })
}

/// Connections that are served at once; others wait for one of these to end.
const CONNECTIONS: usize = 64;
/// A line must have come within this time, so that whoever says nothing keeps nobody else out.
const LINE_WITHIN: Duration = Duration::from_secs(5);
/// The longest line that is read.
const LINE_BYTES: u64 = 256;

async fn answer(
    stream: UnixStream,
    keys: &BTreeMap<u32, [u8; 32]>,
    numbers: NumberKind,
    line_within: Duration,
) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = tokio::io::BufReader::new(read);
    loop {
        let mut line = Vec::new();
        let mut limited = tokio::io::AsyncReadExt::take(&mut lines, LINE_BYTES);
        match tokio::time::timeout(line_within, limited.read_until(b'\n', &mut line)).await {
            Ok(read) => read?,
            Err(_) => {
                let told = write.write_all(b"error: no line came in time\n");
                return tokio::time::timeout(line_within, told).await.unwrap_or(Ok(()));
            }
        };
        if line.is_empty() {
            return Ok(());
        }
        let complete = line.ends_with(b"\n");
        let tag = match complete {
            true => tag_of(&line, keys, numbers),
            false => Err("a line of at most 256 bytes is needed".to_owned()),
        };
        let text = tag.map_or_else(|why| format!("error: {why}\n"), |tag| format!("{tag}\n"));
        match tokio::time::timeout(line_within, write.write_all(text.as_bytes())).await {
            Ok(written) => written?,
            Err(_) => return Ok(()),
        }
        if !complete {
            return Ok(());
        }
    }
}

/// The tag of a line `YEAR NUMBER`, or why there is none. The number is not said again: errors are logged.
fn tag_of(
    line: &[u8],
    keys: &BTreeMap<u32, [u8; 32]>,
    numbers: NumberKind,
) -> Result<Hash, String> {
    let text = std::str::from_utf8(line).map_err(|_| "no text".to_owned())?;
    let (year, number) =
        text.trim().split_once(' ').ok_or("a year and a number are needed".to_owned())?;
    let year: u32 = year.parse().map_err(|_| "no year".to_owned())?;
    let key = keys.get(&year).ok_or_else(|| format!("there is no key of {year}"))?;
    let number = numbers.normal(number).map_err(|e| e.to_string())?;
    Ok(subject::tag(&subject::subject_key(key, &number)))
}

/// Tags from a file, a line each, ascending, each once.
pub(super) fn read_tags(file: &Path) -> Result<Vec<Vec<u8>>, ClientError> {
    let bad = |why: String| ClientError::Usage(format!("{}: {why}", file.display()));
    let lines = BufReader::new(File::open(file).map_err(|e| bad(e.to_string()))?).lines();
    let mut tags = Vec::new();
    for (number, line) in (1u64..).zip(lines) {
        let line = line.map_err(|e| bad(e.to_string()))?;
        let tag = line.trim().parse::<Hash>().map_err(|e| bad(format!("line {number}: {e}")))?;
        tags.push(tag.to_vec());
    }
    tags.sort_unstable();
    tags.dedup();
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> BTreeMap<u32, [u8; 32]> {
        BTreeMap::from([(2030, [1; 32])])
    }

    #[test]
    fn one_tag_however_a_number_is_written_and_none_for_what_is_none() {
        let tag = |line: &str| tag_of(line.as_bytes(), &keys(), NumberKind::Resident);
        let expected = tag("2030 11010519491231002X\n").unwrap();
        assert_eq!(tag("2030 １１０１０５１９４９１２３１００２ｘ\n"), Ok(expected));
        for bad in ["2030 abc\n", "2031 11010519491231002X\n", "abc\n", "x y\n", "2030 \n", "\n"] {
            assert!(tag(bad).is_err(), "{bad}");
        }
    }

    /// As many as are served at once say nothing: another is served when their time is over.
    #[tokio::test]
    async fn whoever_says_nothing_is_closed() {
        let (mut silent, served) = UnixStream::pair().unwrap();
        answer(served, &keys(), NumberKind::Resident, Duration::from_millis(50)).await.unwrap();
        let mut said = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut silent, &mut said).await.unwrap();
        assert_eq!(said, "error: no line came in time\n");
    }
}
