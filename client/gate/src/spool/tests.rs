//! Numbers without gap, whatever ends the gate.

use super::entry::{Ended, Recorded};
use super::*;
use liuhen_proto::wire::{Decision, RecordAccess};

fn place(folder: &Path) -> Place {
    Place {
        file: folder.join("spool"),
        numbers: folder.join("numbers"),
        chain: ChainId::ZERO,
        gateway: IdentityId::new([7; 32]),
    }
}

fn access(request: &str) -> Given {
    let record = RecordAccess {
        decision: Decision::Served as i32,
        access_time_ms: 1_000,
        ..RecordAccess::default()
    };
    Given { record: Some(record), request: request.to_owned(), salt: vec![1; 16] }
}

#[tokio::test]
async fn numbers_go_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let spool = Spool::open(&place, 0).unwrap();
    let given = futures(&spool, 50).await;
    assert_eq!(given, (1..=50).collect::<Vec<_>>());
    let ended = Ended { number: 7, rows: Some(3), result_digest: vec![] };
    spool.say(Said::Ended(ended)).await.unwrap();
    let recorded = Recorded { numbers: vec![7], height: 12 };
    spool.say(Said::Recorded(recorded)).await.unwrap();
    drop(spool);
    let spool = Spool::open(&place, 7).unwrap();
    assert_eq!(spool.give(access("")).await.unwrap(), 51);
    let book = spool.book();
    assert_eq!(book.of_request("r-9"), Some(9));
    assert_eq!(book.to_send().map(|it| it.access_no).collect::<Vec<_>>(), [51]);
    assert_eq!(book.get(7).unwrap().height.unwrap().get(), 12);
    assert_eq!(book.get(7).unwrap().record.row_count, Some(3));
    assert_eq!(book.open_since(1_001).len(), 49);
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
