//! What a proposal would change: old beside new.

use super::consortium::{of_parameters, protocol};
use crate::output::{Format, Rows};
use crate::rows::about;
use crate::text;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_proto::ledger::{intervals, parameters};
use liuhen_proto::wire::{self, propose::Change};
use serde_json::{Value, json};

/// What would change, how it is now, how it would be then.
type Effect = (String, Value, Value);

/// A row for each thing that would change. Errors for parameters that can't be.
pub(super) async fn rows(node: &Node, change: &Change, shown: Format) -> Result<Rows, ClientError> {
    let now = node.consortium().await?;
    let effects = match change {
        Change::SetParameters(it) => of_new_parameters(&now, it)?,
        Change::AdmitVoter(it) => of_votes(&now, it, shown),
        Change::SetValidator(it) => of_validator(&now, it, shown),
        Change::ChangeMember(it) => {
            let named = node.department(&it.department).await?;
            let in_force = intervals::is_open(&named.standing);
            let before = if in_force {
                shown.word("in force", "有效")
            } else {
                shown.word("suspended", "停用")
            };
            let then = text::state(it.change().as_str_name(), "STANDING_CHANGE_");
            vec![(format!("member {}", it.department), json!(before), json!(then))]
        }
        Change::SetRights(it) => {
            let named = node.department(&it.department).await?;
            let (before, then) = (rights(named.rights()), rights(it.rights()));
            vec![(format!("rights of {}", it.department), before, then)]
        }
        Change::SetCalendar(it) => {
            let known = now.calendars.iter().find(|one| one.year == it.year && !one.missing);
            vec![(
                format!("calendar {}", it.year),
                known.map_or_else(|| none(shown), days),
                days(it),
            )]
        }
        Change::SetProtocol(it) => {
            let then = format!("{} from height {}", it.protocol, it.height);
            vec![("protocol".into(), protocol(&now), json!(then))]
        }
        Change::SetRoot(it) => {
            let named = node.department(&it.department).await?;
            let keys = it.root.as_ref().map_or(0, |root| root.keys.len());
            let (before, then) = (text::short(&named.root_id), format!("{keys} new keys"));
            vec![(format!("root of {}", it.department), json!(before), json!(then))]
        }
        Change::RemovePeer(it) => {
            let (before, then) =
                (of_peer(&now.peers, &it.peer_id, shown), shown.word("removed", "移除"));
            vec![(format!("peer {}", it.peer_id), before, json!(then))]
        }
        Change::Succeed(_) | Change::VoidIntegrity(_) => {
            vec![(about::proposal(Some(change)), none(shown), json!(shown.word("done", "生效")))]
        }
    };
    let mut rows = Rows::new(&["what", "now", "then"]);
    for (what, before, then) in effects {
        rows.push(vec![json!(what), before, then]);
    }
    Ok(rows)
}

fn of_new_parameters(
    now: &wire::GetConsortiumResponse,
    it: &wire::SetParameters,
) -> Result<Vec<Effect>, ClientError> {
    let new = it.parameters.clone().unwrap_or_default();
    parameters::check(&new).map_err(ClientError::Usage)?;
    let before = of_parameters(&now.parameters.clone().unwrap_or_default());
    let both = before.into_iter().zip(of_parameters(&new));
    let changed = both.filter(|((_, before), (_, then))| before != then);
    Ok(changed.map(|((name, before), (_, then))| (name.to_owned(), before, then)).collect())
}

fn of_votes(
    now: &wire::GetConsortiumResponse,
    it: &wire::AdmitVoter,
    shown: Format,
) -> Vec<Effect> {
    let code = it.department.as_ref().map_or(&it.member, |new| &new.code);
    let weight = now.voters.iter().find(|voter| voter.department == *code);
    let weight = weight.map_or_else(|| none(shown), |voter| json!(voter.weight));
    let admitted =
        || (format!("member {code}"), none(shown), json!(shown.word("admitted", "加入")));
    let new = it.department.as_ref().map(|_| admitted());
    new.into_iter().chain([(format!("votes of {code}"), weight, json!(it.weight))]).collect()
}

fn of_validator(
    now: &wire::GetConsortiumResponse,
    it: &wire::SetValidator,
    shown: Format,
) -> Vec<Effect> {
    let new = it.validator.clone().unwrap_or_default();
    let set = now.validators.last().map(|it| it.validators.as_slice()).unwrap_or_default();
    let known = set.iter().find(|one| one.key_id == new.key_id);
    let what = format!("power of validator {}", text::short(&new.key_id));
    let power = (what, known.map_or_else(|| none(shown), |one| json!(one.power)), json!(new.power));
    let peer = it.peer.as_ref().map(|peer| {
        let before = of_peer(&now.peers, &peer.peer_id, shown);
        (format!("peer {}", peer.peer_id), before, json!(peer.department))
    });
    [power].into_iter().chain(peer).collect()
}

fn none(shown: Format) -> Value {
    json!(shown.word("none", "无"))
}

fn rights(list: impl Iterator<Item = wire::Right>) -> Value {
    json!(list.map(|right| text::state(right.as_str_name(), "RIGHT_")).collect::<Vec<_>>())
}

fn days(it: &wire::Calendar) -> Value {
    let (holidays, make_up) = (it.holidays.len(), it.make_up_days.len());
    json!(format!("{holidays} holidays, {make_up} make-up days"))
}

fn of_peer(peers: &[wire::Peer], id: &str, shown: Format) -> Value {
    let known = peers.iter().find(|it| it.peer_id == id && !it.removed);
    known.map_or_else(|| none(shown), |it| json!(it.department))
}
