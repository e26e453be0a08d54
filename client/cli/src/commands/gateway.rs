//! `liuhen gateway`: what gateways serve, their numbers and seals.

use super::Common;
use super::digest::of_file;
use super::signing::{Act, nothing};
use crate::output::print_one;
use crate::tell;
use crate::text;
use liuhen_client::clock;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::event::Event;
use liuhen_proto::ledger::calendar::HOUR_MS;
use liuhen_proto::merkle::{Blake3Log, log};
use liuhen_proto::place::TrailKind;
use liuhen_proto::subject;
use liuhen_proto::types::Hash;
use liuhen_proto::wire::{self, SetObserving, item::Kind};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Gateways: what they serve, their numbers and seals
#[derive(Debug, clap::Subcommand)]
pub enum Gateway {
    /// Say which datasets a gateway serves; from then on it owes a seal for each period
    Set {
        /// `department/code`
        gateway: String,
        /// Datasets
        #[arg(long, value_delimiter = ',', required = true)]
        datasets: Vec<String>,
        /// The file by which it maps accounts to identities; its digest goes on the ledger
        #[arg(long)]
        mapping: Option<PathBuf>,
    },
    /// Take a gateway out of service
    Close {
        /// `department/code`
        gateway: String,
    },
    /// Have a gateway only observe for a time: what it would deny it serves, and says so (a collector begins it once; a manager prolongs it)
    Observe {
        /// `department/code`
        gateway: String,
        /// Datasets
        #[arg(long, value_delimiter = ',', required = true)]
        datasets: Vec<String>,
        /// For how many days from now, 90 at most; 0 ends it
        #[arg(long)]
        days: u64,
    },
    /// Commit to the mapping from accounts to identities that a gateway uses from now on
    Mapping {
        /// `department/code`
        gateway: String,
        /// The file; its digest goes on the ledger
        file: PathBuf,
    },
    /// Seal the periods that are over, as the gateway
    Seal {
        /// Until when; without it: the end of the newest period that is over
        #[arg(long)]
        until: Option<String>,
        /// How many numbers were given, by the gateway's own spool; without it: those that the ledger
        /// knows, by which nothing that was lost on the way can show
        #[arg(long, requires = "spool_root")]
        count: Option<u64>,
        /// The root over the digests of the spool's items, in the order of their numbers
        #[arg(long, requires = "count")]
        spool_root: Option<String>,
        /// What was seen of a dataset, `dataset:version:digest:rows`
        #[arg(long, value_delimiter = ',')]
        observed: Vec<String>,
    },
    /// Own up to numbers whose records are gone
    Loss {
        /// `department/code`
        gateway: String,
        /// The first number
        first: u64,
        /// The last number
        last: u64,
        /// A code: what happened
        #[arg(long)]
        cause: String,
    },
    /// Say that a gateway is or will be out
    Outage {
        /// `department/code`
        gateway: String,
        /// For how many hours from now, 72 at most
        #[arg(long)]
        hours: u64,
        /// A code: why
        #[arg(long)]
        cause: String,
    },
    /// Put something in the place of a record that the ledger can never take, as the gateway
    Unrecordable {
        /// The number
        access_no: u64,
        /// The refused item, a file; its digest goes on the ledger
        #[arg(long)]
        item: PathBuf,
        /// The code of the refusal
        #[arg(long)]
        reason: String,
    },
    /// Send the tags of a bulk set, as who recorded it; goes on behind those that are there
    Tags {
        /// The number of the record
        access_no: u64,
        /// All tags of the set, a line each
        file: PathBuf,
    },
    /// How a gateway stands
    Show {
        /// `department/code`
        gateway: String,
    },
}

