//! Numbers without gap, whatever ends the gate.

use super::entry::{Ended, Recorded};
use super::*;
use liuhen_proto::items::access::decide::{Uses, day_of};
use liuhen_proto::types::{Height, RequestId, TimeMs};
use liuhen_proto::wire::{
    Channel, DatasetAccess, Decision, Operation, Party, RecordAccess, Subjects,
};
use std::collections::BTreeMap;

fn place(folder: &Path) -> Place {
    Place {
        file: folder.join("spool"),
        numbers: folder.join("numbers"),
        chain: ChainId::ZERO,
        gateway: IdentityId::new([7; 32]),
    }
}

fn access(request: &str) -> Given {
    let access = DatasetAccess {
        dataset: "civil.resident".into(),
        operation: Operation::Read as i32,
        ..DatasetAccess::default()
    };
    let record = RecordAccess {
        collector: "gz.psb".into(),
        decision: Decision::Served as i32,
        accesses: vec![access],
        asker: Some(Party { unmapped_digest: vec![1; 32], ..Party::default() }),
        subjects: Some(Subjects::default()),
        query_digest: vec![2; 32],
        channel: Channel::Door as i32,
        access_time_ms: 1_000,
        ..RecordAccess::default()
    };
    Given {
        record: Some(record),
        request: request.to_owned(),
        salt: vec![1; 16],
        nonce: vec![3; 16],
        singly: None,
    }
}

#[tokio::test]
async fn numbers_go_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let spool = Spool::open(&place, 0).unwrap();
    let given = futures(&spool, 50).await;
    assert_eq!(given, (1..=50).collect::<Vec<_>>());
    let ended = Ended { number: 7, rows: Some(3), ..Ended::default() };
    spool.say(Said::Ended(ended)).await.unwrap();
    let recorded = Recorded { numbers: vec![7], height: 12 };
    spool.say(Said::Recorded(recorded)).await.unwrap();
    drop(spool);
    let spool = Spool::open(&place, 7).unwrap();
    assert_eq!(spool.give(access("")).await.unwrap(), 51);
    let book = spool.book();
    assert_eq!(book.of_request("r-9"), Some(9));
    assert_eq!(book.to_send().map(|it| it.number()).collect::<Vec<_>>(), [51]);
    assert_eq!(book.get(7).unwrap().height.unwrap().get(), 12);
    assert_eq!(book.get(7).unwrap().record().row_count, Some(3));
    assert_eq!(book.open_since(1_001).len(), 49);
}

/// What is recorded and sealed is left out of a spool that is written anew; numbers, what is open and what is to be sealed stay.
#[tokio::test]
async fn a_spool_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let spool = Spool::open(&place, 0).unwrap();
    for number in 1..=40 {
        spool.give(access(if number == 33 { "open" } else { "" })).await.unwrap();
    }
    let recorded = Recorded { numbers: (1..=30).collect(), height: 9 };
    spool.say(Said::Recorded(recorded)).await.unwrap();
    spool.say(Said::Sealed(entry::Sealed { until_ms: 2_000, last: 25 })).await.unwrap();
    drop(spool);
    let (log, entries, _) = Log::open(&place.file, &place.chain, &place.gateway).unwrap();
    let read = |entries: &[Vec<u8>]| {
        let mut book = Book::default();
        for data in entries {
            book.take(Entry::decode(data.as_slice()).unwrap().said.unwrap());
        }
        book
    };
    let before = read(&entries);
    assert_eq!(before.to_seal(34, 5_000).unwrap().len(), 7);
    assert_eq!(before.to_seal(26, 5_000), None, "one of them is not over");
    let small = rewritten(log, &entries, &before).unwrap();
    drop(small);
    let (_, after, _) = Log::open(&place.file, &place.chain, &place.gateway).unwrap();
    assert!(after.len() < entries.len() / 2 + 4, "{} of {}", after.len(), entries.len());
    let after = read(&after);
    let seen = |book: &Book| {
        let to_send: Vec<u64> = book.to_send().map(|it| it.number()).collect();
        (book.last(), *book.sealed(), to_send, book.of_request("open"), book.to_seal(34, 5_000))
    };
    assert_eq!(seen(&after), seen(&before));
    assert_eq!(after.open_since(5_000), [33]);
}

/// Many at once; each gets its own.
async fn futures(spool: &Spool, count: u64) -> Vec<u64> {
    let mut tasks = Vec::new();
    for number in 1..=count {
        let (spool, given) = (spool.clone(), access(&format!("r-{number}")));
        tasks.push(tokio::spawn(async move { spool.give(given).await.unwrap() }));
    }
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap());
    }
    numbers.sort_unstable();
    numbers
}

