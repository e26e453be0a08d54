//! What the fuzz targets share. Each target is a program of its own, `src/bin/NAME.rs`, that hands
//! arbitrary bytes to one decoder: it must not panic, and what it takes must come out again as it
//! came in; one of them calls a node's [`services`]. `scripts/fuzz` builds them with coverage counters, makes seeds, and runs them.

pub mod services;

use liuhen_client::error::ClientError;
use liuhen_proto::header::{
    block::{HEADER_BYTES, MAGIC},
    checkpoint::Checkpoint,
    founding::Founding,
};
use liuhen_proto::tx::TxHeader;
use liuhen_proto::types::{BlockId, ChainId, Hash, Height, IdentityId, KeyId, TimeMs};
use liuhen_proto::verify::{Trust, verify};
use liuhen_sources::{log::Log, statement::Statement};
use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Gives the bytes to `judge`, and if they are a message that is not in canonical encoding, the
/// message in that too: a mutation seldom leaves lengths minimal and fields in order, and what lies
/// behind that check is to be reached.
pub fn both_spellings<M: Message + Default>(bytes: &[u8], judge: impl Fn(&[u8])) {
    judge(bytes);
    if let Ok(message) = M::decode(bytes) {
        let canonical = message.encode_to_vec();
        if canonical != bytes {
            judge(&canonical);
        }
    }
}

/// Judges a log that was read with what can't be understood skipped.
pub fn judge_log(log: Result<Log, ClientError>) {
    let log = match log {
        Ok(log) => log,
        // Only where no line was anything else is it another file.
        Err(error) => {
            assert!(error.to_string().contains("log: 0 of "), "{error}");
            return;
        }
    };
    let other = log.other_lines + log.other_databases + log.other_denied + log.blank_lines;
    let left = log.unknown.len() + log.set_aside.len();
    let told = other + left + u64::from(log.unfinished.is_some());
    assert!(told <= log.lines, "more told than there are lines");
    let is_access = |it: &Statement| !it.touched.is_empty() || !it.untold.is_empty();
    assert!(log.statements.iter().all(is_access), "a statement that is no access");
    let untold = log.statements.iter().any(|it| !it.untold.is_empty());
    assert_eq!(untold, !log.untold.is_empty(), "what can't be told is said of a line");
}

/// Mappings of logs: each has all that some kind of log needs.
pub const LOG_MAPPINGS: [&str; 3] = [
    r#"
time_zone = "Asia/Shanghai"
databases = ["population"]
salt_file = "salt"
log_line_prefix = "%m [%p] %q%u@%d "
format = "json"
jq = ".. | objects"
relations = { "population.civil.resident" = "civil.resident", "population.population.resident" = "civil.resident" }
"#,
    r#"
time_zone = "Europe/Berlin"
databases = ["population", "other"]
salt_file = "salt"
log_line_prefix = "%m "
format = "csv"
query_log_limit = 64
jq = "{time: .t, datasets: [{dataset: .d, operation: .o}], text: .x}"
relations = { "population.civil.resident" = "civil.resident", "population.population.resident" = "civil.resident" }
"#,
    r#"
time_zone = "UTC"
databases = ["population"]
salt_file = "salt"
pooled = true
log_line_prefix = "%t:%r:%u@%d:[%p]:%l:%e:%a "
format = "logfmt"
jq = "{time: .time, untold: .why}"
relations = { "population.civil.resident" = "civil.resident", "population.population.resident" = "civil.resident" }
"#,
];

/// Verifies a proof file. What is valid must speak of the corpus's chain, as of a header that the
/// corpus shows: nobody who lacks the validators' keys can have another certified.
pub fn judge_trace<'a>(trust: impl Into<Trust<'a>>, bytes: &[u8]) {
    let Ok(verified) = verify(trust, bytes) else { return };
    let statement = verified.get();
    assert_eq!(statement.chain, FOUNDING.chain());
    let anchor = statement.anchor.to_bytes();
    assert!(HEADERS.contains(anchor.as_slice()), "valid as of a header that nobody certified");
}

/// The folder that `scripts/vectors` filled.
pub fn corpus() -> PathBuf {
    let folder = std::env::var_os("LIUHEN_CORPUS");
    folder.expect("LIUHEN_CORPUS names the folder of proof files; scripts/fuzz sets it").into()
}

/// The files of a folder with their bytes.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths.filter_map(|path| std::fs::read(&path).ok().map(|bytes| (path, bytes))).collect()
}

/// The founding document of the corpus.
pub static FOUNDING: LazyLock<Founding> = LazyLock::new(|| {
    let bytes = std::fs::read(corpus().join("genesis.pb")).unwrap_or_default();
    Founding::from_bytes(&bytes).expect("the corpus has a founding document, genesis.pb")
});

/// Header 0 of the corpus as a checkpoint, for who has no founding document.
pub static CHECKPOINT: LazyLock<Checkpoint> = LazyLock::new(|| {
    let root = Hash::new(*FOUNDING.header().block_id().as_bytes());
    Checkpoint { chain: FOUNDING.chain(), size: 1, root }
});

/// Whatever looks like a header in the corpus's files, and header 0.
pub static HEADERS: LazyLock<BTreeSet<Vec<u8>>> = LazyLock::new(|| {
    let mut headers = BTreeSet::from([FOUNDING.header().to_bytes().to_vec()]);
    for (_, bytes) in files(&corpus()) {
        let fields = fields(&bytes).into_iter();
        let found = fields.filter(|it| it.len() == HEADER_BYTES && it.starts_with(&MAGIC));
        headers.extend(found.map(<[u8]>::to_vec));
    }
    headers
});

/// Every field of bytes or text in a message, in those fields too, as long as it can be read.
pub fn fields(bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut open = vec![bytes];
    while let Some(mut rest) = open.pop() {
        while let Some(field) = next_field(&mut rest) {
            open.extend(field);
            found.extend(field);
        }
    }
    found
}

/// Steps over a field, and gives its content if it is bytes. `None` at the end, and for no field.
fn next_field<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let (_, wire_type) = decode_key(rest).ok()?;
    let length = match wire_type {
        WireType::Varint => return decode_varint(rest).ok().map(|_| None),
        WireType::SixtyFourBit => 8,
        WireType::ThirtyTwoBit => 4,
        WireType::LengthDelimited => usize::try_from(decode_varint(rest).ok()?).ok()?,
        WireType::StartGroup | WireType::EndGroup => return None,
    };
    let (field, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some((wire_type == WireType::LengthDelimited).then_some(field))
}

/// The header of some transaction, to read an item by.
pub fn transaction_header() -> TxHeader {
    TxHeader {
        chain: ChainId::new([1; 32]),
        key: KeyId::new([2; 32]),
        seq: 7,
        recent_height: Height::new(9),
        recent_block: BlockId::new([3; 32]),
        claimed_time: TimeMs::new(1_800_000_000_000),
        item_count: 1,
        items_root: Hash::ZERO,
        department: "gz.psb".to_owned(),
        identity: IdentityId::new([4; 32]),
    }
}