impl Gateway {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        if let Self::Show { gateway } = self {
            return show(common, gateway).await;
        }
        let act = Act::begin(common).await?;
        if let Self::Tags { access_no, file } = self {
            return tags(&act, *access_no, file).await;
        }
        let kind = self.kind(&act).await?;
        act.done(kind, nothing).await
    }

    async fn kind(&self, act: &Act<'_>) -> Result<Kind, ClientError> {
        let collector = act.department();
        let id =
            async |name: &str| Ok::<_, ClientError>(act.node.identity_id(name).await?.to_vec());
        Ok(match self {
            Self::Set { gateway, datasets, mapping } => {
                let mut datasets = datasets.clone();
                datasets.sort();
                let mapping_digest = mapping.as_ref().map(of_file).transpose()?;
                Kind::SetGateway(wire::SetGateway {
                    collector,
                    gateway_id: id(gateway).await?,
                    datasets,
                    mapping_digest: mapping_digest.unwrap_or_default(),
                })
            }
            Self::Observe { gateway, datasets, days } => {
                let of = gateway.split('/').next().unwrap_or_default().to_owned();
                let (gateway_id, datasets) = (id(gateway).await?, datasets.clone());
                let (department, collector) = (collector, of);
                let until_ms = after_days(*days);
                let it = SetObserving { department, collector, gateway_id, datasets, until_ms };
                Kind::SetObserving(sorted(it))
            }
            Self::Close { gateway } => Kind::SetGateway(wire::SetGateway {
                collector,
                gateway_id: id(gateway).await?,
                ..wire::SetGateway::default()
            }),
            Self::Mapping { gateway, file } => Kind::CommitMapping(wire::CommitMapping {
                collector,
                gateway_id: id(gateway).await?,
                mapping_digest: of_file(file)?,
            }),
            Self::Loss { gateway, first, last, cause } => Kind::DeclareLoss(wire::DeclareLoss {
                collector,
                gateway_id: id(gateway).await?,
                first: *first,
                last: *last,
                cause: cause.clone(),
            }),
            Self::Outage { gateway, hours, cause } => Kind::DeclareOutage(wire::DeclareOutage {
                collector,
                gateway_id: id(gateway).await?,
                until_ms: clock::now().plus(hours.saturating_mul(HOUR_MS)).get(),
                cause: cause.clone(),
            }),
            Self::Unrecordable { access_no, item, reason } => {
                Kind::Unrecordable(wire::Unrecordable {
                    collector,
                    access_no: *access_no,
                    digest: of_file(item)?,
                    reason: reason.clone(),
                })
            }
            Self::Seal { until, count, spool_root, observed } => {
                let bad = |_| ClientError::Usage("--spool-root: 64 hexadecimal digits".into());
                let root = spool_root.as_ref().map(|it| it.parse::<Hash>()).transpose();
                let spool = count.zip(root.map_err(bad)?);
                seal(act, until.as_deref(), spool, observed).await?
            }
            Self::Show { .. } | Self::Tags { .. } => {
                return Err(ClientError::failed("nothing to sign"));
            }
        })
    }
}

/// So many days from now; 0: long over.
fn after_days(days: u64) -> u64 {
    // A little less: the ledger's clock may be behind this one.
    let for_ms = days.saturating_mul(24 * HOUR_MS).saturating_sub(60_000);
    if days == 0 { 0 } else { clock::now().plus(for_ms).get() }
}

fn sorted(mut it: SetObserving) -> SetObserving {
    it.datasets.sort();
    it
}

async fn seal(
    act: &Act<'_>,
    until: Option<&str>,
    spool: Option<(u64, Hash)>,
    observed: &[String],
) -> Result<Kind, ClientError> {
    let id = act.account.signer.identity.to_vec();
    let it = act.node.gateway(id.clone()).await?;
    if it.setup.is_none() {
        return Err(ClientError::failed(
            "the gateway was not set up: an officer does that with `liuhen gateway set`",
        ));
    }
    let known = it.gateway.unwrap_or_default();
    let now = clock::now().get();
    let until_ms = match until {
        Some(until) => text::parse_time(until)?,
        None => now.saturating_sub(now.checked_rem(it.seal_period_ms).unwrap_or(0)),
    };
    let first = known.sealed_last.saturating_add(1);
    let (count, root) = match spool {
        Some((count, root)) => (count, root.to_vec()),
        None => {
            let count = known.last_access_no.saturating_sub(known.sealed_last);
            (count, root_of_ledger(&act.node, id, first, count).await?)
        }
    };
    let mut observed = observed.iter().map(|it| seen(it)).collect::<Result<Vec<_>, _>>()?;
    observed.sort_by(|a, b| a.dataset.cmp(&b.dataset));
    Ok(Kind::SealPeriod(wire::SealPeriod {
        collector: act.department(),
        from_ms: known.sealed_until_ms,
        until_ms,
        first,
        count,
        spool_root: root,
        observed,
    }))
}

