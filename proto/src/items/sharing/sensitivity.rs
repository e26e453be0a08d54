//! How sensitive what is asked for is: the strictest category and the highest grade of the fields
//! named; of the dataset and all its fields where none is named.

use crate::wire::{Category, Field, RegisterDataset};

/// The fields of a dataset that are meant.
fn meant<'a>(dataset: &'a RegisterDataset, names: &'a [String]) -> impl Iterator<Item = &'a Field> {
    dataset.fields.iter().filter(move |field| names.is_empty() || names.contains(&field.name))
}

/// The strictest category. A field has the dataset's where it has none of its own.
pub(crate) fn category(dataset: &RegisterDataset, names: &[String]) -> Category {
    let of_field = |field: &Field| match field.category() {
        Category::Unspecified => dataset.category(),
        own => own,
    };
    // Their numbers ascend from unconditional to not shared.
    let strictest = meant(dataset, names).map(of_field).max_by_key(|category| *category as i32);
    strictest.unwrap_or_else(|| dataset.category())
}

/// The highest grade, never below the dataset's own.
pub(crate) fn grade(dataset: &RegisterDataset, names: &[String]) -> u32 {
    meant(dataset, names).map(|field| field.grade).fold(dataset.grade, u32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_field_decides() {
        let field = |name: &str, grade, category: Category| Field {
            name: name.into(),
            grade,
            category: category as i32,
        };
        let dataset = RegisterDataset {
            grade: 2,
            category: Category::Unconditional as i32,
            fields: vec![
                field("a", 1, Category::Unspecified),
                field("b", 4, Category::Conditional),
                field("c", 2, Category::NotShared),
            ],
            ..RegisterDataset::default()
        };
        let names = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let cases: [(&[&str], Category, u32); 4] = [
            (&["a"], Category::Unconditional, 2),
            (&["a", "b"], Category::Conditional, 4),
            (&["c"], Category::NotShared, 2),
            (&[], Category::NotShared, 4),
        ];
        for (fields, strictest, highest) in cases {
            assert_eq!(category(&dataset, &names(fields)), strictest, "{fields:?}");
            assert_eq!(grade(&dataset, &names(fields)), highest, "{fields:?}");
        }
    }
}
