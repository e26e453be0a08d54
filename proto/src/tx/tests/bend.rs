//! Bends items field by field.

use crate::items::ItemError;
use crate::ledger::tests::items::item;
use crate::wire::item::Kind;

/// Bends the item of one kind, and gives the field at fault; `None` if it is fine.
macro_rules! bent {
    ($kind:ident, $bend:expr) => {{
        let mut bent = None;
        for kind in $crate::tx::tests::all_kinds() {
            if let $crate::wire::item::Kind::$kind(mut it) = kind {
                let bend: fn(&mut $crate::wire::$kind) = $bend;
                bend(&mut it);
                bent = Some($crate::wire::item::Kind::$kind(it));
            }
        }
        $crate::tx::tests::bend::at_fault(bent.unwrap())
    }};
}

pub(super) fn at_fault(kind: Kind) -> Option<&'static str> {
    match item(kind).err()? {
        ItemError::Field { field, .. } => Some(field),
        ItemError::Encoding(why) => panic!("{why}"),
    }
}

/// `wrong!(kind, field: bend, …)`: each bend is refused, and names the field.
macro_rules! wrong {
    ($kind:ident, $($field:literal: $bend:expr),+ $(,)?) => {
        $(assert_eq!(bent!($kind, $bend), Some($field), "{}", stringify!($bend));)+
    };
}

/// `right!(kind, bend, …)`: each bend is taken.
macro_rules! right {
    ($kind:ident, $($bend:expr),+ $(,)?) => {
        $(assert_eq!(bent!($kind, $bend), None, "{}", stringify!($bend));)+
    };
}