fn seen(text: &str) -> Result<wire::Observed, ClientError> {
    let bad = || ClientError::Usage(format!("`{text}`: dataset:version:digest:rows"));
    let parts: Vec<&str> = text.split(':').collect();
    let [dataset, version, digest, rows] = parts.as_slice() else { return Err(bad()) };
    Ok(wire::Observed {
        dataset: (*dataset).to_owned(),
        version: version.parse().map_err(|_| bad())?,
        content_digest: hex::decode(digest).map_err(|_| bad())?,
        row_count: rows.parse().map_err(|_| bad())?,
    })
}

/// The root over the digests of the records of these numbers, in their order, as they stand on the
/// gateway's trail, which is read from its end.
async fn root_of_ledger(
    node: &Node,
    gateway: Vec<u8>,
    first: u64,
    count: u64,
) -> Result<Vec<u8>, ClientError> {
    let mut digests = BTreeMap::new();
    let mut request = wire::GetTrailRequest {
        trail_kind: TrailKind::Gateway as u32,
        trail_id: gateway,
        page_size: 1000,
        newest_first: true,
        ..wire::GetTrailRequest::default()
    };
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    while digests.len() < wanted {
        let page = node.trails().get_trail(request.clone()).await?.into_inner();
        for event in &page.events {
            let event = Event::from_wire(event)?;
            if let Some(number) = event.access_no()
                && (first..first.saturating_add(count)).contains(&number)
            {
                digests.insert(number, event.leaf.digest);
            }
        }
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(log::root::<Blake3Log>(digests.into_values()).to_vec())
}

/// Sends what is missing of a bulk set.
async fn tags(act: &Act<'_>, access_no: u64, file: &Path) -> Result<(), ClientError> {
    let all = super::tag::read_tags(file)?;
    let gateway_id = act.account.signer.identity.to_vec();
    let request = wire::GetBulkSetRequest { gateway_id, access_no };
    let set = act.node.accountability().get_bulk_set(request).await?.into_inner();
    if set.complete {
        tell!("all {} tags are there already", set.count);
        return Ok(());
    }
    let root = subject::bulk_root(all.iter().map(Vec::as_slice));
    if root.as_bytes().as_slice() != set.root {
        let why = format!("{}: not the tags of number {access_no}", file.display());
        return Err(ClientError::Usage(why));
    }
    let received = usize::try_from(set.received).unwrap_or(usize::MAX);
    let left = all.get(received..).unwrap_or_default();
    super::record::add_tags(&act.node, &act.account, access_no, left).await?;
    tell!("{} of {} tags sent", left.len(), set.count);
    Ok(())
}

/// Until when what is only observed.
fn observing(setup: &wire::GatewaySetup) -> Vec<String> {
    let until =
        |it: &wire::ObservedUntil| format!("{} until {}", it.dataset, text::time(it.until_ms));
    let now = clock::now().get();
    setup.observing.iter().filter(|it| it.until_ms > now).map(until).collect()
}

async fn show(common: &Common, gateway: &str) -> Result<(), ClientError> {
    let node = common.connect().await?;
    let id = node.identity_id(gateway).await?.to_vec();
    let it = node.gateway(id).await?;
    let (known, setup) = (it.gateway.unwrap_or_default(), it.setup.unwrap_or_default());
    let gaps = known.gaps.iter().map(|gap| format!("{}–{}", gap.first, gap.last));
    let at = |time: u64| if time == 0 { json!(null) } else { json!(text::time(time)) };
    let fields = [
        ("gateway", json!(gateway)),
        ("datasets", json!(setup.datasets)),
        ("observing", json!(observing(&setup))),
        ("mapping_digest", json!(hex::encode(&setup.mapping_digest))),
        ("last_access_no", json!(known.last_access_no)),
        ("records", json!(known.records)),
        ("missing", json!(gaps.collect::<Vec<_>>())),
        ("sealed_until", at(known.sealed_until_ms)),
        ("sealed_last", json!(known.sealed_last)),
        ("seal_due", at(setup.seal_due_ms)),
        ("outage_until", at(setup.outage_until_ms)),
        ("silent", json!(setup.silence > 0)),
    ];
    print_one(&fields, common.output)
}
