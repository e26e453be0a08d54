//! What is asked for together: as few questions as hold it all.

use std::collections::BTreeSet;

/// Puts things into batches, each with the places of all that are in it: no more than `at_most`, but where one thing alone has more.
pub fn batches<T, P: Ord + Clone>(
    all: Vec<T>,
    places_of: impl Fn(&T) -> BTreeSet<P>,
    at_most: usize,
) -> Vec<(BTreeSet<P>, Vec<T>)> {
    let mut batches: Vec<(BTreeSet<P>, Vec<T>)> = Vec::new();
    for one in all {
        let more = places_of(&one);
        let fits = |it: &&mut (BTreeSet<P>, Vec<T>)| it.0.union(&more).count() <= at_most;
        match batches.last_mut().filter(fits) {
            Some((places, things)) => {
                places.extend(more);
                things.push(one);
            }
            None => batches.push((more, vec![one])),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_few_as_hold_all() {
        let of = |all: &[&[u8]], at_most| -> Vec<usize> {
            let all = all.iter().map(|it| it.to_vec()).collect();
            let places = |it: &Vec<u8>| it.iter().copied().collect();
            batches(all, places, at_most).into_iter().map(|(_, it)| it.len()).collect()
        };
        assert_eq!(of(&[&[1, 2], &[2, 3], &[4]], 3), [2, 1]);
        assert_eq!(of(&[&[1, 2, 3, 4], &[1], &[9]], 3), [1, 2]);
        assert_eq!(of(&[], 3), [0; 0]);
    }
}