#[tokio::test]
async fn a_spool_that_is_gone_or_old_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let spool = Spool::open(&place, 0).unwrap();
    spool.give(access("")).await.unwrap();
    let old = std::fs::read(&place.file).unwrap();
    spool.give(access("")).await.unwrap();
    drop(spool);
    std::fs::write(&place.file, old).unwrap();
    let error = Spool::open(&place, 2).err().unwrap().to_string();
    assert!(error.contains("older copy"), "{error}");
    std::fs::remove_file(&place.file).unwrap();
    let error = Spool::open(&place, 2).err().unwrap().to_string();
    assert!(error.contains("numbers up to 1000 may have been given"), "{error}");
}

#[test]
fn a_spool_in_memory_is_refused() {
    if let Err(error) = refuse_memory(Path::new("/dev/shm/spool")) {
        assert!(error.to_string().contains("in memory"), "{error}");
    } else {
        eprintln!("skipped: /dev/shm is not in memory here");
    }
}

/// Sums say what each record by itself would, whatever comes in which order.
#[test]
fn sums_are_what_records_are() {
    let grant = |number: u64| RequestId::new([u8::try_from(number % 3).unwrap() + 1; 32]);
    let mut book = Book::default();
    let mut dice = 7_u64;
    let mut next = |end: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % end
    };
    let (mut number, mut height) = (0, 1);
    for _ in 0..4_000 {
        match next(10) {
            0..=4 => {
                number += 1;
                let access = DatasetAccess {
                    request_id: grant(next(9)).to_vec(),
                    ..DatasetAccess::default()
                };
                let record = RecordAccess {
                    access_no: number,
                    decision: 1 + i32::try_from(next(8) / 7).unwrap(),
                    accesses: vec![access],
                    access_time_ms: next(3) * 86_400_000,
                    row_count: (next(4) > 0).then(|| next(9)),
                    statement_digest: if next(9) == 0 { vec![1; 32] } else { Vec::new() },
                    ..RecordAccess::default()
                };
                let request = if next(2) == 0 { format!("r {number}") } else { String::new() };
                let given = Given { record: Some(record), request, ..Given::default() };
                book.take(Said::Given(given));
            }
            5..=6 => {
                let ended =
                    Ended { number: 1 + next(number + 1), rows: Some(next(7)), ..Ended::default() };
                book.take(Said::Ended(ended));
            }
            7..=8 => {
                height += next(2);
                let numbers: Vec<u64> = book.to_send().take(5).map(|it| it.number()).collect();
                book.take(Said::Recorded(Recorded { numbers, height }));
            }
            _ => book.forget(Height::new(height.saturating_sub(next(3)))),
        }
        agree(&book, Height::new(height.saturating_sub(next(2))));
    }
}

/// What a book sums up is what its records are.
fn agree(book: &Book, at: Height) {
    let mut singly: BTreeMap<(RequestId, u64), Uses> = BTreeMap::new();
    for it in
        book.not_counted_at(at).map(|it| it.record()).filter(|it| it.statement_digest.is_empty())
    {
        let id = RequestId::from_slice(&it.accesses[0].request_id).unwrap();
        let sum = singly.entry((id, day_of(TimeMs::new(it.access_time_ms)))).or_default();
        sum.queries += 1;
        sum.rows += it.row_count.unwrap_or(0);
        sum.rows_unknown += u64::from(it.row_count.is_none());
    }
    let mut summed: BTreeMap<(RequestId, u64), Uses> = BTreeMap::new();
    for (id, day, uses) in book.sums().not_counted_at(at) {
        let sum = summed.entry((*id, day)).or_default();
        sum.queries += uses.queries;
        sum.rows += uses.rows;
        sum.rows_unknown += uses.rows_unknown;
    }
    assert_eq!(summed, singly);
    let of_statements =
        book.not_counted_at(at).map(|it| it.record()).filter(|it| !it.statement_digest.is_empty());
    let mut of_statements: Vec<u64> = of_statements.map(|it| it.access_no).collect();
    of_statements.retain(|it| !book.sums().singly().contains(it));
    assert!(of_statements.is_empty());
    let (count, oldest) = book.depth();
    let waiting = || book.kept().filter(|it| it.height.is_none());
    assert_eq!(count, waiting().count());
    assert_eq!(oldest, waiting().map(|it| it.used.time_ms).min());
}
