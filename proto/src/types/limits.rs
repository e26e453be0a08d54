//! Sizes above which input is refused before it is read further.

/// Bytes of a code.
pub const CODE_LENGTH: usize = 64;
/// Bytes of an object's id: two ids, a number and a code are the longest.
pub const OBJECT_ID: usize = 2 * 32 + 8 + CODE_LENGTH;
/// How often an identity or a department is put in force before it can be suspended no more but by a vote: each time
/// stands in every proof of what it signed.
pub const STANDINGS: usize = 128;
/// Identities of a department, those ended included: a proof of all that it signed names each.
pub const ROSTER: usize = 2000;
/// Steps of a grant that may go on; what ends it is a step more.
pub const GRANT_STEPS: usize = 256;
/// Bytes of a grant whose terms may be amended.
pub const GRANT_BYTES: usize = 128 * 1024;
/// Nodes that may connect, those removed included.
pub const PEERS: usize = 1000;
/// Entries of each list of the parameters.
pub const LISTED: usize = 4096;
/// Points of an integrity event.
pub const POINTS: u64 = 10_000;
/// Bytes of a title in the catalogue.
pub const TITLE_LENGTH: usize = 256;
/// How long an officer may open a gate's doors by hand, in milliseconds: 72 hours.
pub const BREAK_GLASS_MS: u64 = 72 * 3_600_000;
/// Bytes of a transaction as sent.
pub const TRANSACTION_BYTES: usize = 512 * 1024;
/// Bytes of a transaction's header.
pub const HEADER_BYTES: usize = 1024;
/// Items of a transaction.
pub const TRANSACTION_ITEMS: usize = 1024;
/// Bytes of an item.
pub const ITEM_BYTES: usize = 16 * 1024;
/// Bytes of the transactions of a block; well under what sync can serve.
pub const BLOCK_BYTES: usize = 2 * 1024 * 1024;
/// Events of a block.
pub const BLOCK_EVENTS: usize = 20_000;
/// Bytes of objects that the transactions of a block read and write, each read counted once a transaction: applied within a
/// second (`tests/benches/dearest.rs`).
pub const BLOCK_COST: u64 = 128 * 1024 * 1024;
/// Timers that the transactions of a block set: not more than go off in one, or they would never be done with.
pub const BLOCK_TIMERS: u64 = TIMERS as u64;
/// Fields of a dataset, or of a grant.
pub const FIELDS: usize = 512;
/// Identities named in one grant.
pub const GRANT_IDENTITIES: usize = 256;
/// Datasets touched by one access.
pub const RECORD_DATASETS: usize = 64;
/// Subject tags listed in one record.
pub const RECORD_TAGS: usize = 256;
/// Timers that go off in one block; the rest wait for the next.
pub const TIMERS: usize = 1000;
/// Ledger events after which no further timer goes off in a block: some timers make several, so that as many go off as a
/// block may set.
pub const TIMER_EVENTS: usize = 8 * TIMERS;
/// Keys of an identity, those ended included.
pub const IDENTITY_KEYS: usize = 64;
/// Departments beneath one that its suspension stops.
pub const BENEATH: usize = 1000;
/// How many times a grant may be passed on: there are five levels.
pub const DELEGATION_DEPTH: u32 = 4;
/// Grants that hang from one, at any depth.
pub const DESCENDANTS: u32 = 1000;
/// How far up a department's superiors or successors are looked for.
pub const SUPERIORS: usize = 16;
/// Reads in one item.
pub const READS: usize = 128;
/// Milliseconds that an audit runs at most; then what was read for it is opened.
pub const AUDIT_MS: u64 = 366 * 24 * 3_600_000;
/// Milliseconds for which a signed request lets a node show something: who watches asks again after it.
pub const READ_LASTS_MS: u64 = 24 * 3_600_000;
/// Integrity events that one vote voids.
pub const VOIDED: usize = 128;
/// Local days for which a double vote can be reported.
pub const EVIDENCE_DAYS: u32 = 30;
/// Working days of a deadline.
pub const DEADLINE_DAYS: u32 = 366;
/// Days of use kept with a grant.
pub const USE_DAYS: usize = 32;
/// Statements kept with a grant's counters, of those that may need several records.
pub const USE_STATEMENTS: usize = 8;
/// Gateways that have something of a grant set aside.
pub const USE_LEASES: usize = 32;
/// Milliseconds for which a gateway sets something aside at most.
pub const LEASE_MS: u64 = 24 * 3_600_000;
/// Recent blocks dropped in one block, so that a long pause is made up for in steps.
pub const RECENT_DROPPED: u64 = 1000;
/// Bytes of a certificate.
pub const CERTIFICATE_BYTES: usize = 64 * 1024;
/// Validators of a set.
pub const VALIDATORS: usize = 128;
/// The sum of the powers of a set: the engine counts in u64, and multiplies by three.
pub const TOTAL_POWER: u64 = 1 << 60;
/// Milliseconds that a block may be cited for, at least: an idle network makes one block a minute, and a
/// transaction takes its time. Below, nobody could submit any more, not even the vote that undoes it.
pub const RECENT_AGE_LEAST_MS: u64 = 300_000;
/// The same at most: each block of that time is an object on the ledger.
pub const RECENT_AGE_MOST_MS: u64 = 24 * 3_600_000;
/// Bytes of a founding document.
pub const GENESIS_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of a proof file: it is verified in 64 MB of memory, and in about a second.
pub const TRACE_BYTES: usize = 8 * 1024 * 1024;
/// Bytes that the messages of a proof file may take when they are decoded.
pub const TRACE_DECODED: usize = 24 * 1024 * 1024;
/// Objects that are proved at once to who decides by them.
pub const OBJECTS_PROVED: usize = 256;
/// Events in a proof file: as many as one block may have, for no range is shorter.
pub const TRACE_EVENTS: usize = BLOCK_EVENTS;
/// Changes of validators in a proof file.
pub const TRACE_CHANGES: usize = 10_000;
/// Depth of a log: sizes are below 2⁶³.
pub const LOG_DEPTH: usize = 64;
/// Depth of the map: bits of a key.
pub const MAP_DEPTH: usize = 256;
/// Ranges of missing numbers kept with a gateway.
pub const GAPS: usize = 64;
/// Datasets that a gateway serves.
pub const GATEWAY_DATASETS: usize = 256;
/// Tags in one item of a bulk set.
pub const BULK_TAGS: usize = 470;
/// Subjects of a bulk set.
pub const BULK_SUBJECTS: u64 = 100_000_000;
/// Records in one correction.
pub const CORRECTED_RECORDS: usize = 48;
/// Milliseconds that an outage may be declared for.
pub const OUTAGE_MS: u64 = 72 * 3_600_000;
/// Milliseconds for which a gateway may observe, from when that is said.
pub const OBSERVING_MS: u64 = 90 * 24 * 3_600_000;
/// Grants that a product stands on.
pub const PRODUCT_GRANTS: usize = 64;
/// Products that stand on a grant.
pub const GRANT_PRODUCTS: usize = 1000;
/// Subjects remembered of an officer.
pub const WATCHED_SUBJECTS: usize = 64;
/// Periods that one seal covers, after an outage.
pub const SEAL_PERIODS: u64 = 1000;
/// Milliseconds for which a decision seals records.
pub const SEALED_MS: u64 = 366 * 24 * 3_600_000;
/// Periods of which a gateway's highest number is kept until they are sealed.
pub const GATEWAY_PERIODS: usize = 1000;
