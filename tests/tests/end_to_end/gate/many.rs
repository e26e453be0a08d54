//! Many accesses at once, through doors that have no proxy before them; and the gate killed in the midst.

use super::{asks_at, granted, on_the_ledger, spool_is_empty};
use liuhen_proto::wire::Decision;
use liuhen_tests::doors::{Gate, PORTAL_KEY, SECRET, get, send, service};
use liuhen_tests::wait::DEADLINE;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Twenty at a time ask, so many in all; after so many answers the gate is killed and started again. Gives the numbers of what was served.
pub(super) async fn many<F>(
    gate: &mut Gate,
    each: usize,
    killed_after: Option<usize>,
    ask: impl Fn() -> F,
) -> anyhow::Result<BTreeSet<u64>>
where
    F: Future<Output = anyhow::Result<Option<u64>>> + Send + 'static,
{
    let (mut asking, mut begun, mut answered) = (JoinSet::new(), 0, 0);
    let mut numbers = BTreeSet::new();
    while begun < each.min(20) {
        begun += 1;
        asking.spawn(ask());
    }
    while let Some(number) = asking.join_next().await {
        answered += 1;
        if begun < each {
            begun += 1;
            asking.spawn(ask());
        }
        if let Some(number) = number?? {
            anyhow::ensure!(numbers.insert(number), "{number} was given twice");
        }
        if killed_after == Some(answered) {
            gate.kill()?;
            gate.start().await?;
        }
    }
    Ok(numbers)
}

/// Adds a further round's numbers: none was given before.
pub(super) fn merge(all: &mut BTreeSet<u64>, more: BTreeSet<u64>) -> anyhow::Result<()> {
    let expected = all.len() + more.len();
    all.extend(more);
    anyhow::ensure!(all.len() == expected, "a number was given in two rounds");
    Ok(())
}

/// Through the gate's own door: whoever asks while it is away gets nothing, and what was served is on the ledger once.
#[tokio::test(flavor = "multi_thread")]
async fn through_the_own_door() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb", "hrss"]).await?;
    let port = gate.add_own_door(service().await?)?;
    gate.start().await?;
    let ask = || async move {
        // A connection that breaks off, or is refused, is no answer.
        let Ok(answer) = get(port, "/residents/7", &[("X-Api-Key", PORTAL_KEY)]).await else {
            return Ok(None);
        };
        let token = answer.header("X-Liuhen-Access").unwrap_or_default();
        let number = token.split(';').nth(1).and_then(|it| it.parse().ok());
        anyhow::ensure!(number.is_some() == (answer.status == 200), "{answer:?}");
        Ok(number)
    };
    let mut served = many(&mut gate, 20, None, ask).await?;
    assert_eq!(served.len(), 20, "{}", gate.log());
    for round in 1..6 {
        merge(&mut served, many(&mut gate, 196, Some(3 + 31 * round), ask).await?)?;
    }
    spool_is_empty(&gate).await?;
    let records = on_the_ledger(&mut cluster).await?;
    assert!(records.iter().all(|it| it.decision() == Decision::Served), "{records:#?}");
    let on_ledger: Vec<u64> = records.iter().map(|it| it.access_no).collect();
    let all: Vec<u64> = (1..=on_ledger.last().copied().unwrap_or_default()).collect();
    assert_eq!(on_ledger, all, "numbers without gap, each once");
    assert!(served.iter().all(|it| on_ledger.contains(it)), "served, and not on the ledger");
    // An answer that the client has is not always one that the gate saw end.
    let with_rows = records.iter().filter(|it| it.row_count == Some(1)).count();
    let cut_off = 5 * 2 * 20;
    assert!(with_rows + cut_off >= served.len(), "{with_rows} of {}", served.len());
    println!("own door: {} served, {} on the ledger", served.len(), records.len());
    Ok(())
}

/// Asks under a name, and says that it is over, each until it is answered.
async fn asked_until_answered(port: u16, name: String) -> anyhow::Result<Option<u64>> {
    let began = Instant::now();
    let shown = format!("Bearer {SECRET}");
    let shown = [("Authorization", shown.as_str())];
    let mut number = None;
    loop {
        match number {
            None => {
                if let Ok(told) = asks_at(port, &name).await {
                    anyhow::ensure!(told["serve"] == true, "{told}");
                    number = told["access_no"].as_u64();
                    continue;
                }
            }
            Some(_) => {
                let body = format!(r#"{{"request":"{name}","rows":1}}"#);
                if let Ok(over) = send(port, "POST", "/v1/complete", &shown, &body).await {
                    // It was told before, and the answer did not come.
                    anyhow::ensure!(matches!(over.status, 200 | 404), "{over:?}");
                    return Ok(number);
                }
            }
        }
        anyhow::ensure!(began.elapsed() < DEADLINE, "{name} is not answered");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A service that asks at the local API asks again, under the same name, until it is answered: one record each, and no other.
#[tokio::test(flavor = "multi_thread")]
async fn by_the_local_api() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb", "hrss"]).await?;
    gate.start().await?;
    let (port, names) = (gate.api, Arc::new(AtomicUsize::new(0)));
    let ask = || {
        let name = format!("r-{}", names.fetch_add(1, Ordering::Relaxed));
        asked_until_answered(port, name)
    };
    let mut served = BTreeSet::new();
    for round in 1..6 {
        merge(&mut served, many(&mut gate, 200, Some(3 + 31 * round), ask).await?)?;
    }
    assert_eq!(served.len(), 1_000, "{}", gate.log());
    spool_is_empty(&gate).await?;
    let records = on_the_ledger(&mut cluster).await?;
    let told: Vec<_> = records.iter().map(|it| (it.access_no, it.row_count)).collect();
    let all: Vec<_> = served.into_iter().map(|it| (it, Some(1))).collect();
    assert_eq!(told, all, "each once, and no other");
    Ok(())
}
