//! The grants that a log's accesses may be under: kept encoded, for there may be a hundred thousand, and found by what a statement says of itself.

use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_proto::wire::{Grant, ListRequestsRequest};
use prost::Message as _;
use std::collections::HashMap;

/// Grants of some datasets.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    /// One behind the other, each with where it ends.
    encoded: Vec<u8>,
    ends: Vec<usize>,
    /// Places among them by reference, of each dataset.
    by_reference: HashMap<String, HashMap<String, u32>>,
    /// Places among them by who uses what for, of each dataset.
    by_use: HashMap<String, HashMap<(String, String), Vec<u32>>>,
}

impl Grants {
    /// Asks a node for those of these datasets.
    pub async fn of(
        node: &Node,
        datasets: impl Iterator<Item = &String>,
    ) -> Result<Self, ClientError> {
        let mut all = Self::default();
        for dataset in datasets {
            let wanted = ListRequestsRequest { dataset: dataset.clone(), ..Default::default() };
            let take = |it: liuhen_proto::wire::RequestStanding| {
                it.grant.iter().for_each(|grant| all.add(grant));
            };
            node.each_request(wanted, take).await?;
        }
        Ok(all)
    }

    fn add(&mut self, grant: &Grant) {
        let Ok(place) = u32::try_from(self.ends.len()) else { return };
        grant.encode(&mut self.encoded).unwrap_or_default();
        self.ends.push(self.encoded.len());
        let of_dataset = self.by_reference.entry(grant.dataset.clone()).or_default();
        of_dataset.insert(grant.reference.clone(), place);
        let of_dataset = self.by_use.entry(grant.dataset.clone()).or_default();
        let used = (grant.using_department.clone(), grant.purpose.clone());
        of_dataset.entry(used).or_default().push(place);
    }

    fn get(&self, place: u32) -> Option<Grant> {
        let at = usize::try_from(place).ok()?;
        let begin = at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        Grant::decode(self.encoded.get(begin..*self.ends.get(at)?)?).ok()
    }

    /// The one of a reference.
    pub fn named(&self, dataset: &str, reference: &str) -> Option<Grant> {
        self.get(*self.by_reference.get(dataset)?.get(reference)?)
    }

    /// Those by which a department uses a dataset for a purpose.
    pub fn used(
        &self,
        dataset: &str,
        department: &str,
        purpose: &str,
    ) -> impl Iterator<Item = Grant> {
        let used = (department.to_owned(), purpose.to_owned());
        let places = self.by_use.get(dataset).and_then(|it| it.get(&used));
        places.into_iter().flatten().filter_map(|place| self.get(*place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_as_it_was() {
        let mut all = Grants::default();
        let grant = |number: u64| Grant {
            request_id: number.to_be_bytes().to_vec(),
            dataset: format!("d{}", number % 2),
            reference: format!("r{number}"),
            using_department: format!("u{}", number % 3),
            purpose: "pension".into(),
            ..Grant::default()
        };
        (0..12).for_each(|number| all.add(&grant(number)));
        assert_eq!(all.named("d1", "r7"), Some(grant(7)));
        assert_eq!((all.named("d0", "r7"), all.named("d9", "r7")), (None, None));
        let used: Vec<_> = all.used("d0", "u1", "pension").collect();
        assert_eq!(used, [grant(4), grant(10)]);
        assert_eq!(all.used("d0", "u1", "relief").count(), 0);
    }
}
